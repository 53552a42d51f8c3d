"""SequencesPane: a sequence a line: its number, how long and how likely it is, why it ended, and its text's end.

Must not know who draws.
"""

from collections.abc import Iterable, Sequence

from textual.reactive import var

from explorer.core.sampling.sequence import SampledSequence
from explorer.core.token import UNSETTLED, visible
from explorer.ui.drawing.cells import fit
from explorer.ui.widgets.pane import Part
from explorer.ui.widgets.rows import RowsPane
from explorer.walk.fork import WHY

WHY_CELLS = 13


class SequencesPane(RowsPane):
    drawing: var[bool] = var(True, init=False)

    def __init__(self, sequences: Sequence[SampledSequence], id: str) -> None:
        super().__init__(id)
        self._sequences = sequences
        self._logprobs = [(0, 0.0)] * len(sequences)
        """Of each sequence: how many tokens are summed, and their sum."""

    def on_mount(self) -> None:
        self.count = len(self._sequences)

    def watch_drawing(self) -> None:
        self.refresh()

    def head(self, cells: int) -> str:
        return fit(f"{'':>5}{'tokens':>8}{'logprob':>10}  {'ended':{WHY_CELLS}}text", cells)

    def row_parts(self, row: int, selected: bool, cells: int) -> Iterable[Part]:
        sequence = self._sequences[row]
        quiet = "rows--text" if selected else "rows--quiet"
        why = "…" if sequence.finish is None and self.drawing else WHY.get(sequence.finish, "")
        yield f"{row + 1:>4}", quiet
        yield f"{len(sequence.drawn):>8}{self._logprob(row):>10}  {fit(why, WHY_CELLS)}", quiet
        room = max(cells - 24 - WHY_CELLS, 4)
        # What can be seen at most is looked at: a text may be long, and is drawn often.
        shown = visible(sequence.text[:room], UNSETTLED)
        yield fit(shown + ("…" if len(sequence.text) > room else ""), room), "rows--text"

    def _logprob(self, index: int) -> str:
        """The sum over the tokens, in nats; what was summed is kept."""
        drawn = self._sequences[index].drawn
        done, total = self._logprobs[index]
        if any(one.logprob is None for one in drawn[done:]):
            return "–"
        total += sum(one.logprob or 0.0 for one in drawn[done:])
        self._logprobs[index] = (len(drawn), total)
        return f"{total:.2f}"
