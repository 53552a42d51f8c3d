"""The Tokens pane: every token of the path with its index and id, as text, as a piece of the vocabulary, or as bytes.

Owns the three views. Must not know the distribution.
"""

from collections.abc import Iterable

from textual import events
from textual.geometry import Size

from explorer.core.token import Token, label, visible
from explorer.core.walk.snapshot import PathToken, Snapshot
from explorer.ui.drawing.cells import fit
from explorer.ui.drawing.numbers import UNKNOWN, decimal, percent
from explorer.ui.drawing.styles import Part, Style, kind_style
from explorer.ui.view import TokenView, View
from explorer.ui.widgets.pane import Pane, component_classes
from explorer.ui.widgets.text import folded
from explorer.wording import Wording

NUMBERS_FROM = 46
"""Cells from which on there is room for the numbers of each token."""

SOURCE_MARKS = {"picked": "◆", "sampled": "◇", "forced": "▪"}
"""How a token came here; the prompt's have none."""


def token_label(token: Token, view: TokenView, before: bytes = b"") -> str:
    """One token on one line, in a view; a token without a known piece is shown as text.

    `before` are the first bytes of a character that it may end.
    """
    if view == "bytes" and token.kind != "unused":
        return token.bytes.hex(" ").upper() or "–"
    if view == "piece" and token.piece:
        return visible(token.piece)
    return label(token, before)


class TokensPane(Pane):
    COMPONENT_CLASSES = component_classes("quiet", "prompt", "generated", "current", "special", "fragment")

    def __init__(self, words: Wording, id: str) -> None:
        super().__init__(id)
        self._words = words

    def on_mount(self) -> None:
        self._retitle()

    def watch_view(self, before: View, view: View) -> None:
        if view.tokens != before.tokens:
            self._retitle()
            self.refresh()

    def watch_snapshot(self, before: Snapshot, snapshot: Snapshot) -> None:
        if snapshot.path is not before.path:
            self._measure()
        elif snapshot.focus != before.focus:
            self._reveal()

    def on_resize(self) -> None:
        self._measure()

    def _retitle(self) -> None:
        self.border_title = self._words(f"tokens.title.{self.view.tokens}")

    def _measure(self) -> None:
        cells = self.cells
        self.virtual_size = Size(cells, len(self.snapshot.path))
        self.border_subtitle = self._words("tokens.numbers") if cells >= NUMBERS_FROM else ""
        self._reveal()

    def _reveal(self) -> None:
        """Scroll so that the current token is seen."""
        self.reveal(self.snapshot.focus)

    def on_click(self, event: events.Click) -> None:
        index = event.get_content_offset_capture(self).y + self.scroll_offset.y
        if 0 <= index < len(self.snapshot.path):
            self.post_message(self.Pointed(index))

    def line(self, number: int) -> Iterable[Part]:
        path = self.snapshot.path
        if not path:
            yield from self._empty(number)
        if number >= len(path):
            return
        place = path[number]
        current = number == self.current
        cells = self.cells
        digits = max(4, len(str(len(path) - 1)))
        numbers = self._numbers(place) if cells >= NUMBERS_FROM else ""
        yield fit(str(number), digits, "right"), "current" if current else "quiet"
        yield fit(str(place.token.id), 8, "right") + "  ", "quiet"
        room = cells - digits - 10 - len(numbers)
        before = self.snapshot.begun_before(number) if place.token.kind == "bytes" else b""
        yield fit(token_label(place.token, self.view.tokens, before), max(room, 1)), self._style(place, current)
        yield numbers, "quiet"

    def _empty(self, number: int) -> Iterable[Part]:
        """What will stand here."""
        lines = folded(self._words("tokens.empty"), self.cells - 2)
        if 1 <= number <= len(lines):
            yield " " + lines[number - 1], "quiet"

    @staticmethod
    def _style(place: PathToken, current: bool) -> Style:
        if current:
            return "current"
        return kind_style(place.token, "generated" if place.choice else "prompt", unused="fragment")

    @staticmethod
    def _numbers(place: PathToken) -> str:
        """Probability, rank and surprisal that the token had where it stands, and how it was chosen."""
        rank = f"#{place.rank}" if place.rank is not None else UNKNOWN
        bits = UNKNOWN if place.surprisal is None else f"{decimal(place.surprisal, 1)}b"
        mark = SOURCE_MARKS[place.choice.source] if place.choice else " "
        more = max(len(rank) - 6, 0)  # A rank of six digits takes its cells from before the probability.
        return f"{percent(place.prob)[more:]}{rank:>{7 + more}}{bits:>6} {mark}"
