"""Editing: the actions on any token of the path: the token cursor and its jumps, another token there, undo and redo.

Owns where the token cursor is. Must not know how numbers are computed.
"""

from textual import on, work

from explorer.core.distribution import Candidate
from explorer.core.token import label
from explorer.core.walk import jumps
from explorer.errors import ExplorerError
from explorer.ui.actions.running import Running
from explorer.ui.screens.form import FormScreen
from explorer.ui.widgets.pane import Pane
from explorer.walk import forcing


class Editing(Running):
    """The part of the main screen that looks at tokens of the path and changes them."""

    jumps = jumps.JumpSettings()

    # The token cursor.

    def action_token_left(self) -> None:
        self._point(self._index - 1)

    def action_token_right(self) -> None:
        self._point(self._index + 1)

    @property
    def _index(self) -> int:
        """Of the token cursor; the length of the path at its end."""
        snapshot = self.walk.snapshot
        return len(snapshot.path) if snapshot.focus is None else snapshot.focus

    def _point(self, index: int, why: str = "") -> None:
        """Put the token cursor on the token of an index; behind the last one is the end."""
        self.stop_run()
        path = self.walk.snapshot.path
        index = min(max(index, 0), len(path))
        self._note = (f"token {index}{why and f': {why}'}" if index < len(path) else why, "note")
        self.walk.focus = index if index < len(path) else None

    @on(Pane.Pointed)
    def pointed(self, message: Pane.Pointed) -> None:
        self._point(message.index)

    def leave_token(self) -> bool:
        """Put the token cursor back at the end; False where it is there."""
        if self.walk.focus is None:
            return False
        self._point(len(self.walk.snapshot.path))
        return True

    # Jumps.

    def action_jump_back(self) -> None:
        self._jump(-1)

    def action_jump(self) -> None:
        self._jump(1)

    def _jump(self, step: int) -> None:
        session, count, path = self.walk.session, self.take_count(), self.walk.snapshot.path
        assert session is not None
        if count is not None:
            self._point(count, "" if count < len(path) else f"the path ends at token {len(path) - 1}")
            return
        found = jumps.jump(session, path, self._index, step, self.jumps)
        if found is not None:
            self._point(*found)
            return
        self._point(len(path) if step > 0 else 0)
        self.note(f"nothing more to jump to {'ahead' if step > 0 else 'before'}; J says what counts")

    @work(exclusive=True, group="jump-settings")
    async def action_jump_settings(self) -> None:
        note = "] goes to the next such token of the path, [ to the one before; 42 ] goes to token 42."
        form = FormScreen("Jump to", jumps.FIELDS, jumps.written(self.jumps), jumps.read, note)
        settings = await self.app.push_screen_wait(form)
        if settings is not None:
            self.jumps = settings
            self.note(f"] jumps to: {settings.summary}")

    # Changing what stands there.

    def action_exchange(self) -> None:
        chosen, path, focus = self.candidates.selected, self.walk.snapshot.path, self.walk.focus
        if focus is None:
            self.note("Ctrl+← goes to the token to be exchanged", "warning")
        elif chosen is None or not self.walk.alive:
            if self.may_draw():
                self.note("no token is selected here", "warning")
        elif chosen.token.id == path[focus].token.id:
            self.note("this token stands here already; select another one", "warning")
        else:
            self.stop_run()
            self.exchange(chosen)

    @work(exclusive=True, group="exchange")
    async def exchange(self, candidate: Candidate) -> None:
        """Another token under the token cursor, and after it what stood after the old one, with its numbers there."""
        walk, session = self.walk, self.walk.session
        assert session is not None
        before = walk.snapshot
        assert before.focus is not None
        rest = [place.token for place in before.path[before.focus + 1 :]]
        try:
            prefix = [*session.prefix(session.place(before.focus)), candidate.token.id]
            scored = await forcing.numbers(walk, prefix, rest)
            if (walk.snapshot.path, walk.focus) != (before.path, before.focus):
                return
            with walk.at_once():
                walk.add(candidate)
                forcing.append(walk, scored, joined=True)
        except ExplorerError as error:
            self.fail(error)
            return
        carried = f"; {len(rest)} token{'s' * (len(rest) != 1)} carried over" if rest else ""
        self.note(f"“{label(candidate.token)}” for “{label(before.path[before.focus].token)}”{carried}")

    # Undo.

    def action_undo(self) -> None:
        self.stop_run()
        session = self.walk.session
        what = session.last_act() if session else ""
        self.note(f"undone: {what}; Ctrl+R does it again" if self.walk.undo() else "there is nothing to undo")

    def action_redo(self) -> None:
        self.stop_run()
        session = self.walk.session
        what = session.last_act(undone=True) if session else ""
        self.note(f"done again: {what}" if self.walk.redo() else "there is nothing to do again")
