"""The line of coaching: the keys that a new person needs next, until the third step.

Owns which keys those are, by what was done, and how many of them a narrow line has room for. Must not know when.
"""

from typing import ClassVar

import msgspec
from rich.segment import Segment
from textual.reactive import var
from textual.strip import Strip
from textual.widget import Widget

from explorer.ui.drawing.cells import fit, width
from explorer.wording import Wording

STEPS = 3
"""After so many a person needs no coaching any more."""

LENGTHS = ("long", "short")
BETWEEN = " · "


class Beginner(msgspec.Struct, frozen=True):
    """How far a new person is."""

    steps: int = 0
    """Tokens that were added, ways back, prompts: whatever can be undone."""
    drawn: bool = False
    """Whether the last token was drawn."""
    answers: bool = False
    """Whether the text is a chat."""
    demo: bool = False
    """Whether the model is the one that ships."""
    running: bool = False
    """Whether a run is under way."""

    @property
    def stage(self) -> str:
        """What is to be told next, by the name that it has in the wording."""
        if self.running:
            return "running"
        if self.steps == 0:
            return "demo" if self.demo else "chat" if self.answers else "begin"
        if self.steps == 1:
            return "drawn" if self.drawn else "picked"
        return "last_demo" if self.demo else "last"


class CoachLine(Widget):
    """Once it is gone, it stays away."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"coach--key", "coach--quiet"}

    beginner: var[Beginner] = var(Beginner(), init=False)

    def __init__(self, words: Wording, coached: bool) -> None:
        super().__init__()
        self._words = words
        self.gone = not coached
        self.set_class(self.gone, "-gone")

    def watch_beginner(self, beginner: Beginner) -> None:
        if beginner.steps >= STEPS:
            self.gone = True
            self.add_class("-gone")
        self.refresh()

    def render_line(self, y: int) -> Strip:
        del y  # There is one line.
        base, cells = self.rich_style, self.size.width
        segments = [Segment(" ", base)]
        for number, part in enumerate(self._parts(cells - 1)):
            key, _, does = part.partition(" ")
            gap = BETWEEN if number else ""
            for text, style in ((gap, "quiet"), (key, "key"), (f" {does}", "quiet")):
                segments.append(Segment(text, base + self.get_component_rich_style(f"coach--{style}", partial=True)))
        return Strip(segments).adjust_cell_length(cells, base)

    def _parts(self, cells: int) -> list[str]:
        """What each key does, the key first; as many as there is room for."""
        said = [self._words(f"coach.{self.beginner.stage}.{length}") for length in LENGTHS]
        parts = next((one for one in said if width(one) <= cells), said[-1]).split(BETWEEN)
        while len(parts) > 1 and width(BETWEEN.join(parts)) > cells:
            parts.pop()
        return [fit(parts[0], max(cells, 1)).rstrip()] if len(parts) == 1 else parts
