"""Form: settings as a person writes them, one line a setting.

Owns how a number and an answer are read. Must not know which settings there are.
"""

from dataclasses import dataclass

from explorer.core.reading import whole_number
from explorer.errors import UsageError


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a form; its name is that of the setting."""

    name: str
    title: str
    hint: str


def read_number(title: str, text: str) -> float | None:
    """The number; None where nothing is written. Raises UsageError, which names the field."""
    text = text.strip()
    try:
        return float(text) if text else None
    except ValueError as error:
        raise UsageError(f"{title} must be a number, not “{text}”.") from error


def read_whole_number(title: str, text: str) -> int | None:
    """As `read_number`."""
    text = text.strip()
    try:
        return whole_number(text) if text else None
    except ValueError as error:
        raise UsageError(f"{title} must be a whole number, not “{text}”.") from error


def read_answer(title: str, text: str) -> bool:
    """Yes or no. Raises UsageError, which names the field."""
    answers = {"yes": True, "y": True, "on": True, "no": False, "n": False, "off": False}
    answer = answers.get(text.strip().casefold())
    if answer is None:
        raise UsageError(f"{title} is yes or no, not “{text.strip()}”.")
    return answer


def written_answer(answer: bool) -> str:
    return "yes" if answer else "no"


def written_number(number: float | None) -> str:
    """Empty for None."""
    return "" if number is None else f"{number:g}"
