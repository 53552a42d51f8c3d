"""The picker of models: those on this machine, filtered while one types; or any name or folder that is typed out.

Returns what the program calls the model. Must not know where the list comes from, nor how a model is loaded.
"""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.getters import query_one
from textual.widgets import Input, Static

from explorer.core.size import size_in_words
from explorer.core.token import visible
from explorer.engine.description import ModelEntry
from explorer.ui.drawing.numbers import count
from explorer.ui.screens.dialog import Dialog
from explorer.ui.tables.column import head_parts, placed
from explorer.ui.tables.models import MODELS
from explorer.ui.widgets.models import ModelsPane


class ModelsScreen(Dialog[str | None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("pageup", "move(-10)", show=False, priority=True),
        Binding("pagedown", "move(10)", show=False, priority=True),
    ]

    line = query_one(Input)
    head = query_one("#models-head", Static)
    models = query_one(ModelsPane)
    note = query_one("#models-note", Static)

    def __init__(self, entries: Sequence[ModelEntry], current: str) -> None:
        super().__init__()
        self._entries = entries
        self._current = current

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="models") as dialog:
            dialog.border_title = "Open another model"
            dialog.border_subtitle = "↑ ↓ choose · Enter open · Esc cancel"
            yield Input(placeholder="filter, or the name of a model on the hub, or a folder")
            yield Static(id="models-head")
            yield ModelsPane(self._current, "models-list")
            yield Static("", id="models-note", markup=False)

    def on_mount(self) -> None:
        self.line.focus()

    def on_resize(self) -> None:
        self.call_after_refresh(self._filter, self.line.value)

    @on(Input.Changed)
    def changed(self, event: Input.Changed) -> None:
        self._filter(event.value)

    def _filter(self, text: str) -> None:
        if not self.ready:
            return
        wanted = text.strip().casefold()
        self.models.show([entry for entry in self._entries if wanted in entry.id.casefold()])
        self.call_after_refresh(self._show_head)  # There may be a scroll bar beside the rows by then.
        self.tell()

    def _show_head(self) -> None:
        if not self.ready:
            return
        columns = placed(MODELS, self.models.cells)
        self.head.update(Content("".join(words for words, _ in head_parts(columns))))

    @on(ModelsPane.Selected)
    def tell(self) -> None:
        """What Enter would do."""
        entry, typed = self.models.selected, self.line.value.strip()
        words = "Nothing is on this machine yet: type the name of a model on the hub, or a folder."
        if entry is not None:
            words = _facts(entry)
            if entry.problem and entry.complete:
                words = f"{entry.id} cannot be opened: {entry.problem}."
            elif entry.problem:
                words = f"{entry.id} is here {entry.problem}. Enter asks the hub for the rest."
        elif typed:
            words = f"Enter opens {typed}: a folder, or a model that the hub may have."
        self.note.update(Content(visible(words)))

    def action_move(self, rows: int) -> None:
        self.models.action_move(rows)

    @on(Input.Submitted)
    @on(ModelsPane.Chosen)
    def accept(self) -> None:
        entry, typed = self.models.selected, self.line.value.strip()
        if entry is not None and not (entry.problem and entry.complete):
            self.dismiss(entry.id)
        elif entry is None and typed:
            self.dismiss(typed)


def _facts(entry: ModelEntry) -> str:
    context = f"context {count(entry.context_length)} tokens" if entry.context_length else "no limit of its context"
    facts = (entry.architecture, size_in_words(entry.size), context, f"revision {entry.revision[:12]}")
    return f"Enter opens {entry.id}: {' · '.join(fact for fact in facts if fact and fact != 'revision ')}"
