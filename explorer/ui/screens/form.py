"""A form, one line a setting, which is read at once, so that a mistake can be mended here."""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from explorer.core.form import Field
from explorer.errors import UsageError
from explorer.ui.screens.dialog import Dialog
from explorer.ui.widgets.said import Said
from explorer.ui.widgets.text_field import TextField
from explorer.wording import Wording

Settings = TypeVar("Settings")


class FormScreen(Dialog[Settings | None], Generic[Settings]):
    """Returns what `read` makes of the texts of the fields, or None where the person changed their mind."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", show=False, priority=True),
        Binding("up", "app.focus_previous", show=False, priority=True),
        Binding("down", "app.focus_next", show=False, priority=True),
    ]

    def __init__(
        self,
        words: Wording,
        title: str,
        fields: Sequence[Field],
        texts: Mapping[str, str],
        read: Callable[[Mapping[str, str]], Settings],
        note: str = "",
    ) -> None:
        super().__init__(words)
        self._title, self._fields, self._texts, self._read, self._note = title, fields, texts, read, note

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="form") as dialog:
            dialog.border_title = self._title
            dialog.border_subtitle = self._words("form.keys")
            for field in self._fields:
                with Horizontal(classes="field"):
                    yield Said(field.title, classes="field-title")
                    yield TextField(self._texts[field.name], placeholder=field.hint, id=f"field-{field.name}")
            if self._note:
                yield Said(self._note, classes="field-note")
            yield Said("", id="fault")

    @on(Input.Submitted)
    def accept(self) -> None:
        texts = {field.name: self.query_one(f"#field-{field.name}", Input).value for field in self._fields}
        try:
            settings = self._read(texts)
        except UsageError as error:
            self.say(str(error), fault=True)
        else:
            self.dismiss(settings)
