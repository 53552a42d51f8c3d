"""HitsPane: what a search found, a token a line: its rank, its id, what it says, and how likely it is."""

from collections.abc import Iterable, Sequence

from explorer.core.distribution import Candidate
from explorer.core.token import label
from explorer.ui.drawing.styles import Part
from explorer.ui.tables.candidates import HITS, CandidateLine
from explorer.ui.tables.column import head_parts, placed, row_parts
from explorer.ui.widgets.list import ListPane
from explorer.ui.widgets.pane import component_classes
from explorer.wording import Wording


class HitsPane(ListPane):
    COMPONENT_CLASSES = component_classes("head", "text", "quiet", "special", "fragment", "visited", "cut", "bar")

    def __init__(self, words: Wording, id: str) -> None:
        super().__init__(id)
        self._words = words
        self.hits: Sequence[Candidate] = ()

    def show(self, hits: Sequence[Candidate]) -> None:
        """List these, and select the first."""
        self.hits, self.row = hits, 0
        self.count_rows(len(hits))

    @property
    def selected(self) -> Candidate | None:
        return self.hits[self.row] if self.hits else None

    def head(self) -> Iterable[Part]:
        return head_parts(placed(HITS, self.cells), self._words)

    def row_parts(self, row: int) -> Iterable[Part]:
        hit = self.hits[row]
        line = CandidateLine(candidate=hit, label=label(hit.token), selected=row == self.row)
        return row_parts(placed(HITS, self.cells), line)
