"""The sampler panel: the rows of the settings, what the selected one does, and the line where a value is typed.

Owns the text that is being entered. Must not know the session.
"""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.getters import query_one
from textual.message import Message
from textual.reactive import var
from textual.widgets import Static

from explorer.core.sampling.params import Preset
from explorer.core.walk.snapshot import EMPTY, Snapshot
from explorer.ui.widgets.knobs import PRESET, KnobsPane
from explorer.ui.widgets.said import Said
from explorer.ui.widgets.text_field import TextField
from explorer.wording import Wording


class Entry(TextField):
    """Where a value is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False)]

    class Left(Message):
        """Nothing is to be entered."""

    def action_leave(self) -> None:
        self.post_message(self.Left())


class SamplerPanel(Vertical):
    """The rows, what the selected one does or why a value was refused, and the line where a value is typed."""

    snapshot: var[Snapshot] = var(EMPTY, init=False)
    presets: var[Sequence[Preset]] = var((), init=False)

    knobs = query_one("#knobs", KnobsPane)
    said = query_one("#knob-said", Static)
    entry = query_one("#knob-entry", Entry)

    class Entered(Message):
        """A value was typed for a setting, or for one of its tokens."""

        def __init__(self, name: str, text: str, token_id: int | None) -> None:
            super().__init__()
            self.name, self.text, self.token_id = name, text, token_id

    def __init__(self, words: Wording, *, id: str, classes: str) -> None:
        super().__init__(id=id, classes=classes)
        self._words = words
        self.border_title = words("sampler.title")
        self.border_subtitle = words("panel.keys")

    def compose(self) -> ComposeResult:
        yield KnobsPane(self._words, id="knobs").data_bind(SamplerPanel.snapshot, SamplerPanel.presets)
        yield Said(id="knob-said")
        yield Entry(id="knob-entry", select_on_focus=True)

    def on_mount(self) -> None:
        self.entry.display = False

    def open(self, name: str = PRESET, token_id: int | None = None) -> None:
        """Take the keys, at a setting."""
        self.knobs.select(name, token_id)
        self.knobs.focus()
        self.tell()

    def tell(self, fault: str = "") -> None:
        """Say what the selected setting does, or why a value was refused."""
        knob = self.knobs.selected.knob
        self.said.set_class(bool(fault), "-fault")
        what = knob.help if knob else self._words("panel.preset_help")
        self.said.update(f"✗ {fault}" if fault else what)

    @on(KnobsPane.Selected)
    def selected(self, message: KnobsPane.Selected) -> None:
        message.stop()
        self.leave()

    @on(KnobsPane.Opened)
    def opened(self, message: KnobsPane.Opened) -> None:
        message.stop()
        value = self.knobs.typed()
        if value is None:
            return
        self.entry.value = value
        self.entry.display = True
        self.entry.focus()
        self.tell()

    @on(Entry.Left)
    def leave(self) -> None:
        """Go back to the rows; what was typed is not entered."""
        if self.entry.display:
            self.entry.display = False
            self.knobs.focus()
        self.tell()

    @on(Entry.Submitted)
    def submitted(self, message: Entry.Submitted) -> None:
        message.stop()
        row = self.knobs.selected
        self.post_message(self.Entered(row.name, message.value, row.token_id))
