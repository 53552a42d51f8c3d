"""The search of a whole vocabulary: one line, and what it finds, each token with its true rank.

Returns the token that was chosen. Must not know the session.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.getters import query_one

from explorer.core.distribution import Candidate
from explorer.core.query import Query
from explorer.engine.base import Found
from explorer.errors import ExplorerError
from explorer.ui.drawing.numbers import count
from explorer.ui.screens.dialog import Dialog
from explorer.ui.widgets.hits import HitsPane
from explorer.ui.widgets.line import Line
from explorer.ui.widgets.said import Said
from explorer.wording import Wording

PAUSE = 0.12
"""Seconds without a key before the engine is asked."""


class SearchScreen(Dialog[Candidate | None]):
    """`search` raises ExplorerError."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("pageup", "move(-10)", show=False, priority=True),
        Binding("pagedown", "move(10)", show=False, priority=True),
    ]

    dialog = query_one("#search", Vertical)
    line = query_one(Line)
    hits = query_one(HitsPane)

    def __init__(self, words: Wording, search: Callable[[Query], Awaitable[Found]]) -> None:
        super().__init__(words)
        self._search = search
        self._shown: str | None = None
        """The line that the hits are of."""

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="search") as dialog:
            dialog.border_title = self._words("search.title")
            dialog.border_subtitle = self._words("search.keys")
            yield Line(placeholder=self._words("search.placeholder"))
            yield HitsPane(self._words, "hits")
            yield Said(self._words("search.hint"), id="fault", classes="-note")

    def on_mount(self) -> None:
        self.look(0.0)

    @on(Line.Changed)
    def changed(self) -> None:
        self.look(PAUSE)

    @work(exclusive=True, group="search")
    async def look(self, pause: float) -> None:
        """Show what the line finds, once the person pauses."""
        await asyncio.sleep(pause)
        if self.open:  # It may have been left.
            await self._look()

    async def _look(self) -> None:
        typed = self.line.value
        try:
            found, fault = await self._search(Query.parse(typed)), ""
        except ExplorerError as error:
            found, fault = Found((), 0), str(error)
        # It may have been left, or gone on with, while the answer was on the way.
        if self.ready and typed == self.line.value:
            self._show(found, typed, fault)

    def _show(self, found: Found, typed: str, fault: str) -> None:
        self._shown = typed
        self.hits.show(found.hits)
        words, total, shown = self._words, count(found.total), count(len(found.hits))
        if fault:
            self.dialog.border_title = words("search.title")
        elif len(found.hits) < found.total:
            self.dialog.border_title = words("search.first_found", total=total, shown=shown)
        else:
            self.dialog.border_title = words("search.found", total=total)
        self.say(fault or words("search.hint"), fault=bool(fault))

    def action_move(self, rows: int) -> None:
        self.hits.action_move(rows)

    @on(Line.Submitted)
    @on(HitsPane.Chosen)
    @work(exclusive=True, group="choose")
    async def accept(self) -> None:
        """Choose the selected token; of a line that was typed in haste, what it finds."""
        if not self.open:
            return
        if self._shown != self.line.value:
            await self._look()
        if self.open and self.hits.selected is not None and self._shown == self.line.value:
            self.dismiss(self.hits.selected)
