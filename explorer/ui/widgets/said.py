"""Said: sentences on the screen. A sentence may quote anything: no markup is read in it, and nothing in it drives a
terminal. Must not know what is said."""

from typing import Any

from textual.content import Content
from textual.visual import VisualType
from textual.widgets import Static

from explorer.ui.drawing.cells import shown


class Said(Static):
    """What stands in a dialog or a pane as text; the one way to put a text there."""

    def __init__(self, content: VisualType = "", *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(_shown(content), id=id, classes=classes, markup=False)

    def update(self, content: VisualType = "", **options: Any) -> None:
        super().update(_shown(content), **options)


def titled(text: str) -> Content:
    """A title that may quote anything."""
    return Content(shown(text, keep=""))


def _shown(content: VisualType) -> VisualType:
    return shown(content) if isinstance(content, str) else content
