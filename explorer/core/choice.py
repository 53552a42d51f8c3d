"""How a token came to stand on a path: by whom, and with which numbers. Must not know the tree that it stands in."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

Source = Literal["picked", "sampled", "forced"]


@dataclass(slots=True)
class Choice:
    """How a token came to stand on a path, with the numbers that it had there."""

    source: Source
    prob: float | None = None
    sampling_prob: float | None = None
    rank: int | None = None
    entropy: float | None = None
    """Of the distribution that it was chosen from, in bits, where no table of its parent tells it."""
    seed: int | None = None
    draw: int | None = None
    """Index, from 0, of the draw of its seed that chose a sampled token."""
    rows: int | None = None
    """How many sequences were drawn side by side, where it is of one of them: `seed` and `draw` are theirs alone."""


class Batch(NamedTuple):
    """One of several sequences that are drawn side by side."""

    seed: int | None
    """Theirs alone; None where nothing is drawn by chance."""
    row: int
    rows: int
