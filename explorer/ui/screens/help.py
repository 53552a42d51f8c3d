"""The help screen: the keys, from the table of commands, and what the marks mean."""

from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from explorer.ui.keymap import Keymap
from explorer.ui.screens.dialog import Dialog
from explorer.wording import Wording

MARKS = (
    ("▸", "the selected row"),
    ("•", "a token that was tried here before"),
    ("◆ ◇ ▪", "a token that was picked, sampled, forced"),
    ("␣ ↵ ␛", "a space, a line break, a control character"),
    ("‹EC 98›", "bytes that are no whole character yet"),
    ("▲ ▼", "a token that a penalty or a bias moved up or down"),
    ("└", "the last row above the line of top-p"),
    ("› ● ○", "the selected branch, the one that the cursor is in, those on the way there"),
    ("▾ ▸ +3", "a branch with others below it; folded, with how many end there"),
    ("Σ to end", "the logprob, in nats, of all tokens after the prompt down to the end of a branch"),
    ("★", "the name of a spot"),
    ("≤", "a sum that is at most this: one of its tokens has no number"),
    ("grey row", "cut by a sampler; its name stands under “sampling”, why at the foot"),
)

MORE = """model     what the model says, at temperature 1, before any sampler
sampling  what a draw uses, after temperature, top-k and top-p
entropy   how unsure the model is, in bits, over the whole vocabulary

A model of your own:  token-explorer --model NAME_OR_FOLDER"""


class HelpScreen(Dialog[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,f1,enter", "dismiss", "Close"),
    ]

    def __init__(self, keymap: Keymap, words: Wording) -> None:
        super().__init__()
        self._words = words
        self._keymap = keymap

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog", id="help") as dialog:
            dialog.border_title = "Help"
            dialog.border_subtitle = "↑ ↓ scroll · Esc close"
            commands = self._keymap.commands.values()
            for group in dict.fromkeys(command.group for command in commands):
                rows = [(self._keymap.written(c.id), c.help(self._words)) for c in commands if c.group == group]
                yield Static(_table(group, rows))
            yield Static(_table("Marks", MARKS))
            yield Static(MORE, markup=False)


def _table(title: str, rows: "tuple[tuple[str, str], ...] | list[tuple[str, str]]") -> Table:
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(width=10, no_wrap=True)
    table.add_column(ratio=1)
    table.add_row(Text(title, "bold"), "")
    for keys, words in rows:
        table.add_row(Text(keys, "bold"), Text(words))
    table.add_row("", "")
    return table
