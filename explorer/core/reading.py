"""Reading: paths, texts, JSON, TOML and whole numbers as a person gives them, with a sentence for what cannot be read.

Owns what a text file may be: UTF-8, with or without the mark that Windows editors begin it with, of any kind that can
be read to its end (a file, a pipe, `<(...)`), and not endless. Must not know what the texts mean.
"""

import codecs
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from threading import Timer
from typing import Any, BinaryIO

from explorer.errors import UsageError

LARGEST = 2**26
"""Bytes of a text: a prompt of a million tokens takes a tenth of it. A device that never ends is not read for ever."""

PATIENCE = 1.0
"""Seconds until it is told that a pipe is waited for."""

DIGITS = 18
"""Of a whole number: more fit into no id and no count, and thousands would take Python minutes to read."""

NESTING = 100
"""Lists and objects within one another, at most, in a value of JSON."""

OTHER_ENCODINGS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
"""By how a file begins; the longer beginnings first, as one of them begins with another."""


def path_of(said: str) -> Path:
    """The path that a person means; `~` and `~name` are folders of users. Raises UsageError."""
    if "\0" in said:
        raise UsageError("The name of a file cannot hold the character of the code 0.")
    try:
        return Path(said).expanduser()
    except RuntimeError as error:
        user = Path(said).parts[0]
        raise UsageError(
            f"{said} cannot be found: {user} stands for the folder of a user, and there is none."
        ) from error


def is_there(path: Path) -> bool:
    """Whether anything has the name; what cannot be looked at is there, so that reading it says why."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        return True
    return True


def reason(error: OSError) -> str:
    """Why the system refused something, as the end of a sentence."""
    words = error.strerror or str(error)
    return words[:1].lower() + words[1:]


def read_bytes(path: Path, name: str, waiting: Callable[[], None] | None = None) -> bytes:
    """All that is in a file, a pipe or a device, of which `name` is what the person called it.

    `waiting` is called where a second later nothing has come. Raises UsageError.
    """
    timer = Timer(PATIENCE, waiting) if waiting is not None else None
    try:
        if timer is not None:
            timer.daemon = True
            timer.start()
        with open(path, "rb") as file:
            first = file.read(1)
            if timer is not None:
                timer.cancel()
            return first + take_bytes(file, name)
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise UsageError(f"The file {name} cannot be read: {why}.") from error
    finally:
        if timer is not None:
            timer.cancel()


def take_bytes(file: BinaryIO, name: str) -> bytes:
    """All that is in an open file. Raises UsageError where that is too much for a text, and OSError."""
    data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise UsageError(f"The file {name} holds more than {LARGEST // 2**20} MiB, which is too much for a text.")
    return data


def read_text(path: Path, name: str | None = None, waiting: Callable[[], None] | None = None) -> str:
    """The text in a file, as `read_bytes` and `decoded` have it."""
    called = str(path) if name is None else name
    return decoded(read_bytes(path, called, waiting), called)


def decoded(data: bytes, name: str) -> str:
    """The text of the bytes of a file, without the mark that it may begin with. Raises UsageError."""
    if data.startswith(codecs.BOM_UTF8):
        data = data[len(codecs.BOM_UTF8) :]
    else:
        for mark, encoding in OTHER_ENCODINGS.items():
            if data.startswith(mark):
                raise UsageError(f"The file {name} is {encoding} text. Save it as UTF-8.")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"The file {name} is not UTF-8 text: byte {error.start} cannot be read.") from error


def read_json(text: str, name: str) -> Any:
    """The value that a text writes in JSON; `name` begins the sentence where it does not. Raises UsageError."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise UsageError(f"{name} is not JSON: {error.msg[:1].lower()}{error.msg[1:]} at {place}.") from error
    except RecursionError as error:
        raise UsageError(too_deep(name)) from error
    except ValueError as error:  # Python reads no number of more than 4,300 digits.
        raise UsageError(f"{name} cannot be used: it holds a number of thousands of digits.") from error
    if is_deep(value):
        raise UsageError(too_deep(name))
    return value


def is_deep(value: Any) -> bool:
    """Whether a value of JSON is nested deeper than `NESTING`: what is just read may be too deep to be written."""
    level = [value] if isinstance(value, list | dict) else []
    for _ in range(NESTING):
        inner = [one.values() if isinstance(one, dict) else one for one in level]
        level = [one for several in inner for one in several if isinstance(one, list | dict)]
    return bool(level)


def too_deep(name: str) -> str:
    return f"{name} cannot be used: it is nested too deep."


def read_toml(text: str, name: str) -> dict[str, Any]:
    """The table that a text writes in TOML; `name` begins the sentence where it does not. Raises UsageError."""
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise UsageError(f"{name} cannot be used: it is nested too deep.") from error
    except ValueError as error:
        why = str(error)
        raise UsageError(f"{name} is not TOML: {why[:1].lower()}{why[1:]}.") from error


def whole_number(text: str) -> int:
    """The number that digits write. Raises ValueError for anything else, and for one of more than `DIGITS`."""
    if len(text.strip().lstrip("+-")) > DIGITS:
        raise ValueError(f"{text[:DIGITS]}… has more than {DIGITS} digits")
    return int(text)
