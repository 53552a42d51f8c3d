"""SequencesPane: a sequence a line: its number, how long and how likely it is, why it ended, and its text's end.

Owns the selected line. Must not know who draws.
"""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import var

from explorer.core.sequence import SampledSequence
from explorer.core.token import UNSETTLED, visible
from explorer.ui.cells import fit
from explorer.ui.fork import WHY
from explorer.ui.widgets.pane import Pane, Part

HEAD = 1
"""Lines above the sequences."""

WHY_CELLS = 13


class SequencesPane(Pane):
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "sequences--head",
        "sequences--quiet",
        "sequences--text",
        "sequences--bar",
        "sequences--selected",
    }

    row: var[int] = var(0, init=False)
    drawing: var[bool] = var(True, init=False)

    class Selected(Message):
        """Another line is selected."""

    class Chosen(Message):
        """A person wants the selected sequence."""

    def __init__(self, sequences: Sequence[SampledSequence], id: str) -> None:
        super().__init__(id)
        self._sequences = sequences
        self._logprobs = [(0, 0.0)] * len(sequences)
        """Of each sequence: how many tokens are summed, and their sum."""

    def on_resize(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, HEAD + len(self._sequences))
        self._reveal()

    def watch_row(self) -> None:
        self._reveal()
        self.refresh()
        self.post_message(self.Selected())

    def watch_drawing(self) -> None:
        self.refresh()

    def move(self, rows: int) -> None:
        self.row = min(max(self.row + rows, 0), len(self._sequences) - 1)

    def _reveal(self) -> None:
        first = 0 if self.row == 0 else self.row + HEAD
        self.scroll_to_region(
            Region(0, first, 1, self.row + HEAD - first + 1), animate=False, immediate=True, force=True
        )

    def line_style(self, number: int) -> str:
        return "sequences--selected" if number == self.row + HEAD else ""

    def line(self, number: int) -> Iterable[Part]:
        cells = self.scrollable_content_region.width
        if number == 0:
            yield fit(f"{'':>5}{'tokens':>8}{'logprob':>10}  {'ended':{WHY_CELLS}}text", cells), "sequences--head"
            return
        if number > len(self._sequences):
            return
        sequence = self._sequences[number - HEAD]
        selected = number - HEAD == self.row
        quiet = "sequences--text" if selected else "sequences--quiet"
        why = "…" if sequence.finish is None and self.drawing else WHY.get(sequence.finish, "")
        yield "▸" if selected else " ", "sequences--bar"
        yield f"{number:>4}", quiet
        yield f"{len(sequence.drawn):>8}{self._logprob(number - HEAD):>10}  {fit(why, WHY_CELLS)}", quiet
        room = max(cells - 25 - WHY_CELLS, 4)
        # What can be seen at most is looked at: a text may be long, and is drawn often.
        shown = visible(sequence.text[:room], UNSETTLED)
        yield fit(shown + ("…" if len(sequence.text) > room else ""), room), "sequences--text"

    def _logprob(self, index: int) -> str:
        """The sum over the tokens, in nats; what was summed is kept."""
        drawn = self._sequences[index].drawn
        done, total = self._logprobs[index]
        if any(one.logprob is None for one in drawn[done:]):
            return "–"
        total += sum(one.logprob or 0.0 for one in drawn[done:])
        self._logprobs[index] = (len(drawn), total)
        return f"{total:.2f}"

    def on_click(self, event: events.Click) -> None:
        row = event.get_content_offset_capture(self).y + self.scroll_offset.y - HEAD
        if not 0 <= row < len(self._sequences):
            return
        if row == self.row and event.chain > 1:
            self.post_message(self.Chosen())
        self.row = row
