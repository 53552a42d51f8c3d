"""Guard: the last look at every line of the screen before it goes to the terminal.

Text from elsewhere is made visible where it is drawn, with room for its pictures; what was overlooked there ends here,
so that it may be ugly, but drives no terminal. Must not know what is drawn.
"""

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from explorer.core.token import is_driving
from explorer.ui.drawing.cells import width


class Guard(LineFilter):
    """Leaves out what takes no cell, and puts a point for what does: a line stays as wide as it was laid out."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        del background
        if all(segment.text.isprintable() or segment.control for segment in segments):
            return segments
        return [segment if segment.control else Segment(_without(segment.text), segment.style) for segment in segments]


def _without(text: str) -> str:
    return "".join("" if is_driving(c) and not width(c) else "·" if is_driving(c) else c for c in text)
