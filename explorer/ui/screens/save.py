"""Where to save a copy of the record: one line; `save` is tried at once, so that a mistake can be mended here."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from explorer.core.reading import path_of
from explorer.errors import RecordError, UsageError
from explorer.ui.screens.dialog import Dialog
from explorer.ui.widgets.said import Said
from explorer.ui.widgets.text_field import TextField
from explorer.wording import Wording


class SaveScreen(Dialog[Path | None]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", show=False)]

    def __init__(self, words: Wording, proposed: str, save: Callable[[Path], Awaitable[None]]) -> None:
        super().__init__(words)
        self._proposed = proposed
        self._save = save

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._words("save.title")
            dialog.border_subtitle = self._words("save.keys")
            yield TextField(self._proposed, select_on_focus=False)
            yield Said("", id="fault")

    @on(Input.Submitted)
    async def save(self, event: Input.Submitted) -> None:
        if not event.value.strip():
            return
        try:
            path = path_of(event.value)
            await self._save(path)
        except (RecordError, UsageError) as error:
            self.say(str(error), fault=True)
            return
        self.dismiss(path)
