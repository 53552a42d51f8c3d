"""Guides: the lines that show what a row of a tree hangs from, in a room that holds some of the levels.

Owns which levels are left out: a deep tree is shown around one row, and a number tells how many levels are not. Pure
functions. Must not know widgets.
"""

from collections.abc import Sequence

from explorer.core.walk.runs import Run
from explorer.ui.drawing.cells import fit

INDENT = 2
"""Cells of a level."""

NUMBER_CELLS = 3
"""Of the number of levels that are left out."""


def first_level(level: int, depth: int, levels: int) -> int:
    """How many levels to leave out, so that a row is seen with what it hangs from: `level` where that will do."""
    return max(min(level, depth - 2), depth - levels, 0)


def guides(line: Sequence[Run], level: int, levels: int) -> str:
    """The lines before the last run of `line`, which begins with the prompt; without the first `level` of them."""
    depth = len(line) - 1
    left_out = "" if not level else _number(min(depth, level)) if depth else " " * NUMBER_CELLS
    if depth <= level:
        return left_out
    deep = depth > level + levels
    beside = line[level + 1 : level + levels if deep else -1]
    lines = "".join("  " if _is_last(run) else "│ " for run in beside)
    return left_out + lines + (_number(depth) if deep else "") + ("└─" if _is_last(line[-1]) else "├─")


def _number(levels: int) -> str:
    return fit(f"⋯{levels}", NUMBER_CELLS)


def _is_last(run: Run) -> bool:
    return run.above is None or run.above.below[-1] is run
