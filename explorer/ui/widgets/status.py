"""The status line: the model and its place, how full the context is, how fast a step was, and what happened last.

Owns which part gives way when the line is short. Must not know where the numbers come from.
"""

from typing import ClassVar

import msgspec
from rich.segment import Segment
from textual.reactive import var
from textual.strip import Strip
from textual.widget import Widget

from explorer.ui.drawing.cells import fit, shown, width
from explorer.ui.drawing.numbers import count
from explorer.ui.view import Severity
from explorer.wording import Wording


class Status(msgspec.Struct, frozen=True):
    """What the line says."""

    model: str = ""
    dtype: str = ""
    device: str = ""
    used: int = 0
    context_length: int | None = None
    step_ms: float | None = None
    rate: float | None = None
    """Tokens per second of the last run."""
    note: str = ""
    """What happened last: why a run stopped, an error."""
    severity: Severity = "note"


class StatusLine(Widget):
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "status--model",
        "status--quiet",
        "status--note",
        "status--warning",
        "status--error",
        "status--full",
    }

    status: var[Status] = var(Status(), init=False)

    def __init__(self, words: Wording) -> None:
        super().__init__()
        self._words = words

    def watch_status(self) -> None:
        self.refresh()

    def render_line(self, y: int) -> Strip:
        del y  # There is one line.
        status = self.status
        base = self.rich_style
        cells = self.size.width
        glyph = {"error": "✗ ", "warning": "! "}.get(status.severity, "")
        model = shown(f" {status.model} ", keep="") if status.model else ""
        note = f" {glyph}{status.note} " if status.note else ""
        facts = self._facts(max(cells - width(model) - min(width(note), cells // 2), 0))
        full = status.context_length is not None and status.used >= status.context_length
        right = [(f"│ {fact} ", "status--full" if full and counts else "status--quiet") for fact, counts in facts]
        room = max(cells - width(model) - sum(width(text) for text, _ in right), 0)
        parts = [(model, "status--model"), (fit(note, room), f"status--{status.severity}"), *right]
        segments = [Segment(t, base + self.get_component_rich_style(c, partial=True)) for t, c in parts if t]
        return Strip(segments).adjust_cell_length(cells, base)

    def _facts(self, room: int) -> list[tuple[str, bool]]:
        """What is known, as far as there is room, and whether it counts tokens; what gives way first comes first."""
        status, words = self.status, self._words
        facts = []
        if status.rate is not None:
            facts.append((words("status.rate", rate=status.rate), True))
        if status.dtype:
            facts.append((shown(f"{status.dtype} · {status.device}", keep=""), False))
        if status.step_ms is not None:
            facts.append((words("status.step", ms=status.step_ms), False))
        if status.used:
            used, limit = count(status.used), count(status.context_length)
            facts.append((words("status.used", used=used, limit=limit), True))
        while facts and sum(width(fact) + 3 for fact, _ in facts) > room:
            facts.pop(0)
        return facts
