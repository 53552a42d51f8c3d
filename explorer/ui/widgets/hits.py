"""HitsPane: what a search found, a token a line: its rank, its id, what it says, and how likely it is."""

from collections.abc import Iterable, Sequence

from explorer.core.distribution import Candidate
from explorer.core.sampling.knobs import CUT_NAMES
from explorer.core.token import label
from explorer.ui.drawing.cells import fit
from explorer.ui.drawing.numbers import percent
from explorer.ui.widgets.pane import Part
from explorer.ui.widgets.rows import RowsPane

NUMBER_CELLS = 8
"""Of a rank and of an id: a vocabulary has hundreds of thousands of tokens at most."""

FIXED_CELLS = 2 * NUMBER_CELLS + 2 + 8 + 9
"""Beside the token."""

NARROW = FIXED_CELLS + 8
"""Cells below which the ids give way."""


class HitsPane(RowsPane):
    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.hits: Sequence[Candidate] = ()

    def show(self, hits: Sequence[Candidate]) -> None:
        """List these, and select the first."""
        self.hits = hits
        self.count, self.row = len(hits), 0
        self.refresh()

    @property
    def selected(self) -> Candidate | None:
        return self.hits[self.row] if self.hits else None

    def head(self, cells: int) -> str:
        number = "" if cells < NARROW else f"{'id':>{NUMBER_CELLS}}"
        token = cells - FIXED_CELLS - 1 + (0 if number else NUMBER_CELLS)
        return fit(
            f" {'rank':>{NUMBER_CELLS}}{number}  {fit('token', max(token, 4))}{'model':>8}{'sampling':>9}", cells
        )

    def row_parts(self, row: int, selected: bool, cells: int) -> Iterable[Part]:
        hit = self.hits[row]
        # Quiet colours would drown in the selected row's background where there are 16 of them.
        quiet = "rows--text" if selected else "rows--quiet"
        cut = ("rows--text" if selected else "rows--cut") if hit.cut_by else ""
        number = "" if cells + 1 < NARROW else f"{hit.token.id:>{NUMBER_CELLS}}"
        yield f"{hit.rank:>{NUMBER_CELLS}}{number}  ", cut or quiet
        token = cells - FIXED_CELLS + (0 if number else NUMBER_CELLS)
        yield fit(label(hit.token), max(token, 4)), cut or self.kind(hit.token)
        yield percent(hit.prob), cut or "rows--text"
        share = CUT_NAMES.get(hit.cut_by, hit.cut_by) if hit.cut_by else percent(hit.sampling_prob)
        yield f"{share:>9}", cut or "rows--text"
