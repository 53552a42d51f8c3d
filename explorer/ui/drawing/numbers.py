"""Numbers as they are written on the screen: of one width, and never more certain than they are."""

from explorer.core.figure import UNKNOWN as UNKNOWN
from explorer.core.figure import decimal as decimal


def percent(share: float | None) -> str:
    """A probability in eight cells, `  95.22%`; what is not nothing is not written as nothing."""
    if share is None:
        return f"{UNKNOWN:>8}"
    if 0 < share < 0.00005:
        return "  <0.01%"
    if 0.99995 <= share < 1:
        return " >99.99%"
    return f"{share:>8.2%}"


def count(number: int | None) -> str:
    """With separators: `6,144`."""
    return UNKNOWN if number is None else f"{number:,}"


BLOCKS = " ▏▎▍▌▋▊▉█"


def bar(share: float, cells: int) -> str:
    """A bar of eighths of a cell."""
    full, rest = divmod(min(round(share * cells * 8), cells * 8), 8)
    return ("█" * full + (BLOCKS[rest] if rest else "")).ljust(cells)
