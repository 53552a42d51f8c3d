"""Branches: the actions that go around in the tree, name its spots and delete its branches, by a key or in its pane.

Owns the opening of the pane, and which spot is meant: the selected one where the pane has the keys, else the cursor's.
Must not know how the tree is drawn.
"""

import itertools
from collections.abc import Callable

from msgspec import UNSET, UnsetType
from textual import on, work
from textual.screen import Screen

from explorer.core.record.events import Bookmark, Delete, Move
from explorer.core.token import visible
from explorer.core.walk import navigation
from explorer.core.walk.branches import Branches, Spot
from explorer.core.walk.runs import Run
from explorer.core.walk.session import Session
from explorer.ui.drawing.numbers import count
from explorer.ui.screens.name import NameScreen
from explorer.ui.widgets.status import Severity
from explorer.ui.widgets.tree import TreePane
from explorer.walk.walk import Walk

FOREIGN = "this branch is of another vocabulary than the model's: it can be read, and m opens its model again"


class Branching(Screen[None]):
    """The part of the main screen that is about the tree."""

    walk: Walk
    tree_pane: TreePane
    _note: tuple[str, Severity]
    _branches: Branches | None = None

    def show(self) -> None:
        raise NotImplementedError

    def note(self, sentence: str, severity: Severity = "note") -> None:
        raise NotImplementedError

    def stop_run(self) -> bool:
        raise NotImplementedError

    def close_knobs(self) -> None:
        raise NotImplementedError

    def _attempt(self, act: Callable[[], object]) -> None:
        raise NotImplementedError

    @property
    def _session(self) -> Session:
        assert self.walk.session is not None
        return self.walk.session

    @property
    def branches(self) -> Branches:
        """As the session stands now."""
        if self._branches is None:
            self._branches = Branches(self._session)
        self._branches.update()
        return self._branches

    def show_branches(self) -> None:
        """Hand the branches to their pane; they are followed also where it is closed, so that it opens at once."""
        if self.walk.session is None:
            return
        branches = self.branches
        if self._tree_is_open:
            self.tree_pane.follow(branches)

    # The pane.

    @property
    def _tree_is_open(self) -> bool:
        return self.query_one("#panes").has_class("-tree")

    @property
    def _selected(self) -> Run | None:
        """The run that is selected in the pane, where that has the keys."""
        return self.tree_pane.selected if self.focused is self.tree_pane else None

    def action_tree(self) -> None:
        if self.focused is self.tree_pane:
            self.query_one("#panes").remove_class("-tree")
            self.set_focus(None)
            return
        self.close_knobs()
        self.query_one("#panes").add_class("-tree")
        self.show_branches()
        self.tree_pane.focus()

    @on(TreePane.Left)
    def tree_left(self) -> None:
        """Escape stops what runs; where nothing does, the table has the keys again."""
        if self.stop_run():
            self.note("stopped by hand")
        else:
            self.set_focus(None)

    @on(TreePane.Chosen)
    def run_chosen(self, message: TreePane.Chosen) -> None:
        run = message.run
        if self.branches.is_reachable(run):
            self._attempt(lambda: self._go(Spot(run.root, run.end)))
        else:
            self.note(FOREIGN, "warning")

    # Going around.

    def _root(self, spot: Spot) -> int | UnsetType:
        """As an event names it."""
        return UNSET if spot.root == self._session.root else spot.root

    def _go(self, spot: Spot, said: str = "") -> None:
        self._note = (said, "note")
        if spot == (self._session.root, self._session.node):
            self.walk.focus = None
        else:
            self.walk.apply(Move(root=self._root(spot), node=spot.node))

    def action_previous_sibling(self) -> None:
        self._attempt(lambda: self._sibling(-1))

    def action_next_sibling(self) -> None:
        self._attempt(lambda: self._sibling(1))

    def _sibling(self, step: int) -> None:
        session, focus = self._session, self.walk.focus
        event = navigation.sibling(session, focus, step)
        if isinstance(event, Move):
            root = session.root if event.root is UNSET else event.root
            tree = session.trees[root]
            parent = tree.nodes[event.node].parent
            tried = [] if parent is None else tree.living(parent)
            said = f"{tried.index(event.node) + 1} of {len(tried)} tried here" if tried else f"prompt {root + 1}"
            self._go(Spot(root, event.node), said)
        elif focus is not None and focus < len(session.tree.prompt):
            self.note("inside the prompt nothing else was tried")
        else:
            at_prompt = focus is None and session.node == 0
            self.note("there is no other prompt" if at_prompt else "nothing else was tried in place of this token")

    def action_next_branch(self) -> None:
        self._attempt(lambda: self._stop(1))

    def action_previous_branch(self) -> None:
        self._attempt(lambda: self._stop(-1))

    def _stop(self, step: int) -> None:
        branches = self.branches
        stop = branches.stop(step)
        if stop is None:
            self.note("there is no branch that this model can read", "warning")
        elif stop.spot == branches.spot:
            self.note("this is the only branch")
        else:
            name = f" · ★ {visible(stop.name)}" if stop.name else ""
            self._go(stop.spot, f"branch {stop.number} of {stop.of}{name}")

    # Names.

    def _spot(self) -> Spot:
        """The one that is meant."""
        if (run := self._selected) is not None:
            return Spot(run.root, run.end)
        return Spot(self._session.root, navigation.node_at(self._session, self.walk.focus).number)

    def _rename(self, spot: Spot, name: str, said: str) -> None:
        self._note = (said, "note")
        self.walk.apply(Bookmark(root=self._root(spot), node=spot.node, name=name or None))

    def action_keep_spot(self) -> None:
        spot, branches = self._spot(), self.branches
        if (before := branches.name(spot)) is not None:
            self.note(f"this is ★ {visible(before)} already; D gives it another name")
            return
        name = next(name for number in itertools.count(1) if not branches.is_taken(name := f"spot {number}"))
        self._attempt(lambda: self._rename(spot, name, f"kept as ★ {name}; w and s come back here"))

    @work(exclusive=True, group="name")
    async def action_name_spot(self) -> None:
        self.stop_run()
        spot = self._spot()
        before = self.branches.name(spot) or ""
        name = await self.app.push_screen_wait(NameScreen(before))
        if name is None or name == before:
            return
        said = f"named ★ {visible(name)}" if name else f"★ {visible(before)} is no name any more"
        self._attempt(lambda: self._rename(spot, name, said))

    # Deleting.

    def action_delete(self) -> None:
        self._attempt(self._delete)

    def _delete(self) -> None:
        run = self._selected
        spot = self._spot() if run is None else Spot(run.root, run.nodes[0])
        tokens, ends = self.branches.after(spot)
        what = f"{count(tokens)} tokens" if tokens > 1 else "one token"
        where = f" in {count(ends)} branches" if ends > 1 else ""
        self._note = (f"deleted {what}{where}; u brings {'them' if tokens > 1 else 'it'} back", "note")
        self.walk.apply(Delete(root=self._root(spot), node=spot.node))
