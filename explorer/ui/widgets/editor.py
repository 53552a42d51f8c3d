"""Editor: a text area in which no character drives the terminal, and no paste stops it. Must not know prompts."""

from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from explorer.core.token import is_driving, visible
from explorer.ui.widgets.typing_order import act_in_order
from explorer.wording import Wording

LINE_LIMIT = 50_000
"""Characters of one pasted line: the text area lays a line out as a whole, for each of its rows, at each key."""


def _picture(character: str) -> str:
    """One character for one, so that the cursor stays where it is; a tab is the text area's own matter."""
    if character == "\t" or not is_driving(character):
        return character
    picture = visible(character)
    return picture if len(picture) == 1 else "·"


class Editor(TextArea):
    """Shows pictures of what would drive the terminal; the text itself stays as it is."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+l", "clear_text", show=False)]

    class Refused(Message):
        """A paste that was not taken: its longest line has so many characters."""

        def __init__(self, longest: int) -> None:
            super().__init__()
            self.longest = longest

        def sentence(self, words: Wording) -> str:
            """Why, and what to do."""
            return words("editor.refused", longest=self.longest, most=LINE_LIMIT)

    def __init__(self, text: str, **options: Any) -> None:
        super().__init__(text, **options)
        self._given = (text, self.text)

    @property
    def content(self) -> str:
        """What is written; where nothing was changed, to the character: a document has one kind of line break."""
        given, read = self._given
        return given if self.text == read else self.text

    async def on_key(self, event: events.Key) -> None:
        await act_in_order(self, event)

    def on_paste(self, event: events.Paste) -> None:
        longest = max(map(len, event.text.splitlines()), default=0)
        if longest > LINE_LIMIT:
            event.stop()
            event.prevent_default()
            self.post_message(self.Refused(longest))

    def get_line(self, line_index: int) -> Text:
        line = self.document.get_line(line_index)
        shown = line if line.isprintable() else "".join(map(_picture, line))
        return Text(shown, end="", no_wrap=True)

    def action_clear_text(self) -> None:
        """Take everything away; Ctrl+Z brings it back."""
        self.clear()
