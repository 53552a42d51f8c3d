"""The picker of models: those on this machine, filtered while one types; or any name or folder that is typed out.

Returns what the program calls the model. Must not know where the list comes from, nor how a model is loaded.
"""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.getters import query_one
from textual.widgets import Input, Static

from explorer.core.size import size_in_words
from explorer.engine.description import ModelEntry
from explorer.ui.drawing.numbers import count
from explorer.ui.screens.dialog import Dialog
from explorer.ui.tables.column import head_parts, placed
from explorer.ui.tables.models import MODELS
from explorer.ui.widgets.models import ModelsPane
from explorer.ui.widgets.said import Said
from explorer.ui.widgets.text_field import TextField
from explorer.wording import Wording


class ModelsScreen(Dialog[str | None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", show=False),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("pageup", "move(-10)", show=False, priority=True),
        Binding("pagedown", "move(10)", show=False, priority=True),
    ]

    line = query_one(Input)
    head = query_one("#models-head", Static)
    models = query_one(ModelsPane)
    note = query_one("#models-note", Static)

    def __init__(self, words: Wording, entries: Sequence[ModelEntry], current: str) -> None:
        super().__init__(words)
        self._entries = entries
        self._current = current
        self._wanted = ""
        """What the list shows the models of."""

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="models") as dialog:
            dialog.border_title = self._words("models.title")
            dialog.border_subtitle = self._words("models.keys")
            yield TextField(placeholder=self._words("models.placeholder"))
            yield Said(id="models-head")
            yield ModelsPane(self._current, "models-list")
            yield Said("", id="models-note")

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
        self._wanted = text.strip().casefold()
        self.models.show([entry for entry in self._entries if self._wanted in entry.id.casefold()])
        self.call_after_refresh(self._show_head)  # There may be a scroll bar beside the rows by then.
        self.tell()

    def _show_head(self) -> None:
        if not self.ready:
            return
        columns = placed(MODELS, self.models.cells)
        self.head.update(Content("".join(text for text, _ in head_parts(columns, self._words))))

    @on(ModelsPane.Selected)
    def tell(self) -> None:
        """What Enter would do."""
        entry, typed = self.models.selected, self.line.value.strip()
        if entry is not None:
            said = self._told(entry)
        else:
            said = self._words("models.typed", name=typed) if typed else self._words("models.nothing")
        self.note.update(said)

    def _told(self, entry: ModelEntry) -> str:
        words = self._words
        if entry.to_fetch:
            sizes = {"fetched": size_in_words(entry.to_fetch), "kept": size_in_words(entry.size)}
            return words("models.gets", id=entry.id, source=entry.source, note=entry.note, **sizes)
        if not entry.problem:
            return words("models.opens", id=entry.id, facts=" · ".join(fact for fact in self._facts(entry) if fact))
        name = "models.cannot_open" if entry.complete else "models.incomplete"
        return words(name, id=entry.id, problem=entry.problem)

    def _facts(self, entry: ModelEntry) -> Iterator[str]:
        """Empty for one that is not known."""
        words, context = self._words, entry.context_length
        yield entry.architecture or ""
        yield size_in_words(entry.size)
        yield words("models.context", tokens=count(context)) if context else words("models.no_limit")
        yield words("models.revision", revision=entry.revision[:12]) if entry.revision else ""

    def action_move(self, rows: int) -> None:
        self.models.action_move(rows)

    @on(Input.Submitted)
    @on(ModelsPane.Chosen)
    def accept(self) -> None:
        if self.line.value.strip().casefold() != self._wanted:  # Enter came before the list was filtered.
            self._filter(self.line.value)
        entry, typed = self.models.selected, self.line.value.strip()
        if entry is not None and not (entry.problem and entry.complete):
            self.dismiss(entry.id)
        elif entry is None and typed:
            self.dismiss(typed)
