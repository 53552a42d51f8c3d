"""RankingPane: several texts that could come next, a text a line, the likeliest by one of three measures first.

Owns the measures and which one the lines are in the order of. Must not know who computes them.
"""

from collections.abc import Callable, Iterable, Sequence

from textual.reactive import var

from explorer.core.token import Token, label
from explorer.ui.drawing.cells import fit
from explorer.ui.drawing.numbers import UNKNOWN
from explorer.ui.widgets.pane import Part
from explorer.ui.widgets.rows import RowsPane
from explorer.walk.ranking import Option

MEASURES: tuple[tuple[str, Callable[[Option], float | None]], ...] = (
    ("total", lambda option: option.total),
    ("a token", lambda option: option.per_token),
    ("a byte", lambda option: option.per_byte),
)
"""Natural logarithms."""

CELLS, TOKENS_CELLS = 10, 8
SHORTEST = 12
"""Cells of the text, below which columns give way: the tokens, then the last measure."""


class RankingPane(RowsPane):
    measure: var[int] = var(0, init=False)
    """The index of the one that the lines are in the order of."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.options: Sequence[Option] = ()

    def show(self, options: Sequence[Option]) -> None:
        """List these, and select the likeliest."""
        self.options = options
        self._sort()
        self.count, self.row = len(options), 0
        self._lay_out()

    def watch_measure(self) -> None:
        selected = self.selected
        self._sort()
        self.row = next((row for row, option in enumerate(self.options) if option is selected), 0)
        self.refresh()

    def _sort(self) -> None:
        value = MEASURES[self.measure][1]
        self.options = sorted(self.options, key=lambda option: -_ordered(value(option)))

    @property
    def selected(self) -> Option | None:
        return self.options[self.row] if self.options else None

    def _columns(self, cells: int) -> tuple[bool, int]:
        """Whether the tokens are counted, and how many measures are shown, beside a text of SHORTEST cells."""
        room = cells - SHORTEST
        measures = min(max(room // CELLS, 1), len(MEASURES))
        return room >= measures * CELLS + TOKENS_CELLS, measures

    def head(self, cells: int) -> str:
        counted, measures = self._columns(cells - 1)
        titles = [f"▾{title}" if i == self.measure else title for i, (title, _) in enumerate(MEASURES[:measures])]
        beside = (f"{'tokens':>{TOKENS_CELLS}}" if counted else "") + "".join(f"{t:>{CELLS - 1}} " for t in titles)
        return fit(" text", cells - len(beside)) + beside

    def row_parts(self, row: int, selected: bool, cells: int) -> Iterable[Part]:
        option = self.options[row]
        counted, measures = self._columns(cells)
        room = cells - measures * CELLS - counted * TOKENS_CELLS
        text = label(Token.from_bytes(0, b"".join(one.token.bytes for one in option.scored)))
        yield fit(text, room), "rows--text"
        if counted:
            yield f"{len(option.scored):>{TOKENS_CELLS}}", "rows--text" if selected else "rows--quiet"
        for _, value in MEASURES[:measures]:
            here = value(option)
            best = here is not None and here == max(_ordered(value(other)) for other in self.options)
            number = UNKNOWN if here is None else f"{here:.2f}"
            yield f"{number:>{CELLS - 1}}{'•' if best else ' '}", "rows--best" if best else "rows--text"


def _ordered(value: float | None) -> float:
    return float("-inf") if value is None else value
