"""Figures: numbers as texts that say no more and no less than the number. Must not know where they are shown."""

import math

UNKNOWN = "–"
INFINITE = "∞"


def decimal(number: float | None, digits: int = 2) -> str:
    """With so many digits after the point: `-3.14`, `–` where it is not known, `∞`; what rounds to 0 has no sign."""
    if number is None:
        return UNKNOWN
    if math.isinf(number):
        return INFINITE if number > 0 else f"-{INFINITE}"
    text = f"{number:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text


def scientific(number: float | None) -> str:
    """With two digits and its power of ten: `1.2e-06`; as `decimal` where it is not known or infinite."""
    return decimal(number) if number is None or math.isinf(number) else f"{number:.1e}"
