"""Asking: the actions that go on with what a person has in mind: a text, a token to be searched, one of several texts.

A dialog opens also where the engine cannot answer, and says so inside: what a person types on is never taken for keys.
Owns what was written and not used. Must not know how it is computed.
"""

from collections.abc import Callable
from functools import partial

from textual import work
from textual.screen import Screen

from explorer.core.query import Query
from explorer.engine.base import Found
from explorer.ui.screens.force import ForceScreen
from explorer.ui.screens.options import OptionsScreen
from explorer.ui.screens.search import SearchScreen
from explorer.ui.widgets.status import Severity
from explorer.walk import forcing
from explorer.walk import ranking as options
from explorer.walk.walk import Walk

HITS = 200
"""Of a search that are listed."""


class Asking(Screen[None]):
    """The part of the main screen that forces, searches and compares."""

    walk: Walk
    _unforced = ""
    """What was being written when the engine died."""
    _options = ""
    """What was compared last."""

    def note(self, sentence: str, severity: Severity = "note") -> None:
        raise NotImplementedError

    def stop_run(self) -> bool:
        raise NotImplementedError

    def _attempt(self, act: Callable[[], object]) -> None:
        raise NotImplementedError

    @work(exclusive=True, group="ask")
    async def action_force(self) -> None:
        self.stop_run()
        read, use = partial(forcing.read, self.walk), partial(forcing.force, self.walk)
        written = await self.app.push_screen_wait(ForceScreen(self._unforced, read, use))
        self._unforced = "" if self.walk.alive else written
        if not written:
            self.note(forcing.told(self.walk.snapshot.path))

    @work(exclusive=True, group="ask")
    async def action_search(self) -> None:
        self.stop_run()
        candidate = await self.app.push_screen_wait(SearchScreen(self._find))
        if candidate is not None:
            assert self.walk.session is not None
            self.walk.session.learn([candidate.token])
            self._attempt(lambda: self.walk.add(candidate))

    async def _find(self, query: Query) -> Found:
        walk, session = self.walk, self.walk.session
        assert session is not None
        walk.check_prefix()
        at = session.place(walk.focus).at
        length = len(session.tree.prompt) if at is None else at
        return await walk.engine.search(walk.prefix, query, session.params, HITS, prompt_length=length)

    @work(exclusive=True, group="ask")
    async def action_options(self) -> None:
        self.stop_run()
        screen = OptionsScreen(self._options, partial(options.compare, self.walk))
        option = await self.app.push_screen_wait(screen)
        self._options = screen.written
        if option is not None:
            self._attempt(lambda: forcing.append(self.walk, option.scored))
