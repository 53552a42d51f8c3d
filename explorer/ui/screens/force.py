"""The dialog of what is forced: one line, and the tokens that it will become.

Returns what was written, empty where it was used. Must not know the session.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.getters import query_one

from explorer.core.token import Token, label
from explorer.errors import ExplorerError
from explorer.ui.drawing.styles import Part, kind_style
from explorer.ui.screens.dialog import Dialog
from explorer.ui.widgets.flow import SHOWN, FlowPane
from explorer.ui.widgets.line import Line
from explorer.ui.widgets.said import Said
from explorer.wording import Wording

PAUSE = 0.05
"""Seconds without a key before the tokens are asked for."""


class ForceScreen(Dialog[str]):
    """`read` gives the tokens of a line, `use` puts it into the walk; both raise ExplorerError."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", show=False, priority=True)]

    dialog = query_one("#force", Vertical)
    line = query_one(Line)
    tokens = query_one("#force-tokens", FlowPane)

    def __init__(
        self,
        words: Wording,
        written: str,
        read: Callable[[str], Awaitable[Sequence[Token]]],
        use: Callable[[str], Awaitable[object]],
    ) -> None:
        super().__init__(words)
        self._written = written
        self._read, self._use = read, use

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="force") as dialog:
            dialog.border_title = self._words("force.title")
            dialog.border_subtitle = self._words("force.keys")
            yield Line(self._written, placeholder=self._words("force.placeholder"), select_on_focus=False)
            yield FlowPane("force-tokens")
            yield Said(self._words("force.hint"), id="fault", classes="-note")

    @on(Line.Changed)
    def changed(self) -> None:
        self.preview()

    @work(exclusive=True, group="preview")
    async def preview(self) -> None:
        """Show what the line becomes, once the person pauses."""
        await asyncio.sleep(PAUSE)
        if not self.ready:
            return
        try:
            tokens = await self._read(self.line.value)
        except ExplorerError as error:
            self._show((), self.sentence_of(error), fault=True)
        else:
            self._show(tokens, self._words("force.hint"))

    def _show(self, tokens: Sequence[Token], sentence: str, fault: bool = False) -> None:
        if not self.ready:  # It was left while the answer was on the way.
            return
        words = self._words
        self.dialog.border_title = words("force.becomes", n=len(tokens)) if tokens else words("force.title")
        self.tokens.parts = tuple(_parts(tokens[-SHOWN:]))
        self.say(sentence, fault)

    @on(Line.Submitted)
    @work(exclusive=True, group="use")
    async def accept(self) -> None:
        if not self.open:
            return
        # A preview that is under way would write over what is said of the line.
        self.workers.cancel_group(self, "preview")
        line = self.line.value
        try:
            self._show(await self._read(line), self._words("dialog.asking"))
            await self._use(line)
        except ExplorerError as error:
            self.say(self.sentence_of(error), fault=True)
        else:
            self.dismiss("")

    def leave(self) -> None:
        self.dismiss(self.line.value)


def _parts(tokens: Sequence[Token]) -> Iterator[Part]:
    """What each token says, and its id."""
    for token in tokens:
        yield label(token), kind_style(token, "prompt", unused="prompt")
        yield f" {token.id}   ", "quiet"
