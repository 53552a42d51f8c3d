"""The help screen: the keys, from the table of commands, and what the marks mean."""

from collections.abc import Sequence
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from explorer.ui.keymap import Keymap
from explorer.ui.screens.dialog import Dialog
from explorer.ui.widgets.said import Said
from explorer.wording import Wording

MARKS = (
    "selected",
    "tried",
    "source",
    "unseen",
    "bytes",
    "moved",
    "top_p",
    "branch",
    "fold",
    "sum",
    "name",
    "at_most",
    "to_get",
    "cut",
)
"""By the ids of their words."""


class HelpScreen(Dialog[None]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,q,f1,enter", "dismiss", show=False)]

    def __init__(self, keymap: Keymap, words: Wording) -> None:
        super().__init__(words)
        self._keymap = keymap

    def compose(self) -> ComposeResult:
        words = self._words
        with VerticalScroll(classes="dialog", id="help") as dialog:
            dialog.border_title = words("help.title")
            dialog.border_subtitle = words("help.keys")
            commands = self._keymap.commands.values()
            for group in dict.fromkeys(command.group for command in commands):
                rows = [(self._keymap.written(c.id), c.help(words)) for c in commands if c.group == group]
                yield Said(_table(words(f"groups.{group}"), rows))
            marks = [(words(f"help.marks.{mark}.sign"), words(f"help.marks.{mark}.means")) for mark in MARKS]
            yield Said(_table(words("help.marks.title"), marks))
            yield Said(words("help.more"))


def _table(title: str, rows: Sequence[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(width=10, no_wrap=True)
    table.add_column(ratio=1)
    table.add_row(Text(title, "bold"), "")
    for sign, meaning in rows:
        table.add_row(Text(sign, "bold"), Text(meaning))
    table.add_row("", "")
    return table
