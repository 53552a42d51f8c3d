"""What goes around in the tree, names its spots and deletes its branches, by a key or in its pane.

Owns the opening of the pane, and which spot is meant: the selected one where the pane has the keys, else the cursor's.
Must not know how the tree is drawn.
"""

import itertools
from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType

from explorer.core.record.events import Bookmark, Delete, Move
from explorer.core.token import visible
from explorer.core.walk import navigation
from explorer.core.walk.branches import Spot
from explorer.core.walk.runs import Run
from explorer.ui.actions import knobs
from explorer.ui.drawing.numbers import count
from explorer.ui.screens.name import NameScreen

if TYPE_CHECKING:
    from explorer.ui.walk_desk import WalkDesk

# The pane.


def show(desk: "WalkDesk") -> None:
    """Hand the branches to their pane; they are followed also where it is closed, so that it opens at once."""
    if desk.walk.session is None:
        return
    branches = desk.branches
    if desk.panes.has_class("-tree"):
        desk.tree_pane.follow(branches)


def _has_keys(desk: "WalkDesk") -> bool:
    return desk.screen.focused is desk.tree_pane


def toggle(desk: "WalkDesk") -> None:
    """Open the pane and go into it; from there, close it."""
    if _has_keys(desk):
        desk.panes.remove_class("-tree")
        desk.screen.set_focus(None)
        return
    knobs.close(desk)
    desk.panes.add_class("-tree")
    show(desk)
    desk.tree_pane.focus()


def leave(desk: "WalkDesk") -> None:
    """Stop what runs; where nothing does, the table has the keys again."""
    if desk.stop():
        desk.note(desk.words("running.by_hand"))
    else:
        desk.screen.set_focus(None)


def go_to_run(desk: "WalkDesk", run: Run) -> None:
    """Go to the end of a run."""
    if desk.branches.is_reachable(run):
        desk.attempt(lambda: _go(desk, Spot(run.root, run.end)))
    else:
        other = desk.session.trees[run.root].tokenizer == desk.session.tokenizer
        desk.note(desk.words("branches.other_adapter" if other else "branches.foreign"), "warning")


# Going around.


def _root(desk: "WalkDesk", spot: Spot) -> int | UnsetType:
    """As an event names it."""
    return UNSET if spot.root == desk.session.root else spot.root


def _go(desk: "WalkDesk", spot: Spot, words: str = "") -> None:
    desk.note(words)
    if spot == (desk.session.root, desk.session.node):
        desk.walk.focus = None
    else:
        desk.walk.apply(Move(root=_root(desk, spot), node=spot.node))


def sibling(step: int, desk: "WalkDesk") -> None:
    """To the token that was tried before (-1) or after (1) this one."""
    desk.attempt(lambda: _sibling(desk, step))


def _sibling(desk: "WalkDesk", step: int) -> None:
    session, focus = desk.session, desk.walk.focus
    event = navigation.sibling(session, focus, step)
    if isinstance(event, Move):
        root = event.root_from(session.root)
        tree = session.trees[root]
        parent = tree.nodes[event.node].parent
        tried = [] if parent is None else tree.living(parent)
        words = desk.words("branches.prompt", number=root + 1)
        if tried:
            words = desk.words("branches.tried", number=tried.index(event.node) + 1, of=len(tried))
        _go(desk, Spot(root, event.node), words)
    elif focus is not None and focus < len(session.tree.prompt):
        desk.note(desk.words("branches.inside_prompt"))
    else:
        at_prompt = focus is None and session.node == 0
        desk.note(desk.words("branches.no_prompt" if at_prompt else "branches.none_tried"))


def branch(step: int, desk: "WalkDesk") -> None:
    """To the end of the branch, or the named spot, after (1) or before (-1) this one."""
    desk.attempt(lambda: _branch(desk, step))


def _branch(desk: "WalkDesk", step: int) -> None:
    branches = desk.branches
    stop = branches.stop(step)
    if stop is None:
        desk.note(desk.words("branches.none_readable"), "warning")
    elif stop.spot == branches.spot:
        desk.note(desk.words("branches.only"))
    else:
        words = desk.words("branches.branch", number=stop.number, of=stop.of)
        if stop.name:
            words = desk.words("branches.named_branch", branch=words, name=visible(stop.name))
        _go(desk, stop.spot, words)


# Names.


def _selected(desk: "WalkDesk") -> Run | None:
    """The run that is selected in the pane, where that has the keys."""
    return desk.tree_pane.selected if _has_keys(desk) else None


def _spot(desk: "WalkDesk") -> Spot:
    """The one that is meant."""
    if (run := _selected(desk)) is not None:
        return Spot(run.root, run.end)
    return Spot(desk.session.root, navigation.node_at(desk.session, desk.walk.focus).number)


def _rename(desk: "WalkDesk", spot: Spot, name: str, words: str) -> None:
    desk.note(words)
    desk.walk.apply(Bookmark(root=_root(desk, spot), node=spot.node, name=name or None))


def keep_spot(desk: "WalkDesk") -> None:
    """Give this spot a name that is free."""
    spot, branches = _spot(desk), desk.branches
    if (before := branches.name(spot)) is not None:
        desk.note(desk.words("branches.named_already", name=visible(before)))
        return
    names = (desk.words("branches.spot", number=number) for number in itertools.count(1))
    name = next(name for name in names if not branches.is_taken(name))
    desk.attempt(lambda: _rename(desk, spot, name, desk.words("branches.kept", name=name)))


async def name_spot(desk: "WalkDesk") -> None:
    desk.stop()
    spot = _spot(desk)
    before = desk.branches.name(spot) or ""
    name = await desk.ask(NameScreen(desk.words, before))
    if name is None or name == before:
        return
    words = desk.words("branches.named" if name else "branches.unnamed", name=visible(name or before))
    desk.attempt(lambda: _rename(desk, spot, name, words))


# Deleting.


def delete(desk: "WalkDesk") -> None:
    """Delete the selected run, or the cursor's token, and all that comes after it."""
    desk.attempt(lambda: _delete(desk))


def _delete(desk: "WalkDesk") -> None:
    run = _selected(desk)
    spot = _spot(desk) if run is None else Spot(run.root, run.nodes[0])
    tokens, ends = desk.branches.after(spot)
    name = "branches.deleted_branches" if ends > 1 else "branches.deleted"
    desk.note(desk.words(name, n=tokens, tokens=count(tokens), branches=count(ends)))
    desk.walk.apply(Delete(root=_root(desk, spot), node=spot.node))
