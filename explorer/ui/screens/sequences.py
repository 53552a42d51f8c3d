"""The dialog of several sequences: they grow in a list while they are drawn; then one is chosen, or none.

Returns the index of the chosen one. What was drawn is kept, whatever the person does. Must not know the session.
"""

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.getters import query_one

from explorer.errors import ExplorerError
from explorer.ui.repaint import FRAME, Repaint
from explorer.ui.screens.dialog import Dialog
from explorer.ui.widgets.flow import FlowPane
from explorer.ui.widgets.said import Said
from explorer.ui.widgets.sequences import SequencesPane
from explorer.walk.fork import Fork
from explorer.wording import Wording

SHOWN = 4000
"""Characters of the selected sequence that are laid out, the last ones."""


class SequencesScreen(Dialog[int | None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "stop", show=False),
        Binding("enter", "choose", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "move(-10)", show=False),
        Binding("pagedown", "move(10)", show=False),
    ]
    AUTO_FOCUS = None

    dialog = query_one("#sequences", Vertical)
    pane = query_one(SequencesPane)
    text = query_one("#sequence-text", FlowPane)

    def __init__(self, words: Wording, fork: Fork) -> None:
        super().__init__(words)
        self._fork = fork
        self._repaint = Repaint(self, self._look)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="sequences"):
            yield SequencesPane(self._words, self._fork.sequences, "sequences-list")
            yield FlowPane("sequence-text")
            yield Said("", id="fault")

    def on_mount(self) -> None:
        self.pane.styles.height = len(self._fork.sequences) + 1
        self._look()
        self.draw()

    @work(exclusive=True, group="sequences")
    async def draw(self) -> None:
        try:
            await self._fork.draw(lambda: self._repaint.soon(FRAME))
        except ExplorerError as error:
            said = self._words("sequences.broken_off", error=str(error))
            self.say(said, fault=True)
        finally:
            # Where the program ends, the panes are gone before the drawing stops.
            if self.query("#sequences-list") and self.query("#sequence-text"):
                self.pane.drawing = False
                self._look()

    @on(SequencesPane.Selected)
    def _look(self) -> None:
        """Show how far they are."""
        self._repaint.stop()
        words, fork, count = self._words, self._fork, len(self._fork.sequences)
        title = words("sequences.title", tokens=fork.tokens, finished=fork.finished, count=count)
        self.dialog.border_title = title
        self.dialog.border_subtitle = words("sequences.drawing" if self.pane.drawing else "sequences.choosing")
        self.text.parts = ((self._fork.sequences[self.pane.row].text[-SHOWN:], "prompt"),)
        self.pane.refresh()

    def action_move(self, rows: int) -> None:
        self.pane.action_move(rows)

    def action_stop(self) -> None:
        if self.pane.drawing:
            self.workers.cancel_group(self, "sequences")
        else:
            self.dismiss(None)

    @on(SequencesPane.Chosen)
    def action_choose(self) -> None:
        if not self.pane.drawing:
            self.dismiss(self.pane.row)
