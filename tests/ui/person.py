"""A person at the explorer: keys, each after the answer to the one before, and what can be read on the screen."""

import asyncio
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Protocol, cast

from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from explorer.core.record import journal
from explorer.ui.screens.models import ModelsScreen

SIZES = [(120, 36), (80, 24)]

SOON = 0.25
"""Seconds. A timer that is due sooner belongs to what is under way: a picture, a preview, a table that grows stale."""
TOO_LONG = 300
"""Seconds after which a screen that does not come to rest is a failure."""


class Loop(Protocol):
    """What asyncio's loop holds, and tells nobody: there is no other way to ask whether it has anything to do."""

    _ready: Collection[asyncio.Handle]
    _scheduled: Collection[asyncio.TimerHandle]

    def time(self) -> float: ...


async def rest(pilot: Pilot) -> None:
    """Wait until nothing more happens by itself: no callback is ready, and no timer is due soon.

    What waits for an engine that does not answer, or for a person, is at rest; a thread that works is not seen.
    """
    loop = cast(Loop, asyncio.get_running_loop())
    late = loop.time() + TOO_LONG
    while True:
        steady(pilot)
        now = loop.time()
        due = [timer.when() - now for timer in loop._scheduled if not timer.cancelled() and timer.when() < now + SOON]
        if not loop._ready and not due:
            return
        assert now < late, f"the screen does not come to rest: {loop._ready} {loop._scheduled}"
        await asyncio.sleep(0 if loop._ready else min(due))


def steady(pilot: Pilot) -> None:
    """Stop the cursor where it is seen, for a picture of one that blinks would tell the time.

    Not by `cursor_blink`: a text area that does not blink may go on showing a line that it drew without the cursor.
    """
    field = pilot.app.focused
    if isinstance(field, Input | TextArea):
        field._pause_blink(visible=True)


async def until(pilot: Pilot, true: Callable[[], bool]) -> None:
    """Wait until something is true, on a screen that does not come to rest by itself."""
    late = asyncio.get_running_loop().time() + TOO_LONG
    while not true():
        assert asyncio.get_running_loop().time() < late, "what is waited for does not come"
        await pilot.pause()


async def settle(pilot: Pilot) -> None:
    """Wait until all that was started is done, but for what waits for an answer in a dialog."""
    await rest(pilot)
    while len(pilot.app.screen_stack) == 1 and any(worker.is_running for worker in pilot.app.workers):
        await pilot.app.workers.wait_for_complete()
        await rest(pilot)


async def press(pilot: Pilot, *keys: str) -> None:
    """A person's keys: each after the screen has answered the one before."""
    for key in keys:
        await pilot.press(key)
        await settle(pilot)


async def choose(pilot: Pilot, name: str) -> None:
    """Open another model by its name."""
    await pilot.press("m")
    await until(pilot, lambda: isinstance(pilot.app.screen, ModelsScreen))
    await pilot.press(*("slash" if key == "/" else key for key in name), "enter")
    await settle(pilot)


def text(app) -> str:
    """The path."""
    return "".join(place.text for place in app.main.walk.snapshot.path)


def drawn(app) -> int:
    """How many tokens there are after the prompt."""
    return len(app.main.walk.snapshot.path) - app.main.walk.snapshot.prompt_length


def said(app) -> str:
    """The note in the line of the state."""
    return app.main.status_line.status.note


def events(path: Path) -> list[str]:
    """What is in a record."""
    return [type(event).__name__ for event in journal.read(path).events]
