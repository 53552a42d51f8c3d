"""The thread that computes: one call after the other; each can be stopped, and tells how far it is.

Owns the thread, and the way between it and the event loop. Must not know what is computed.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from explorer.engine.base import Progress, Reporter
from explorer.engine.compute.forward.forward import Cancelled
from explorer.errors import ExplorerError

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Turn:
    """A call's time on the thread."""

    cancelled: Callable[[], bool]
    """Whether nobody waits for it any more: it should end as soon as it can, with Cancelled."""
    report: Reporter
    """Takes how far it is; from any thread."""


def from_threads(report: Reporter) -> Reporter:
    """The same report, for any thread: it is called on the loop that runs here."""
    loop = asyncio.get_running_loop()

    def on_loop(progress: Progress) -> None:
        loop.call_soon_threadsafe(report, progress)

    return on_loop


class Thread:
    """Begins at once, and ends with `close`."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "engine")

    async def run(self, work: Callable[[Turn], Answer], report: Reporter) -> Answer:
        """What `work` gives on the thread, when its turn has come; a cancelled caller waits until it has stopped."""
        stop = threading.Event()
        job = self._pool.submit(work, Turn(stop.is_set, from_threads(report)))
        try:
            return await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            stop.set()
            # Of what has not begun, nothing is left to wait for.
            with contextlib.suppress(Cancelled, ExplorerError, asyncio.CancelledError):
                await asyncio.wrap_future(job)
            raise

    def close(self) -> None:
        """Wait for what is under way. May be called twice."""
        self._pool.shutdown(wait=True)
