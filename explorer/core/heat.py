"""Heat: from a number of a token to one of five steps, from what was to be expected to what was not.

Owns the metrics and their scales; what a step looks like is owned by whoever shows it. Pure functions.
"""

from bisect import bisect_left
from collections.abc import Callable
from typing import Protocol

import msgspec

STEPS = 5

BITS = (1.0, 2.0, 4.0, 7.0)
"""Where one step gives way to the next, in bits of surprisal or entropy; a probability is taken as its surprisal."""

RANKS = (1.0, 3.0, 10.0, 100.0)
"""The same for ranks."""


class Numbers(Protocol):
    """What a token has where it stands; None where it is not known."""

    @property
    def surprisal(self) -> float | None: ...
    @property
    def entropy(self) -> float | None: ...
    @property
    def rank(self) -> int | None: ...


class Metric(msgspec.Struct, frozen=True):
    """What the heat of a token tells; a new metric is one more row of METRICS."""

    id: str
    title: str
    value: Callable[[Numbers], float | None]
    bounds: tuple[float, float, float, float]
    """The greatest value of each step but the last."""
    low: str
    """What the end of the scale is called where a token is expected."""
    high: str
    """The other end."""

    def step(self, place: Numbers) -> int | None:
        """0 (expected, or sure) to 4; None where the number is not known."""
        value = self.value(place)
        return None if value is None else bisect_left(self.bounds, value)


METRICS = (
    Metric("prob", "probability", lambda place: place.surprisal, BITS, "≥ 50%", "< 1%"),
    Metric("entropy", "entropy", lambda place: place.entropy, BITS, "sure", "unsure"),
    Metric("surprisal", "surprisal", lambda place: place.surprisal, BITS, "expected", "surprising"),
    Metric("rank", "rank", lambda place: place.rank, RANKS, "first", "> 100"),
)
"""In the order in which they are offered."""

METRIC = {metric.id: metric for metric in METRICS}


def heat(metric: str, place: Numbers) -> int | None:
    """The step of a metric by its id; None for "" too, which is no metric."""
    return METRIC[metric].step(place) if metric else None
