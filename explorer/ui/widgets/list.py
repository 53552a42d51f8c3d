"""ListPane: rows, one of which is selected and kept in view; a click selects a row, a second one chooses it.

Owns which row is selected, and the scrolling. Only the lines that are seen are asked for, so a list may have any number
of rows. Must not know what the rows are, nor which keys move the selection.
"""

from collections.abc import Iterable
from typing import ClassVar

from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import var

from explorer.ui.drawing.styles import Part, Style
from explorer.ui.widgets.pane import Pane, component_classes


class ListPane(Pane):
    """A subclass gives `row_parts`, and `head` where it has one; `count_rows` tells how many rows there are."""

    COMPONENT_CLASSES = component_classes("selected")

    HEAD: ClassVar[int] = 1
    """Lines above the rows, which scroll with them."""
    FOOT: ClassVar[int] = 0
    """Lines below the rows."""
    CHOOSES_AT_ONCE: ClassVar[bool] = False
    """Whether one click chooses a row."""

    row: var[int] = var(0, init=False)
    """The selected one, from 0; 0 where there are none."""

    class Selected(Message):
        """Another row is selected."""

    class Chosen(Message):
        """A person wants the selected row."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.count = 0
        """How many rows there are."""

    # What a subclass draws.

    def head(self) -> Iterable[Part]:
        """The line above the rows."""
        return ()

    def row_parts(self, row: int) -> Iterable[Part]:
        """What a row says."""
        del row
        return ()

    def foot(self) -> Iterable[Part]:
        """The line below the rows."""
        return ()

    def lines_below(self) -> int:
        """How many lines at the foot of the pane cover what stands there, so that no row is hidden behind them."""
        return 0

    # The rows and the selected one.

    def count_rows(self, count: int) -> None:
        """There are so many rows now; the selected one stays, as far as there is one."""
        self.count = count
        self.row = min(self.row, max(count - 1, 0))
        self.lay_out()

    def action_move(self, rows: int) -> None:
        """Select a row further down, or up; at an end the last one there is."""
        if self.count:
            self.row = min(max(self.row + rows, 0), self.count - 1)

    def action_page(self, pages: int) -> None:
        """The same by what is seen at once."""
        self.action_move(pages * max(self.scrollable_content_region.height - 1, 1))

    def action_end(self, last: bool) -> None:
        """Select the first row, or the last."""
        self.action_move(self.count if last else -self.count)

    def action_choose(self) -> None:
        """Say that the selected row is wanted."""
        self.post_message(self.Chosen())

    def watch_row(self, before: int, row: int) -> None:
        self.reveal_row()  # Draws everything anew, where it has to scroll.
        self.refresh_line(before + self.HEAD)
        self.refresh_line(row + self.HEAD)
        self.post_message(self.Selected())

    def on_resize(self) -> None:
        self.lay_out()

    def lay_out(self) -> None:
        """The rows, or the room for them, are others now."""
        lines = self.HEAD + self.count + (self.FOOT + self.lines_below() if self.count else 0)
        self.virtual_size = Size(self.cells, lines)
        self.reveal_row()
        self.refresh()

    def reveal_row(self) -> None:
        """Scroll so that the selected row is seen: the first with the head, the last with the foot."""
        first = self.row + self.HEAD if self.row else 0
        last = self.row + self.HEAD + (self.FOOT if self.row == self.count - 1 else 0) + self.lines_below()
        lines = Region(0, first, 1, last - first + 1)
        self.scroll_to_region(lines, animate=False, immediate=True, force=True, x_axis=False)

    # Drawing.

    def line_style(self, number: int) -> Style:
        return "selected" if self.count and number == self.row + self.HEAD else ""

    def line(self, number: int) -> Iterable[Part]:
        row = number - self.HEAD
        if row < 0:
            return self.head()
        if row < self.count:
            return self.row_parts(row)
        return self.foot() if row == self.count else ()

    # The mouse.

    def row_at(self, event: events.MouseEvent) -> int | None:
        """The row under the mouse."""
        at = event.get_content_offset(self)
        row = -1 if at is None else at.y + self.scroll_offset.y - self.HEAD
        return row if 0 <= row < self.count else None

    def on_click(self, event: events.Click) -> None:
        row, at = self.row_at(event), event.get_content_offset(self)
        if row is None or at is None:
            return
        again, self.row = row == self.row, row
        if not self.pressed(at.x) and (self.CHOOSES_AT_ONCE or (again and event.chain > 1)):
            self.action_choose()

    def pressed(self, cell: int) -> bool:
        """A cell of the selected row was clicked; whether that means something of its own there."""
        del cell
        return False
