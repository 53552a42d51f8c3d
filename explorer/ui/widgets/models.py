"""ModelsPane: the models on this machine, a model a line; the line above them stands by itself and does not scroll.

Must not know where the list comes from.
"""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from explorer.engine.description import ModelEntry
from explorer.ui.drawing.styles import Part
from explorer.ui.tables.column import placed, row_parts
from explorer.ui.tables.models import MODELS, ModelLine
from explorer.ui.widgets.list import ListPane
from explorer.ui.widgets.pane import component_classes


class ModelsPane(ListPane, can_focus=True):
    """`current` is what the model that is open is called."""

    COMPONENT_CLASSES = component_classes("head", "text", "quiet", "generated", "warning", "bar")

    HEAD = 0
    CHOOSES_AT_ONCE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("home", "end(False)", show=False),
        Binding("end", "end(True)", show=False),
        Binding("enter", "choose", show=False),
    ]

    def __init__(self, current: str, id: str) -> None:
        super().__init__(id)
        self._current = current
        self.entries: Sequence[ModelEntry] = ()

    def show(self, entries: Sequence[ModelEntry]) -> None:
        """List these, and select the first."""
        self.entries, self.row = entries, 0
        self.count_rows(len(entries))

    @property
    def selected(self) -> ModelEntry | None:
        return self.entries[self.row] if self.entries else None

    def row_parts(self, row: int) -> Iterable[Part]:
        entry = self.entries[row]
        return row_parts(placed(MODELS, self.cells), ModelLine(entry=entry, current=entry.id == self._current))
