"""Scoring: the pass over a prompt that tells the numbers of its tokens, in the background of whoever waits for it.

Owns that there is one at a time, that it outlives those who wait, and which prompts go without. Must not know the
engine, nor what is done with the numbers.
"""

import asyncio
from collections.abc import Callable, Coroutine

from explorer.core.walk.session import Session
from explorer.errors import ExplorerError


class Scoring:
    """Prompts are named by the numbers of their trees."""

    def __init__(self) -> None:
        self.skipped: set[int] = set()
        """Prompts that go without their numbers."""
        self._root = 0
        self._pass: asyncio.Task[None] | None = None

    def wanted(self, session: Session) -> bool:
        """Whether the prompt at the cursor lacks its numbers, and is not to go without."""
        return session.node == 0 and not session.tree.scores and session.root not in self.skipped

    async def wait(self, root: int, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Wait for the pass over a prompt, which `work` begins where it is not under way; or until it is skipped.

        Whoever waits may be cancelled: the pass goes on. Raises EngineError.
        """
        if self._pass is None or self._root != root:
            self.stop()
            self._root, self._pass = root, asyncio.create_task(work())
        waiter = asyncio.current_task()
        try:
            await asyncio.shield(self._pass)
        except asyncio.CancelledError:
            if root not in self.skipped or (waiter is not None and waiter.cancelling()):
                raise
        except ExplorerError:
            self._pass = None
            raise

    def skip(self) -> bool:
        """Let the prompt that is under way go without its numbers; False where none is."""
        if self._pass is None or self._pass.done():
            return False
        self.skipped.add(self._root)
        self.stop()
        return True

    def stop(self) -> None:
        """End what is under way; it may be begun again."""
        if self._pass is not None:
            self._pass.cancel()
            # Whoever asked may be gone: an error of a pass that nobody waits for is not a fault.
            self._pass.add_done_callback(lambda task: task.cancelled() or task.exception())
            self._pass = None
