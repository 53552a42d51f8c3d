"""Heat: from a number of a token to one of five steps, from what was to be expected to what was not.

Owns the scales; what a step looks like is owned by whoever shows it. Pure functions.
"""

from bisect import bisect_left
from typing import Literal, Protocol

Metric = Literal["", "prob", "entropy", "surprisal", "rank"]
"""What the heat tells; the first is none."""

STEPS = 5

BITS = (1.0, 2.0, 4.0, 7.0)
"""Where one step gives way to the next, in bits of surprisal or entropy; a probability is taken as its surprisal."""

RANKS = (1, 3, 10, 100)
"""The same for ranks."""

TITLES: dict[Metric, str] = {"prob": "probability", "surprisal": "surprisal", "entropy": "entropy", "rank": "rank"}

SIGNS: dict[Metric, tuple[str, str]] = {
    "prob": ("≥ 50%", "< 1%"),
    "entropy": ("sure", "unsure"),
    "surprisal": ("expected", "surprising"),
    "rank": ("first", "> 100"),
}
"""What the ends of a scale are called."""


class Numbers(Protocol):
    """What a token has where it stands; None where it is not known."""

    @property
    def surprisal(self) -> float | None: ...
    @property
    def entropy(self) -> float | None: ...
    @property
    def rank(self) -> int | None: ...


def heat(metric: Metric, place: Numbers) -> int | None:
    """0 (expected, or sure) to 4; None where the number is not known."""
    match metric:
        case "":
            return None
        case "rank":
            return None if place.rank is None else bisect_left(RANKS, place.rank)
        case "entropy":
            bits = place.entropy
        case _:
            bits = place.surprisal
    return None if bits is None else bisect_left(BITS, bits)
