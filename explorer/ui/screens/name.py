"""The name of a spot: one line; an empty one takes the name away."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from explorer.ui.screens.dialog import Dialog
from explorer.ui.widgets.text_field import TextField
from explorer.wording import Wording


class NameScreen(Dialog[str | None]):
    """Gives the name, or None where it stays what it was."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", show=False)]

    def __init__(self, words: Wording, name: str) -> None:
        super().__init__(words)
        self._before = name

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._words("name.title")
            dialog.border_subtitle = self._words("name.keys")
            yield TextField(self._before)

    @on(Input.Submitted)
    def save(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())
