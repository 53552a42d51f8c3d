"""TextField: an input of one line, which takes the first line of a paste, and none too long. Must not know forms."""

from textual import events
from textual.message import Message
from textual.widgets import Input

from explorer.core.token import is_driving
from explorer.ui.widgets.typing_order import act_in_order
from explorer.wording import Wording

FIELD_LIMIT = 10_000
"""Characters that are pasted into one line: it is laid out as a whole at each key."""


class TextField(Input):
    class Refused(Message):
        """A paste that was not taken: it has so many characters."""

        def __init__(self, length: int) -> None:
            super().__init__()
            self.length = length

        def sentence(self, words: Wording) -> str:
            """Why."""
            return words("field.refused", length=self.length, most=FIELD_LIMIT)

    def taken(self, pasted: str) -> str:
        """What of a paste is written: its first line, without what would drive the terminal."""
        first = next(iter(pasted.splitlines()), "")
        return "".join(character for character in first if not is_driving(character))

    async def on_key(self, event: events.Key) -> None:
        await act_in_order(self, event)

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        text = self.taken(event.text) if len(event.text) <= FIELD_LIMIT else event.text
        if len(text) + len(self.value) > FIELD_LIMIT:
            self.post_message(self.Refused(len(text)))
        else:
            self.replace(text, *sorted(self.selection))
