"""RankingPane: several texts that could come next, a text a line, the likeliest by one of three measures first.

Owns which measure the lines are in the order of. Must not know who computes them.
"""

from collections.abc import Iterable, Sequence

from textual.reactive import var

from explorer.ui.drawing.styles import Part
from explorer.ui.tables.column import Placed, head_parts, placed, row_parts
from explorer.ui.tables.options import MEASURES, OptionLine, options
from explorer.ui.widgets.list import ListPane
from explorer.ui.widgets.pane import component_classes
from explorer.walk.ranking import Option
from explorer.wording import Wording


class RankingPane(ListPane):
    COMPONENT_CLASSES = component_classes("head", "text", "quiet", "visited", "bar")

    measure: var[int] = var(0, init=False)
    """The index of the one that the lines are in the order of."""

    def __init__(self, words: Wording, id: str) -> None:
        super().__init__(id)
        self._words = words
        self.options: Sequence[Option] = ()
        self._greatest: Sequence[float] = ()
        """By each measure."""

    def show(self, options: Sequence[Option]) -> None:
        """List these, and select the likeliest."""
        self.options = options
        self._greatest = [max((_ordered(value(one)) for one in options), default=0.0) for _, value in MEASURES]
        self._sort()
        self.row = 0
        self.count_rows(len(options))

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

    @property
    def _columns(self) -> Placed[OptionLine]:
        return placed(options(self.measure), self.cells)

    def head(self) -> Iterable[Part]:
        return head_parts(self._columns, self._words)

    def row_parts(self, row: int) -> Iterable[Part]:
        option = self.options[row]
        best = tuple(value(option) == best for (_, value), best in zip(MEASURES, self._greatest, strict=True))
        return row_parts(self._columns, OptionLine(option=option, best=best, selected=row == self.row))


def _ordered(value: float | None) -> float:
    return float("-inf") if value is None else value
