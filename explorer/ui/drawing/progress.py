"""How far a long call is, as a text: a bar, the amounts, and after a second the rate and the time left."""

import time
from collections.abc import Callable

from explorer.engine.base import Progress
from explorer.ui.drawing.numbers import bar, count

BAR_CELLS = 30


class ProgressText:
    """Remembers when a stage began."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stage, self._began, self._from, self._last = "", 0.0, 0, 0

    def text(self, progress: Progress) -> str:
        """What is under way, in lines."""
        now = self._clock()
        if progress.stage != self._stage or progress.done < self._last:
            self._stage, self._began, self._from = progress.stage, now, progress.done
        self._last = progress.done
        lines = [f"{progress.stage} …"]
        if progress.total:
            share = bar(progress.done / progress.total, BAR_CELLS)
            lines += ["", f"{share} {count(progress.done)} of {count(progress.total)}"]
            spent, done = now - self._began, progress.done - self._from
            if spent > 1 and done:
                left = (progress.total - progress.done) * spent / done
                lines.append(f"{done / spent:,.0f} a second · {left:.0f} s left")
        return "\n".join(lines)
