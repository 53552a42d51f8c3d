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
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from explorer.core.size import size_in_words
from explorer.core.token import visible
from explorer.engine.description import ModelEntry
from explorer.ui.drawing.cells import fit, width
from explorer.ui.drawing.numbers import count

SIZE_CELLS, DTYPE_CELLS, DATE_CELLS, KIND_CELLS = 8, 10, 10, 26
WIDE = 90
"""Cells from which on there is room for the architecture beside the name."""


class ModelsScreen(ModalScreen[str | None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("pageup", "move(-10)", show=False, priority=True),
        Binding("pagedown", "move(10)", show=False, priority=True),
    ]

    def __init__(self, entries: Sequence[ModelEntry], current: str) -> None:
        super().__init__()
        self._entries = entries
        self._current = current
        self._shown: list[ModelEntry] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="models") as dialog:
            dialog.border_title = "Open another model"
            dialog.border_subtitle = "↑ ↓ choose · Enter open · Esc cancel"
            yield Input(placeholder="filter, or the name of a model on the hub, or a folder")
            yield Static(id="models-head")
            yield OptionList()
            yield Static("", id="models-note", markup=False)

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def on_resize(self) -> None:
        self.call_after_refresh(self._filter, self.query_one(Input).value)

    @on(Input.Changed)
    def changed(self, event: Input.Changed) -> None:
        self._filter(event.value)

    def _filter(self, text: str) -> None:
        wanted = text.strip().casefold()
        self._shown = [entry for entry in self._entries if wanted in entry.id.casefold()]
        listed = self.query_one(OptionList)
        cells = self.query_one("#models-head").size.width
        self.query_one("#models-head", Static).update(_head(cells))
        listed.set_options(Option(_row(entry, entry.id == self._current, cells)) for entry in self._shown)
        listed.highlighted = 0 if self._shown else None
        self._tell()

    @on(OptionList.OptionHighlighted)
    def _tell(self) -> None:
        """What Enter would do."""
        entry, typed = self._chosen, self.query_one(Input).value.strip()
        words = "Nothing is on this machine yet: type the name of a model on the hub, or a folder."
        if entry is not None:
            words = _facts(entry)
            if entry.problem and entry.complete:
                words = f"{entry.id} cannot be opened: {entry.problem}."
            elif entry.problem:
                words = f"{entry.id} is here {entry.problem}. Enter asks the hub for the rest."
        elif typed:
            words = f"Enter opens {typed}: a folder, or a model that the hub may have."
        self.query_one("#models-note", Static).update(Content(visible(words)))

    @property
    def _chosen(self) -> ModelEntry | None:
        row = self.query_one(OptionList).highlighted
        return self._shown[row] if row is not None and row < len(self._shown) else None

    def action_move(self, rows: int) -> None:
        listed = self.query_one(OptionList)
        if self._shown:
            listed.highlighted = min(max((listed.highlighted or 0) + rows, 0), len(self._shown) - 1)

    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def accept(self) -> None:
        entry, typed = self._chosen, self.query_one(Input).value.strip()
        if entry is not None and not (entry.problem and entry.complete):
            self.dismiss(entry.id)
        elif entry is None and typed:
            self.dismiss(typed)

    def action_cancel(self) -> None:
        self.dismiss(None)


def _facts(entry: ModelEntry) -> str:
    context = f"context {count(entry.context_length)} tokens" if entry.context_length else "no limit of its context"
    facts = (entry.architecture, size_in_words(entry.size), context, f"revision {entry.revision[:12]}")
    return f"Enter opens {entry.id}: {' · '.join(fact for fact in facts if fact and fact != 'revision ')}"


def _columns(cells: int, name: str, size: str, dtype: str, date: str, kind: str) -> tuple[str, str]:
    """The name, and the facts beside it, which fill the line together."""
    facts = f"{fit(size, SIZE_CELLS, 'right')}  {fit(dtype, DTYPE_CELLS)}{fit(date, DATE_CELLS)}"
    if cells >= WIDE:
        facts += f"  {fit(kind, KIND_CELLS)}"
    return f"  {fit(name, max(cells - width(facts) - 2, 4))}", facts


def _head(cells: int) -> Content:
    return Content("".join(_columns(cells, "model", "size", "dtype", "used", "architecture")))


def _row(entry: ModelEntry, current: bool, cells: int) -> Content:
    """One line: what the model is called, how large, of which kind; for one that cannot be opened, why."""
    said = (entry.dtype or "–", entry.last_used[:10], visible(entry.problem or entry.architecture or "–"))
    name, facts = _columns(cells, visible(entry.id), size_in_words(entry.size), *said)
    # Pieces and not markup: names come from the disk.
    return Content.assemble(
        ("▸ " if current else "  ", "$bar"),
        (name[2:], "$quiet" if entry.problem else "$generated"),
        (facts, "$warning" if entry.problem else "$quiet"),
    )
