"""The comparison of options: several texts, one a line, and how likely each would be next.

Returns the option that was chosen. Must not know the session.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.getters import query_one

from explorer.errors import ExplorerError
from explorer.ui.screens.dialog import Dialog
from explorer.ui.tables.options import MEASURES
from explorer.ui.widgets.editor import Editor
from explorer.ui.widgets.ranking import RankingPane
from explorer.ui.widgets.said import Said
from explorer.walk.ranking import Option
from explorer.wording import Wording


class OptionsEditor(Editor):
    """Shows the spaces at both ends of a line."""

    def get_line(self, line_index: int) -> Text:
        line = super().get_line(line_index)
        words = line.plain.strip(" ")
        begin = len(line.plain) - len(line.plain.lstrip(" "))
        end = len(line.plain) - begin - len(words)
        return Text("␣" * begin + words + "␣" * end, end="", no_wrap=True)


class OptionsScreen(Dialog[Option | None]):
    """`compare` gives the options of a text, and raises ExplorerError."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,ctrl+s", "turn", show=False, priority=True),
        Binding("escape", "cancel", show=False, priority=True),
        Binding("enter", "choose", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("left,h", "order(-1)", show=False),
        Binding("right,l", "order(1)", show=False),
    ]

    dialog = query_one("#comparison", Vertical)
    editor = query_one(OptionsEditor)
    ranking = query_one(RankingPane)

    def __init__(self, words: Wording, written: str, compare: Callable[[str], Awaitable[Sequence[Option]]]) -> None:
        super().__init__(words)
        self.written = written
        """What stands in the editor, also when it was left."""
        self._compare = compare

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="comparison") as dialog:
            dialog.border_title = self._words("options.title")
            dialog.border_subtitle = self._words("options.writing")
            yield OptionsEditor(self.written, soft_wrap=True, tab_behavior="focus")
            yield RankingPane(self._words, "ranking")
            yield Said(self._words("options.hint"), id="fault", classes="-note")

    def on_mount(self) -> None:
        self.editor.move_cursor(self.editor.document.end)
        self.ranking.display = False

    @property
    def choosing(self) -> bool:
        """Whether the keys are those of the ranking."""
        return self.focused is None

    @on(Editor.Changed)
    def changed(self) -> None:
        self.written = self.editor.content
        self.ranking.display = False

    def action_turn(self) -> None:
        if self.choosing:
            self.editor.focus()
            self.dialog.border_subtitle = self._words("options.writing")
            self.say(self._words("options.hint"))
        else:
            self.rank()

    @work(exclusive=True, group="compare")
    async def rank(self) -> None:
        self.say(self._words("dialog.asking"))
        written = self.written
        try:
            options = await self._compare(written)
        except ExplorerError as error:
            self.say(self.sentence_of(error), fault=True)
            return
        if not self.ready or written != self.written:
            return
        self.ranking.display = True
        self.ranking.show(options)
        self.set_focus(None)
        self.dialog.border_subtitle = self._words("options.choosing")
        self.say(self._words("options.note"))

    def action_move(self, rows: int) -> None:
        self.ranking.action_move(rows)

    def action_order(self, step: int) -> None:
        self.ranking.measure = (self.ranking.measure + step) % len(MEASURES)

    @on(RankingPane.Chosen)
    def action_choose(self) -> None:
        if self.choosing:
            self.dismiss(self.ranking.selected)
