"""What is about the walk as a whole, and the program around it: a copy, the help, the palette, the end."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.core.record.journal import write_copy
from explorer.ui.command import Command
from explorer.ui.screens.help import HelpScreen
from explorer.ui.screens.save import SaveScreen
from explorer.wording import Wording

if TYPE_CHECKING:
    from explorer.ui.desk import Desk
    from explorer.ui.walk_desk import WalkDesk


async def save(desk: "WalkDesk") -> None:
    """Save a copy of the record under another name."""
    session = desk.session

    async def write(path: Path) -> None:
        happened = list(session.events)
        # In a thread: a long walk takes seconds. What happens meanwhile is not of the copy.
        await asyncio.to_thread(write_copy, path, session.header, happened)
        desk.safe = len(happened)

    proposed = f"walk-{datetime.now():%Y%m%d-%H%M%S}.jsonl"
    path = await desk.app.push_screen_wait(SaveScreen(proposed, write))
    if path is not None:
        desk.note(f"saved as {path}")


def show_help(desk: "Desk", commands: Sequence[Command[Any]]) -> None:
    desk.app.push_screen(HelpScreen(commands, Wording()))


def palette(desk: "Desk") -> None:
    desk.app.action_command_palette()


def leave(desk: "WalkDesk") -> None:
    """Leave; where that loses something, say so first."""
    walk = desk.walk
    happened = len(walk.session.events) if walk.session is not None else 0
    if walk.unrecorded and desk.safe < happened:
        desk.safe = happened
        desk.note("the walk is not saved: x saves a copy, Ctrl+Q again quits without", "warning")
        return
    desk.app.exit()
