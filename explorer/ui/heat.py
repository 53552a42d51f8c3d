"""Heat: from a number of a token to one of five colours, from what was to be expected to what was not.

Owns the scales; the colours are in themes/*.toml. Pure functions. Must not know widgets.
"""

from bisect import bisect_left
from typing import Literal

from explorer.core.snapshot import PathToken

Metric = Literal["", "prob", "entropy", "surprisal"]
HEAT_METRICS: tuple[Metric, ...] = ("", "prob", "entropy", "surprisal")
"""What a key walks through; the first is none."""

BITS = (1.0, 2.0, 4.0, 7.0)
"""Where one colour gives way to the next, in bits of surprisal or entropy; a probability is taken as its surprisal."""

SIGNS: dict[Metric, tuple[str, str]] = {
    "prob": ("≥ 50%", "< 1%"),
    "entropy": ("sure", "unsure"),
    "surprisal": ("expected", "surprising"),
}
"""What the ends of a scale are called."""


def heat(metric: Metric, place: PathToken) -> int | None:
    """0 (expected, or sure) to 4; None where the number is not known."""
    bits = place.entropy if metric == "entropy" else place.surprisal if metric else None
    return None if bits is None else bisect_left(BITS, bits)


def legend(metric: Metric) -> str:
    """The scale, as Textual markup: nothing of it comes from a model."""
    low, high = SIGNS[metric]
    scale = "".join(f"[on $heat-{step}]   [/]" for step in range(len(BITS) + 1))
    return f"{metric}: {low} {scale} {high}"
