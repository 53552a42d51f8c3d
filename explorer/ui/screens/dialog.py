"""Dialog: what the dialogs share: their words, when their keys mean something, and the line that says what is wrong.

A key may come before the widgets of a dialog are there, and an answer when they are gone. Must not know what is asked.
"""

from typing import Generic, TypeVar

from textual import on
from textual.await_complete import AwaitComplete
from textual.css.query import NoMatches
from textual.getters import query_one
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static

from explorer.errors import EngineDied, ExplorerError
from explorer.ui.widgets.editor import Editor
from explorer.ui.widgets.text_field import TextField
from explorer.wording import Wording

Result = TypeVar("Result")

LEAVING = {"cancel", "dismiss"}
"""Actions that mean something as soon as a dialog is opened."""


class Dialog(ModalScreen[Result], Generic[Result]):
    """A dialog with a line `#fault` says there what is wrong; with the class `-note`, what to do."""

    said = query_one("#fault", Static)

    def __init__(self, words: Wording) -> None:
        super().__init__()
        self._words = words

    @property
    def open(self) -> bool:
        """Whether a person has it before them; its widgets may be on the way."""
        return self.is_current and self.is_attached

    @property
    def ready(self) -> bool:
        """Whether its widgets are there: neither on the way yet, nor gone."""
        return self.is_mounted and self.open

    async def _dispatch_message(self, message: Message) -> None:
        """What a widget said before it was gone, or before its neighbours were there, means nothing any more."""
        try:
            await super()._dispatch_message(message)
        except NoMatches:
            if self.ready:
                raise

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without the widgets a key means nothing, but one that leaves."""
        del parameters
        return self.ready or (action in LEAVING and self.is_current)

    def say(self, sentence: str, fault: bool = False) -> None:
        """Say what is wrong, or what to do; nothing where nobody can read it any more."""
        if self.query("#fault"):
            self.said.update(sentence)
            self.said.set_class(not fault, "-note")

    @on(Editor.Refused)
    @on(TextField.Refused)
    def refused(self, event: Editor.Refused | TextField.Refused) -> None:
        """Say why a paste was not taken."""
        sentence = event.sentence(self._words)
        if self.query("#fault"):
            self.say(sentence, fault=True)
        else:
            self.notify(sentence, severity="warning", markup=False)

    def sentence_of(self, error: ExplorerError) -> str:
        """What is wrong, and what to do where it is the engine that is gone."""
        return self._words("dialog.kept", error=str(error)) if isinstance(error, EngineDied) else str(error)

    def action_cancel(self) -> None:
        """Leave: a dialog whose widgets are on the way, as soon as they are there."""
        if self.is_mounted:
            self.leave()
        else:
            self.call_later(self.leave)

    def leave(self) -> None:
        """Return nothing."""
        self.dismiss(None)

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """As Textual's, which takes away whatever is in front: a dialog that is gone already takes nothing with it."""
        return super().dismiss(result) if self.is_current else AwaitComplete()
