"""What draws: one token, several by a count before the key, a run without end, several sequences; and how fast it goes.

Owns the background work of the kind `auto`. Must not know how a token is drawn.
"""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from explorer.core.sampling.pace import FIELDS, RunSettings, read, written
from explorer.errors import ExplorerError, UsageError
from explorer.ui.screens.form import FormScreen
from explorer.ui.screens.sequences import SequencesScreen
from explorer.walk.fork import Fork
from explorer.walk.run import redraw

if TYPE_CHECKING:
    from explorer.ui.walk_desk import WalkDesk

SEQUENCES = 4
"""Drawn side by side where no count says how many."""


def sample(desk: "WalkDesk") -> None:
    count = desk.count.take() or 1
    if not desk.drawing and may_draw(desk):
        _begin(desk, _draw(desk, count), count != 1)


def auto(desk: "WalkDesk") -> None:
    count = desk.count.take()
    if desk.stop():
        desk.note(desk.words("running.by_hand"))
    elif may_draw(desk):
        _begin(desk, _draw(desk, count), count != 1)


def draw_again(desk: "WalkDesk") -> None:
    if not desk.walk.alive:
        may_draw(desk)
    elif not desk.drawing:
        _begin(desk, redraw(desk.walk), False)


def may_draw(desk: "WalkDesk") -> bool:
    """Whether a token can be added here; if not, say why."""
    if not desk.walk.alive:
        desk.note(desk.words("running.starting" if desk.loader.busy else "running.no_engine"), "warning")
    elif desk.walk.room.is_full:
        desk.note(desk.walk.room.note(desk.words), "warning")
    else:
        return True
    return False


async def _draw(desk: "WalkDesk", count: int | None) -> str:
    """Draw `count` tokens, or as many as the rules allow; why it ended, in words."""
    ended = await desk.run.draw(count)
    quiet = ended is None or (count == 1 and ended.reason == "length")
    return "" if ended is None or quiet else ended.sentence


def _begin(desk: "WalkDesk", drawing: Coroutine[Any, Any, str], running: bool) -> None:
    desk.run_worker(_while_drawing(desk, drawing, running), exclusive=True, group="auto")


async def _while_drawing(desk: "WalkDesk", drawing: Coroutine[Any, Any, str], running: bool) -> None:
    """Say what came of it; nothing where the cursor was moved."""
    desk.show(running=running, note="", severity="note")
    try:
        words = await drawing
    except UsageError as error:
        desk.note(str(error), "warning")
    except ExplorerError as error:
        desk.fail(error)
    else:
        if words:
            desk.note(words)
    finally:
        desk.show(running=False)


async def sequences(desk: "WalkDesk") -> None:
    count = desk.count.take() or SEQUENCES
    desk.stop()
    if not may_draw(desk):
        return
    try:
        fork = Fork(desk.walk, count, desk.run.settings.rules)
    except UsageError as error:
        desk.note(str(error), "warning")
        return
    chosen = await desk.ask(SequencesScreen(desk.words, fork))
    if chosen is None:
        desk.note(desk.words("running.sequences_begin", count=fork.begun) if fork.begun else "")
    else:
        fork.go(chosen)
        desk.note(desk.words("running.sequence_end", number=chosen + 1, of=count))


# How it goes.


def slower(desk: "WalkDesk") -> None:
    _set_run(desk, lambda settings: settings.at_speed(1))


def faster(desk: "WalkDesk") -> None:
    _set_run(desk, lambda settings: settings.at_speed(-1))


def _set_run(desk: "WalkDesk", change: Callable[[RunSettings], RunSettings]) -> None:
    desk.run.settings = change(desk.run.settings)
    desk.note(desk.run.settings.speed)


async def run_settings(desk: "WalkDesk") -> None:
    title, note = desk.words("running.title"), desk.words("running.awake")
    settings = await desk.ask(FormScreen(desk.words, title, FIELDS, written(desk.run.settings), read, note))
    if settings is not None:
        desk.run.settings = settings
        desk.note(desk.words("running.settings", summary=settings.summary))
