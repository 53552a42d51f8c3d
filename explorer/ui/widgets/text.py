"""The Text pane: the prompt and what was added, as text, with the current token marked.

Owns the wrapping: appended tokens are laid out alone, so that a step costs the same at any length. Must not know ids.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby

from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.reactive import var

from explorer.core.heat import heat
from explorer.core.token import UNSETTLED, visible
from explorer.core.walk.snapshot import PathToken, Snapshot
from explorer.ui.drawing.cells import clusters, drawable
from explorer.ui.drawing.heat import legend
from explorer.ui.drawing.styles import HEATS, Part, Style, text_style
from explorer.ui.view import View
from explorer.ui.widgets.pane import Pane, component_classes
from explorer.wording import Wording

Cell = tuple[str, int, int]
"""A character with its marks, its width, and the index of its token."""

PENDING = -1
"""Stands for the index of an unfinished character."""


class Wrapped:
    """Text in lines of at most `width` cells, broken at spaces where there are any."""

    def __init__(self, width: int) -> None:
        self.width = max(width, 2)
        self.lines: list[list[Cell]] = [[]]
        self.used = 0

    def append(self, text: str, index: int) -> None:
        """Lay out one token's text; a line break is drawn as ↵ and then made."""
        for number, part in enumerate(text.split("\n")):
            if number:
                self._place("↵", 1, index)
                self.lines.append([])
                self.used = 0
            for cluster, size in clusters(drawable(visible(part, UNSETTLED))):
                self._place(cluster, size, index)

    def _place(self, cluster: str, size: int, index: int) -> None:
        if self.used + size > self.width:
            self._break()
        self.lines[-1].append((cluster, size, index))
        self.used += size

    def _break(self) -> None:
        """Begin a line, with the word that does not fit any more."""
        line = self.lines[-1]
        start = next((at + 1 for at in reversed(range(len(line))) if line[at][0] == " "), 0)
        word = line[start:] if start else []
        if sum(size for _, size, _ in word) > self.width // 2:
            word = []
        del line[len(line) - len(word) :]
        self.lines.append(word)
        self.used = sum(size for _, size, _ in word)


def folded(text: str, cells: int) -> list[str]:
    """The sentence in lines of words; a word that is longer than a line is broken."""
    wrapped = Wrapped(max(cells, 8))
    for number, paragraph in enumerate(text.split("\n")):
        if number:
            wrapped.lines.append([])
            wrapped.used = 0
        wrapped.append(paragraph, 0)
    return ["".join(cluster for cluster, _, _ in line) for line in wrapped.lines]


class TextPane(Pane):
    """Shows `draft` until there is a path."""

    COMPONENT_CLASSES = component_classes("prompt", "generated", "current", "special", "fragment", *HEATS)

    draft: var[str] = var("", init=False)

    def __init__(self, words: Wording, id: str) -> None:
        super().__init__(id)
        self._words = words
        self.border_title = words("text.title")
        self._wrapped = Wrapped(2)
        self._shown: tuple[PathToken, ...] = ()

    def watch_view(self, before: View, view: View) -> None:
        if view.heat != before.heat:
            self.border_subtitle = legend(view.heat) if view.heat else ""
            self.refresh()

    def watch_draft(self) -> None:
        self._lay_out()

    def watch_snapshot(self, before: Snapshot, snapshot: Snapshot) -> None:
        if snapshot.bookmark != before.bookmark:
            name, words = snapshot.bookmark, self._words
            self.border_title = Content(words("text.named", name=visible(name)) if name else words("text.title"))
        if snapshot.path is not before.path:
            self._lay_out(self._follows(snapshot))
        elif snapshot.focus != before.focus:
            self._reveal()

    def on_resize(self) -> None:
        self._lay_out()

    def _follows(self, snapshot: Snapshot) -> bool:
        """Whether the path is the one that is laid out and more, so that the lines can be kept."""
        shown, path = self._shown, snapshot.path
        whole = not self.snapshot.pending and self._wrapped.width == max(self.cells, 2)
        return whole and 0 < len(shown) <= len(path) and path[len(shown) - 1] is shown[-1] and path[0] is shown[0]

    def _lay_out(self, keep: bool = False) -> None:
        path = self.snapshot.path
        if not keep:
            self._wrapped = Wrapped(self.cells)
            self._shown = ()
        for index in range(len(self._shown), len(path)):
            self._wrapped.append(path[index].text, index)
        self._shown = path
        if self.snapshot.pending:
            self._wrapped.append(self.snapshot.pending, PENDING)
            self._shown = ()
        if not path:
            self._wrapped.append(self.draft, 0)
        self.virtual_size = Size(self.cells, len(self._wrapped.lines))
        self._reveal()

    def _reveal(self) -> None:
        """Scroll so that the current token is seen."""
        self.reveal(None if self.snapshot.focus is None else self._line_of(self.current))

    def _line_of(self, index: int) -> int:
        """The line on which a token begins; of one without a text, where its text would be."""
        firsts = [line[0][2] if line else PENDING for line in self._wrapped.lines]
        return max((number for number, first in enumerate(firsts) if PENDING < first <= index), default=0)

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset_capture(self) + self.scroll_offset
        cells = self._wrapped.lines[at.y] if 0 <= at.y < len(self._wrapped.lines) else []
        index, used = None, 0
        for _, size, token in cells:
            index, used = token, used + size
            if used > at.x:
                break
        if index is not None and self.snapshot.path:
            self.post_message(self.Pointed(len(self.snapshot.path) if index == PENDING or used <= at.x else index))

    def line(self, number: int) -> Iterable[Part]:
        lines = self._wrapped.lines
        return self._parts(lines[number]) if number < len(lines) else ()

    def _parts(self, line: list[Cell]) -> Iterator[Part]:
        for index, cells in groupby(line, key=lambda cell: cell[2]):
            yield "".join(cell[0] for cell in cells), self._style(index)

    def _style(self, index: int) -> Style:
        path = self.snapshot.path
        if not path:
            return "prompt"
        if index == self.current or (index == PENDING and self.snapshot.focus is None):
            return "current"
        if index == PENDING:
            return "fragment"
        place = path[index]
        if self.view.heat:
            step = heat(self.view.heat, place)
            return "prompt" if step is None else HEATS[step]
        plain: Style = "prompt" if index < self.snapshot.prompt_length else "generated"
        return text_style(place.token, place.text, plain)
