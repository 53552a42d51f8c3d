"""Desk: the panes around one walk, and how it is shown.

Owns the view, the note and the pictures: what there is to see goes down to the panes by `data_bind`, what a person
wants comes up as a message or a command. A screen has one desk or several. Must not know keys, nor how what it shows
came about: a walk and a replay are desks of their own.
"""

from typing import Any, Protocol

import msgspec
from textual import events
from textual.containers import Container
from textual.reactive import var
from textual.widget import Widget

from explorer.core.walk.snapshot import EMPTY, Snapshot
from explorer.ui.command import Command
from explorer.ui.count import Count
from explorer.ui.keymap import Keymap
from explorer.ui.repaint import Repaint
from explorer.ui.view import Severity, View
from explorer.ui.widgets.candidates import CandidatesPane
from explorer.ui.widgets.sampler import SamplerPane
from explorer.ui.widgets.status import Status, StatusLine
from explorer.ui.widgets.text import TextPane
from explorer.ui.widgets.tokens import TokensPane
from explorer.wording import Wording


class Shown(Protocol):
    """What a desk shows: a walk, or a record that is played."""

    @property
    def snapshot(self) -> Snapshot: ...


class Desk(Widget):
    snapshot: var[Snapshot] = var(EMPTY, init=False)
    view: var[View] = var(View(), init=False)
    status: var[Status] = var(Status(), init=False)

    def __init__(
        self, shown: Shown, keymap: Keymap, words: Wording, *, rows: int, digits: int, sampler_keys: bool = True
    ) -> None:
        super().__init__()
        self.keymap = keymap
        self.words = words
        self._shown = shown
        self.count = Count(digits)
        self.repaint = Repaint(self, self.look)
        self.panes = Container(id="panes")
        self.text_pane = TextPane(words, id="text")
        self.candidates = CandidatesPane(words, id="candidates")
        self.tokens = TokensPane(words, id="tokens")
        self.sampler = SamplerPane(words, id="sampler", keys=sampler_keys)
        self.status_line = StatusLine(words)
        self.set_reactive(Desk.view, View(rows=rows))

    # Showing.

    def changed(self) -> None:
        """Show what there is to see when what is under way is done."""
        self.repaint.soon()

    def look(self) -> None:
        """Paint, where it is time for it."""
        self.paint()

    def paint(self) -> None:
        """Hand what there is to see to the panes."""
        self.snapshot = self._shown.snapshot

    def show(self, **changes: Any) -> None:
        """Change the view, by the names of its fields."""
        self.view = msgspec.structs.replace(self.view, **changes)
        self.changed()

    def note(self, sentence: str, severity: Severity = "note") -> None:
        """Say what happened, on the status line."""
        self.show(note=sentence, severity=severity)

    def warn(self, sentence: str) -> None:
        """A sentence that must not be overlooked, in full."""
        self.notify(sentence, severity="warning", timeout=15, markup=False)

    # Commands.

    def allows(self, command: Command[Any]) -> bool:
        """Whether there is what a command needs; a selected row aside, without which it means nothing."""
        del command
        return True

    def do(self, command: Command[Any]) -> None:
        """What a person wants happens after what was to be shown is shown: they go on from that."""
        if self.repaint.pending:
            self.repaint.now()
        if "selection" in command.needs and self.candidates.selected is None:
            return
        work = command.act(self)
        if work is not None:
            self.run_worker(work, exclusive=True, group=command.exclusive or command.id)

    def typed(self, event: events.Key) -> None:
        """A key that is no command; a digit is of a count."""
        was_typing = self.count.typing
        count = self.count.feed(event)
        if count is not None:
            event.stop()
            self.counting(count)
        elif was_typing:
            self.note("")

    def counting(self, count: int) -> None:
        """Say how far a count is typed, and what may follow."""
        self.note(str(count))
