"""RowsPane: a list of rows under a head line, one of which is selected. Must not know what the rows are."""

from collections.abc import Iterable
from typing import ClassVar

from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import var

from explorer.core.token import Token
from explorer.ui.widgets.pane import Pane, Part

HEAD = 1
"""Lines above the rows."""


class RowsPane(Pane):
    """A subclass gives `head` and `row_parts`, and says by `count` how many rows there are."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rows--head",
        "rows--quiet",
        "rows--text",
        "rows--special",
        "rows--fragment",
        "rows--cut",
        "rows--best",
        "rows--bar",
        "rows--selected",
    }

    row: var[int] = var(0, init=False)
    count: var[int] = var(0, init=False)

    class Selected(Message):
        """Another row is selected."""

    class Chosen(Message):
        """A person wants the selected row."""

    def head(self, cells: int) -> str:
        """The line above the rows."""
        raise NotImplementedError

    def row_parts(self, row: int, selected: bool, cells: int) -> Iterable[Part]:
        """What a row says, in so many cells."""
        raise NotImplementedError

    def on_resize(self) -> None:
        self._lay_out()

    def watch_count(self) -> None:
        self.row = min(self.row, max(self.count - 1, 0))
        self._lay_out()

    def watch_row(self) -> None:
        self._reveal()
        self.refresh()
        self.post_message(self.Selected())

    def move(self, rows: int) -> None:
        """Select another row."""
        self.row = min(max(self.row + rows, 0), max(self.count - 1, 0))

    def _lay_out(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, HEAD + self.count)
        self._reveal()
        self.refresh()

    def _reveal(self) -> None:
        first = 0 if self.row == 0 else self.row + HEAD
        self.scroll_to_region(
            Region(0, first, 1, self.row + HEAD - first + 1), animate=False, immediate=True, force=True
        )

    def line_style(self, number: int) -> str:
        return "rows--selected" if self.count and number == self.row + HEAD else ""

    def line(self, number: int) -> Iterable[Part]:
        cells = self.scrollable_content_region.width
        if number == 0:
            yield self.head(cells), "rows--head"
        elif number <= self.count:
            selected = number - HEAD == self.row
            yield "▸" if selected else " ", "rows--bar"
            yield from self.row_parts(number - HEAD, selected, cells - 1)

    @staticmethod
    def kind(token: Token) -> str:
        """The component class of a token's text."""
        kinds = {"special": "rows--special", "bytes": "rows--fragment", "unused": "rows--quiet"}
        return kinds.get(token.kind, "rows--text")

    def on_click(self, event: events.Click) -> None:
        row = event.get_content_offset_capture(self).y + self.scroll_offset.y - HEAD
        if not 0 <= row < self.count:
            return
        if row == self.row and event.chain > 1:
            self.post_message(self.Chosen())
        self.row = row
