"""SequencesPane: a sequence a line: its number, how long and how likely it is, why it ended, and its text's end.

Must not know who draws.
"""

from collections.abc import Iterable, Sequence

from textual.reactive import var

from explorer.core.sampling.sequence import SampledSequence
from explorer.ui.drawing.styles import Part
from explorer.ui.tables.column import head_parts, placed, row_parts
from explorer.ui.tables.sequences import SEQUENCES, SequenceLine
from explorer.ui.widgets.list import ListPane
from explorer.ui.widgets.pane import component_classes
from explorer.walk.fork import ended
from explorer.wording import Wording


class SequencesPane(ListPane):
    COMPONENT_CLASSES = component_classes("head", "text", "quiet", "bar")

    drawing: var[bool] = var(True, init=False)

    def __init__(self, words: Wording, sequences: Sequence[SampledSequence], id: str) -> None:
        super().__init__(id)
        self._words = words
        self._sequences = sequences
        self._logprobs = [(0, 0.0)] * len(sequences)
        """Of each sequence: how many tokens are summed, and their sum."""

    def on_mount(self) -> None:
        self.count_rows(len(self._sequences))

    def watch_drawing(self) -> None:
        self.refresh()

    def head(self) -> Iterable[Part]:
        return head_parts(placed(SEQUENCES, self.cells), self._words)

    def row_parts(self, row: int) -> Iterable[Part]:
        sequence = self._sequences[row]
        grows = sequence.finish is None and self.drawing
        line = SequenceLine(
            number=row + 1,
            sequence=sequence,
            logprob=self._logprob(row),
            ended="…" if grows else ended(self._words, sequence.finish),
            selected=row == self.row,
        )
        return row_parts(placed(SEQUENCES, self.cells), line)

    def _logprob(self, index: int) -> float | None:
        """The sum over the tokens, in nats; what was summed is kept. None where one of them is not known."""
        drawn = self._sequences[index].drawn
        done, total = self._logprobs[index]
        if any(one.logprob is None for one in drawn[done:]):
            return None
        total += sum(one.logprob or 0.0 for one in drawn[done:])
        self._logprobs[index] = (len(drawn), total)
        return total
