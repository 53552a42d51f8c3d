"""How auto-sampling goes: a form, one line a setting, which is read at once, so that a mistake can be mended here."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from explorer.core.pace import FIELDS, RunSettings, read, written
from explorer.errors import UsageError


class RunScreen(ModalScreen[RunSettings | None]):
    """Returns the new settings, or None where the person changed their mind."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", priority=True),
        Binding("up", "app.focus_previous", show=False, priority=True),
        Binding("down", "app.focus_next", show=False, priority=True),
    ]

    def __init__(self, settings: RunSettings) -> None:
        super().__init__()
        self._settings = settings

    def compose(self) -> ComposeResult:
        texts = written(self._settings)
        with Vertical(classes="dialog", id="run") as dialog:
            dialog.border_title = "Auto-sampling"
            dialog.border_subtitle = "↑ ↓ choose · Enter use · Esc cancel"
            for field in FIELDS:
                with Horizontal(classes="field"):
                    yield Static(field.title, classes="field-title", markup=False)
                    yield Input(texts[field.name], placeholder=field.hint, id=f"run-{field.name}")
            yield Static("Awake, you pick the token that the model is unsure of; a goes on.", classes="field-note")
            yield Static("", id="fault", markup=False)

    @on(Input.Submitted)
    def accept(self) -> None:
        texts = {field.name: self.query_one(f"#run-{field.name}", Input).value for field in FIELDS}
        try:
            settings = read(texts)
        except UsageError as error:
            self.query_one("#fault", Static).update(str(error))
        else:
            self.dismiss(settings)

    def action_cancel(self) -> None:
        self.dismiss(None)
