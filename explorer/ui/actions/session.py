"""What is about the walk as a whole, and the program around it: a copy, the help, the palette, the end."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from textual.screen import ModalScreen

from explorer.core.moment import now
from explorer.core.record.journal import write_copy
from explorer.ui.screens.help import HelpScreen
from explorer.ui.screens.save import SaveScreen

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

    proposed = f"walk-{now().astimezone():%Y%m%d-%H%M%S}.jsonl"
    path = await desk.app.push_screen_wait(SaveScreen(desk.words, proposed, write))
    if path is not None:
        desk.note(desk.words("session.saved", path=path))


def show_help(desk: "Desk") -> None:
    desk.app.push_screen(HelpScreen(desk.keymap, desk.words))


def palette(desk: "Desk") -> None:
    desk.app.action_command_palette()


def suspend(desk: "Desk") -> None:
    """Stop the process; where no shell waits that could bring it back, only say so."""
    here = os.getsid(0)
    if here == os.getpid() or os.getsid(os.getppid()) != here:
        desk.note(desk.words("session.no_shell"), "warning")
    else:
        desk.app.action_suspend_process()


def leave(desk: "WalkDesk") -> None:
    """Leave; where that loses something, say so first."""
    desk.walk.look_at_record()
    if desk.unsaved:
        desk.safe = len(desk.session.events)
        sentence = desk.words("session.unsaved")
        desk.note(sentence, "warning")
        if isinstance(desk.app.screen, ModalScreen):  # It stands before the line that is written on.
            desk.warn(sentence)
        return
    desk.app.exit()
