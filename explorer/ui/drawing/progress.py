"""How far a long call is, as a text: a bar, the amounts, and after a second the rate and the time left."""

import time
from collections.abc import Callable

from explorer.engine.base import Progress
from explorer.ui.drawing.numbers import bar, count
from explorer.wording import Wording

BAR_CELLS = 30


class ProgressText:
    """Remembers when a stage began."""

    def __init__(self, words: Wording, clock: Callable[[], float] = time.monotonic) -> None:
        self._words = words
        self._clock = clock
        self._stage, self._began, self._from, self._last = "", 0.0, 0, 0

    def text(self, progress: Progress) -> str:
        """What is under way, in lines."""
        now, words = self._clock(), self._words
        if progress.stage != self._stage or progress.done < self._last:
            self._stage, self._began, self._from = progress.stage, now, progress.done
        self._last = progress.done
        lines = [words("progress.stage", stage=progress.stage)]
        if progress.total:
            share = bar(progress.done / progress.total, BAR_CELLS)
            amount = words("progress.amount", done=count(progress.done), total=count(progress.total))
            lines += ["", f"{share} {amount}"]
            spent, done = now - self._began, progress.done - self._from
            if spent > 1 and done:
                left = (progress.total - progress.done) * spent / done
                lines.append(words("progress.left", rate=done / spent, seconds=left))
        return "\n".join(lines)
