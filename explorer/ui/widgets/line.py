"""Line: an input of one line, into which a text of several lines can be pasted. Must not know what it is for."""

from explorer.core.query import escaped
from explorer.ui.widgets.text_field import TextField


class Line(TextField):
    """A paste is written in the notation of Query: its line breaks as \\\\n, and nothing in it drives the terminal."""

    def taken(self, pasted: str) -> str:
        return escaped(pasted)
