"""Pane: what the panes share: a frame with a title, lines drawn one by one, a snapshot handed down.

Owns the drawing of styled parts as a Strip. Must not know what a pane shows.
"""

import re
from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.geometry import Region
from textual.message import Message
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.strip import Strip

from explorer.core.walk.snapshot import EMPTY, Snapshot
from explorer.ui.drawing.styles import Part, Style
from explorer.ui.view import View

PADDING = re.compile(r"(^ +| {2,}| +$)")


def component_classes(*styles: Style) -> set[str]:
    """The component classes of a pane that draws with these styles: Textual looks up each of them with every change."""
    return {f"pane--{style}" for style in styles}


class Pane(ScrollView, can_focus=False):
    """Lines of parts in a frame.

    A subclass gives `line(number)`, says by `virtual_size` how many there are, and declares the styles of its parts.
    """

    snapshot: var[Snapshot] = var(EMPTY, init=False)
    view: var[View] = var(View(), init=False)

    class Pointed(Message):
        """A person points at a token of the path."""

        def __init__(self, index: int) -> None:
            self.index = index
            super().__init__()

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._base = RichStyle.null()
        self._styles: dict[Style, RichStyle] = {}

    @property
    def cells(self) -> int:
        """How many there are for a line."""
        return self.scrollable_content_region.width

    @property
    def current(self) -> int:
        """The index of the token under the token cursor; of the last one, where that is at the end."""
        focus = self.snapshot.focus
        return len(self.snapshot.path) - 1 if focus is None else focus

    def reveal(self, line: int | None) -> None:
        """Scroll so that a line is seen, or the end."""
        if line is None:
            self.scroll_end(animate=False, immediate=True, force=True, x_axis=False)
        else:
            self.scroll_to_region(Region(0, line, 1, 1), animate=False, immediate=True, force=True, x_axis=False)
        self.refresh()

    def line(self, number: int) -> Iterable[Part]:
        """The parts of one line of the whole content; none where nothing stands there."""
        del number
        return ()

    def line_style(self, number: int) -> Style:
        """What lies under a whole line."""
        del number
        return ""

    def render_lines(self, crop: Region) -> list[Strip]:
        # Styles are looked up once a picture, not once a part.
        self._base = self.rich_style
        self._styles = {"": RichStyle.null()}
        return super().render_lines(crop)

    def style_of(self, name: Style) -> RichStyle:
        style = self._styles.get(name)
        if style is None:
            style = self._styles[name] = self.get_component_rich_style(f"pane--{name}", partial=True)
        return style

    def render_line(self, y: int) -> Strip:
        number = y + self.scroll_offset.y
        base = self._base
        if under := self.line_style(number):
            base += self.style_of(under)
        segments = [
            # Padding is drawn in the pane's own style: an underline belongs to words.
            Segment(words, base if words.isspace() and style.bgcolor is None else base + style)
            for text, style in ((text, self.style_of(name)) for text, name in self.line(number))
            for words in PADDING.split(text)
            if words
        ]
        return Strip(segments).adjust_cell_length(self.cells, base)
