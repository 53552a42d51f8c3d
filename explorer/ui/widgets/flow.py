"""FlowPane: words in a row, wrapped, each in the style of its token: the text of a rendered chat, or its ids.

Owns how tokens that are no path yet are shown. Must not know templates or the session.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from textual.geometry import Size
from textual.reactive import var

from explorer.core.token import Token, shown_bytes, take_text
from explorer.ui.drawing.styles import Part, text_style
from explorer.ui.widgets.pane import Pane, component_classes
from explorer.ui.widgets.text import Wrapped

SHOWN = 4000
"""Tokens that are laid out, the last ones: more would hold up whoever is typing."""


def text_parts(tokens: Sequence[Token]) -> Iterator[Part]:
    """What each token completes; an unfinished character comes with its last token."""
    pending = b""
    for token in tokens:
        text, pending = take_text(pending + token.bytes)
        yield text, text_style(token, text, "prompt")
    yield shown_bytes(pending), "fragment"


def id_parts(tokens: Sequence[Token]) -> Iterator[Part]:
    """The id of each token."""
    for token in tokens:
        yield f"{token.id} ", "special" if token.kind == "special" else "quiet"


class FlowPane(Pane):
    """Shows the last parts, where there is no room for all."""

    COMPONENT_CLASSES = component_classes("text", "quiet", "prompt", "special", "fragment")

    parts: var[tuple[Part, ...]] = var((), init=False)

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self._wrapped = Wrapped(2)

    def watch_parts(self) -> None:
        self._lay_out()

    def on_resize(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        self._wrapped = Wrapped(self.cells)
        for index, (text, _) in enumerate(self.parts):
            self._wrapped.append(text, index)
        self.virtual_size = Size(self.cells, len(self._wrapped.lines))
        self.scroll_end(animate=False, immediate=True, force=True, x_axis=False)
        self.refresh()

    def line(self, number: int) -> Iterable[Part]:
        lines = self._wrapped.lines
        cells = lines[number] if number < len(lines) else []
        for index, group in groupby(cells, key=lambda cell: cell[2]):
            yield "".join(cell[0] for cell in group), self.parts[index][1]
