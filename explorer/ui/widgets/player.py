"""The player's line: whether it plays and how fast, which act is shown, what it was, when, and how far that is.

Owns which part gives way when the line is short. Must not know records.
"""

from typing import ClassVar

import msgspec
from rich.segment import Segment
from textual.reactive import var
from textual.strip import Strip
from textual.widget import Widget

from explorer.ui.drawing.cells import fit, width
from explorer.ui.drawing.numbers import count
from explorer.wording import Wording

BAR = 12
"""Cells of the bar at the least."""


class Standing(msgspec.Struct, frozen=True):
    """What the line says."""

    playing: bool = False
    pace: str = ""
    act: int = 0
    """From 0."""
    acts: int = 1
    happened: str = ""
    time: float = 0.0
    """Seconds since the first act."""
    duration: float = 0.0


class PlayerLine(Widget):
    COMPONENT_CLASSES: ClassVar[set[str]] = {"player--playing", "player--paused", "player--quiet", "player--bar"}

    standing: var[Standing] = var(Standing(), init=False)

    def __init__(self, words: Wording) -> None:
        super().__init__()
        self._words = words

    def watch_standing(self) -> None:
        self.refresh()

    def render_line(self, y: int) -> Strip:
        del y  # There is one line.
        standing, base, cells = self.standing, self.rich_style, self.size.width
        state = "player--playing" if standing.playing else "player--paused"
        parts = [(f" {'▶' if standing.playing else '‖'} {standing.pace:>4} ", state)]
        where = self._words("player.act", act=count(standing.act + 1), acts=count(standing.acts))
        parts.append((f" {where} ", "player--paused"))
        more = [(f"│ {fit(standing.happened, 12)} ", "player--quiet")] if standing.happened else []
        when = self._words("player.time", time=clock(standing.time), duration=clock(standing.duration))
        more.append((f"│ {when} ", "player--quiet"))
        while more and cells - sum(width(text) for text, _ in (*parts, *more)) < BAR:
            more.pop(0)
        parts += more
        room = max(cells - sum(width(text) for text, _ in parts) - 2, 0)
        done = round(standing.act / max(standing.acts - 1, 1) * room)
        parts += [("│", "player--quiet"), ("━" * done, "player--bar"), ("─" * (room - done), "player--quiet")]
        segments = [Segment(t, base + self.get_component_rich_style(c, partial=True)) for t, c in parts if t]
        return Strip(segments).adjust_cell_length(cells, base)


def clock(seconds: float) -> str:
    """`0:07`, `12:30`, `1:02:30`."""
    minutes, left = divmod(max(int(seconds), 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
