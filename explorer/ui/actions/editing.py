"""What is done to any token of the path: the token cursor and its jumps, another token there, undo and redo.

Owns where the token cursor goes. Must not know how numbers are computed.
"""

from typing import TYPE_CHECKING

from explorer.core.distribution import Candidate
from explorer.core.token import label
from explorer.core.walk import jumps
from explorer.errors import ExplorerError
from explorer.ui.actions import running
from explorer.ui.screens.form import FormScreen
from explorer.walk import forcing

if TYPE_CHECKING:
    from explorer.ui.walk_desk import WalkDesk

# The token cursor.


def token_left(desk: "WalkDesk") -> None:
    point(desk, _index(desk) - 1)


def token_right(desk: "WalkDesk") -> None:
    point(desk, _index(desk) + 1)


def _index(desk: "WalkDesk") -> int:
    """Of the token cursor; the length of the path at its end."""
    snapshot = desk.walk.snapshot
    return len(snapshot.path) if snapshot.focus is None else snapshot.focus


def point(desk: "WalkDesk", index: int, why: str = "") -> None:
    """Put the token cursor on the token of an index; behind the last one is the end."""
    desk.stop()
    path = desk.walk.snapshot.path
    index = min(max(index, 0), len(path))
    if index < len(path):
        why = desk.words("editing.token_why" if why else "editing.token", index=index, why=why)
    desk.note(why)
    desk.walk.focus = index if index < len(path) else None


def leave_token(desk: "WalkDesk") -> None:
    """Put the token cursor back at the end."""
    if desk.walk.focus is not None:
        point(desk, len(desk.walk.snapshot.path))


# Jumps.


def jump(step: int, desk: "WalkDesk") -> None:
    """To the next token that counts, or to the one that a count before the key names."""
    count, path = desk.count.take(), desk.walk.snapshot.path
    if count is not None:
        point(desk, count, "" if count < len(path) else desk.words("editing.path_ends", index=len(path) - 1))
        return
    found = jumps.jump(desk.session, path, _index(desk), step, desk.jumps)
    if found is not None:
        point(desk, *found)
        return
    point(desk, len(path) if step > 0 else 0)
    desk.note(desk.words("editing.nothing_ahead" if step > 0 else "editing.nothing_before"))


async def jump_settings(desk: "WalkDesk") -> None:
    title, note = desk.words("editing.jump_title"), desk.words("editing.jump_note")
    settings = await desk.ask(FormScreen(desk.words, title, jumps.FIELDS, jumps.written(desk.jumps), jumps.read, note))
    if settings is not None:
        desk.jumps = settings
        desk.note(desk.words("editing.jumps", summary=settings.summary))


# Changing what stands there.


def exchange(desk: "WalkDesk") -> None:
    chosen, path, focus = desk.candidates.selected, desk.walk.snapshot.path, desk.walk.focus
    if focus is None:
        desk.note(desk.words("editing.no_token_cursor"), "warning")
    elif chosen is None or not desk.walk.alive:
        if running.may_draw(desk):
            desk.note(desk.words("editing.no_selection"), "warning")
    elif chosen.token.id == path[focus].token.id:
        desk.note(desk.words("editing.same_token"), "warning")
    else:
        desk.stop()
        desk.run_worker(_exchange(desk, chosen), exclusive=True, group="exchange")


async def _exchange(desk: "WalkDesk", candidate: Candidate) -> None:
    """Another token under the token cursor, and after it what stood after the old one, with its numbers there."""
    walk, session, before = desk.walk, desk.session, desk.walk.snapshot
    assert before.focus is not None
    rest = [place.token for place in before.path[before.focus + 1 :]]
    try:
        prefix = [*session.prefix(session.place(before.focus)), candidate.token.id]
        scored = await forcing.numbers(walk, prefix, rest)
        if (walk.snapshot.path, walk.focus) != (before.path, before.focus):
            return
        walk.add(candidate)
        forcing.append(walk, scored, joined=True)
    except ExplorerError as error:
        desk.fail(error)
        return
    tokens = {"new": label(candidate.token), "old": label(before.path[before.focus].token)}
    if rest:
        desk.note(desk.words("editing.exchanged_and_carried", n=len(rest), **tokens))
    else:
        desk.note(desk.words("editing.exchanged", **tokens))


# Undo.


def undo(desk: "WalkDesk") -> None:
    desk.stop()
    what = desk.session.last_act()
    desk.note(desk.words("editing.undone", what=what) if desk.walk.undo() else desk.words("editing.nothing_undone"))


def redo(desk: "WalkDesk") -> None:
    desk.stop()
    what = desk.session.last_act(undone=True)
    desk.note(desk.words("editing.redone", what=what) if desk.walk.redo() else desk.words("editing.nothing_redone"))
