"""Repaint: many wishes for a picture become one picture.

Owns when it comes: after what is under way, at most once a frame, or a moment later. Must not know what is painted.
"""

import time
from collections.abc import Callable
from functools import partial

from textual.message_pump import MessagePump
from textual.timer import Timer

FRAME = 1 / 30
"""Seconds between two pictures of what changes by itself."""


class Repaint:
    """Calls `paint` among the messages of `pump`; a wish that is open is not made twice, and the earlier one wins."""

    def __init__(self, pump: MessagePump, paint: Callable[[], None]) -> None:
        self._pump = pump
        self._paint = paint
        self._asked = False
        """Whether a picture comes after the messages that wait."""
        self._timer: Timer | None = None
        self._due = 0.0
        """When the timer ends, where there is one."""
        self._painted = 0.0
        """When the last picture was painted."""
        self._answered = 0
        """How often all wishes were answered, or forgotten: one from before means nothing, though its message waits."""

    @property
    def pending(self) -> bool:
        return self._asked or self._timer is not None

    def soon(self, apart: float = 0.0) -> None:
        """Paint when what is under way is done, but not before the last picture is `apart` seconds old."""
        wait = self._painted + apart - time.monotonic()
        if apart and wait > 0:
            self.within(wait)
        elif not self._asked:
            self._asked = True
            self._pump.call_later(self._answer, self._answered)

    def within(self, seconds: float) -> None:
        """Paint in as many seconds, where nobody asks for it earlier."""
        due = time.monotonic() + seconds
        if self._asked or (self._timer is not None and self._due <= due):
            return
        self._stop_timer()
        self._due, self._timer = due, self._pump.set_timer(seconds, partial(self._answer, self._answered))

    def now(self) -> None:
        """Paint; every wish is answered by it."""
        self.stop()
        self._painted = time.monotonic()
        self._paint()

    def stop(self) -> None:
        """Forget every wish."""
        self._answered += 1
        self._asked = False
        self._stop_timer()

    def _answer(self, answered: int) -> None:
        if answered == self._answered:
            self.now()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
