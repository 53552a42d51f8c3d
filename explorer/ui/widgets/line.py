"""Line: an input of one line, into which a text of several lines can be pasted. Must not know what it is for."""

from textual import events
from textual.widgets import Input

from explorer.core.query import escaped


class Line(Input):
    """A paste is written in the notation of Query: its line breaks as \\\\n, and nothing in it drives the terminal."""

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self.replace(escaped(event.text), *sorted(self.selection))
