"""The Next token pane: the most likely tokens by rank, what the samplers make of them, and the mass that is not shown.

Owns the selected row and keeps the last table on the screen until its successor is there, so that nothing jumps.
Posts `Chosen` when a row is clicked twice. Must not know the engine.
"""

from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import var
from textual.strip import Strip

from explorer.core.distribution import Candidate, Distribution
from explorer.core.sampling.explanation import cumulative, explain
from explorer.core.sampling.knobs import CUT_NAMES
from explorer.core.token import Token
from explorer.core.walk.snapshot import Snapshot
from explorer.ui.drawing.cells import fit
from explorer.ui.drawing.numbers import bar, count, percent
from explorer.ui.widgets.pane import Pane, Part
from explorer.ui.widgets.text import Wrapped
from explorer.ui.widgets.tokens import View, token_label

STALE_AFTER = 0.2
"""Seconds that the table of another node may stay while its successor is computed."""

FIXED_CELLS = 2 + 5 + 2 + 8 + 9
"""Of a row: marks, rank, a gap, and two probabilities; the token and the bar share the rest."""

ID_CELLS = 6
"""Of the id at the least; it gives way in a narrow terminal."""

MASS_CELLS = 8
"""Of the mass down to a row, where it is shown."""

HEAD = 1
"""Lines above the rows."""


FIRST = "Nothing comes before the first token: the model did not choose it, and no other one can be picked."

Where = tuple[int, int, int | None]
"""What a table is of: root, node, and the token under the token cursor."""


def _where(snapshot: Snapshot) -> Where:
    return (snapshot.root, snapshot.node, snapshot.focus)


class CandidatesPane(Pane):
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "candidates--head",
        "candidates--quiet",
        "candidates--token",
        "candidates--special",
        "candidates--fragment",
        "candidates--visited",
        "candidates--cut",
        "candidates--bar",
        "candidates--selected",
        "candidates--why",
        "candidates--message",
        "candidates--error",
    }

    top: var[int] = var(20, init=False)
    """Rows to list; those of tokens that were tried are listed all the same."""
    row: var[int] = var(0, init=False)
    view: var[View] = var("text", init=False)
    cumulative: var[bool] = var(False, init=False)
    """Whether the model's mass down to each row is shown."""
    message: var[str] = var("", init=False)
    """Stands in the pane while there is no table; a line break separates the sentence from what to do."""
    failed: var[bool] = var(False, init=False)

    class Chosen(Message):
        """A person wants this token."""

        def __init__(self, candidate: Candidate) -> None:
            self.candidate = candidate
            super().__init__()

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.rows: tuple[Candidate, ...] = ()
        """The listed candidates."""
        self._table: Distribution | None = None
        self._masses: dict[int, float] = {}
        self._node: Where | None = None

    def on_mount(self) -> None:
        self._retitle()

    @property
    def selected(self) -> Candidate | None:
        """The candidate of the selected row; None while its table is not there."""
        if self.snapshot.distribution is None or not self.rows:
            return None
        return self.rows[min(self.row, len(self.rows) - 1)]

    def watch_snapshot(self, before: Snapshot, snapshot: Snapshot) -> None:
        node = _where(snapshot)
        if snapshot.distribution is before.distribution and snapshot.children == before.children and node == self._node:
            return
        if snapshot.distribution is None:
            if snapshot.focus == 0:
                self.say(FIRST)
            elif node != self._node:
                self.set_timer(STALE_AFTER, self._drop_stale)
            return
        arrived = node != self._node or self._table is None
        selected = self.rows[self.row].token.id if not arrived and self.row < len(self.rows) else None
        self._list(snapshot.distribution, node)
        self.message, self.failed = "", False
        if arrived:
            self.row = self._preselected(snapshot)
        else:
            # A setting may move tokens: the selection stays with its own.
            found = (row for row, c in enumerate(self.rows) if c.token.id == selected)
            self.row = next(found, self.row)
        self.row = min(self.row, max(len(self.rows) - 1, 0))
        self._show()

    def _list(self, table: Distribution | None, node: Where | None) -> None:
        self._table, self._node = table, node
        self._masses = cumulative(table) if table else {}
        always = {*self.snapshot.children, *self.snapshot.params.token_ids}
        listed = table.candidates if table else ()
        self.rows = tuple(c for c in listed if c.place <= self.top or c.token.id in always)

    def _preselected(self, snapshot: Snapshot) -> int:
        """The row of the child that was visited last, else the first."""
        found = (row for row, c in enumerate(self.rows) if c.token.id == snapshot.last_child)
        return next(found, 0)

    def _drop_stale(self) -> None:
        if self.snapshot.distribution is None and _where(self.snapshot) != self._node:
            self._list(None, None)
            self.message = self.message or "computing …"
            self._show()

    def say(self, sentence: str, failed: bool = False) -> None:
        """Show a sentence in place of the table."""
        self._list(None, None)
        self.message, self.failed = sentence, failed
        self._show()

    def fail(self, sentence: str) -> None:
        """Show an error in place of the table."""
        self.say(sentence, failed=True)

    def watch_message(self) -> None:
        self.refresh()

    def watch_cumulative(self) -> None:
        self.refresh()

    def watch_view(self) -> None:
        self.refresh()

    def watch_top(self) -> None:
        self._list(self._table, self._node)
        self._show()

    def on_resize(self) -> None:
        self._show()

    def watch_row(self) -> None:
        self._show()

    def move(self, rows: int) -> None:
        """Select another row."""
        if self.rows:
            self.row = min(max(self.row + rows, 0), len(self.rows) - 1)

    def _show(self) -> None:
        lines = HEAD + len(self.rows) + 1 + len(self._why()) if self.rows else 0
        self.virtual_size = Size(self.scrollable_content_region.width, lines)
        self._retitle()
        self._reveal()
        self.refresh()

    def _reveal(self) -> None:
        """Scroll so that the selected row is seen, and the head line with the first one."""
        line = self.row + HEAD
        first = 0 if self.row == 0 else line
        last = (line + 1 if self.row == len(self.rows) - 1 else line) + len(self._why())
        self.scroll_to_region(
            Region(0, first, 1, last - first + 1), animate=False, immediate=True, force=True, x_axis=False
        )

    def _retitle(self) -> None:
        table = self._table
        self.border_title = "Next token" if self.snapshot.focus is None else f"Token {self.snapshot.focus}"
        self.border_subtitle = ""
        if table is not None:
            if table.entropy is not None:
                before, after = _bits(table.entropy), table.sampling_entropy
                turned = "" if after is None or _bits(after) == before else f" → {_bits(after)}"
                self.border_title += f" · entropy {before}{turned} bits"
            if table.kept < table.vocab_size:
                self.border_subtitle = f"{count(table.kept)} of {count(table.vocab_size)} kept"
                if table.cut_mass is not None:
                    self.border_subtitle += f" · {percent(table.cut_mass).strip()} cut"
        if self.snapshot.focus is not None:
            self.border_subtitle = "Enter branches here · E exchanges · Esc"

    # Drawing.

    @property
    def _id_cells(self) -> int:
        """Of the id, with a gap before the longest one."""
        return max(ID_CELLS, len(str(self._table.vocab_size - 1)) + 1) if self._table else ID_CELLS

    def _why(self) -> list[str]:
        """Who cut the selected token, in lines for the foot of the pane."""
        chosen, cells = self.selected, self.scrollable_content_region.width
        if chosen is None or self._table is None or self.scrollable_content_region.height < 6:
            return []
        sentence = explain(chosen, self._table, self.snapshot.params)
        return _folded(sentence, cells - 1)[:3] if sentence else []

    def render_line(self, y: int) -> Strip:
        why = self._why()
        number = y - (self.scrollable_content_region.height - len(why))
        if number < 0:
            return super().render_line(y)
        cells = self.scrollable_content_region.width
        style = self._base + self.style_of("candidates--why")
        return Strip([Segment(" " + why[number], style)]).adjust_cell_length(cells, style)

    def line_style(self, number: int) -> str:
        return "candidates--selected" if self.rows and number == self.row + HEAD else ""

    def line(self, number: int) -> Iterable[Part]:
        if not self.rows:
            return self._message_line(number)
        cells = self.scrollable_content_region.width
        cells -= MASS_CELLS * self.cumulative
        ids = cells >= FIXED_CELLS + self._id_cells + 6
        spare = cells - FIXED_CELLS - self._id_cells * ids
        bar_cells = max((spare - 17) * 2 // 3, 0)
        token_cells = max(spare - bar_cells - (bar_cells > 0), 4)
        if number == 0:
            return self._head(token_cells, ids)
        if number <= len(self.rows):
            return self._row(self.rows[number - 1], number - 1 == self.row, token_cells, bar_cells, ids)
        if number == len(self.rows) + 1:
            return self._rest(token_cells + self._id_cells * ids)
        return ()

    def _message_line(self, number: int) -> Iterable[Part]:
        lines = _folded(self.message, self.scrollable_content_region.width - 2)
        if 1 <= number <= len(lines):
            yield " " + lines[number - 1], "candidates--error" if self.failed else "candidates--message"

    def _head(self, token_cells: int, ids: bool) -> Iterable[Part]:
        number = f"{'id':>{self._id_cells}}" if ids else ""
        heading = f"  {'rank':>5}{number}  {fit('token', token_cells)}{'model':>8}{'sum':>{MASS_CELLS}}{'sampling':>9}"
        if not self.cumulative:
            heading = heading.replace(f"{'sum':>{MASS_CELLS}}", "")
        yield heading, "candidates--head"

    def _row(self, candidate: Candidate, selected: bool, token_cells: int, bar_cells: int, ids: bool) -> Iterable[Part]:
        # Quiet colours would drown in the selected row's background where there are 16 of them.
        quiet = "candidates--token" if selected else "candidates--quiet"
        cut = ("candidates--token" if selected else "candidates--cut") if candidate.cut_by else ""
        visited = candidate.token.id in self.snapshot.children
        yield "▸" if selected else " ", "candidates--bar"
        line = candidate.place == self._top_p_place
        yield "•" if visited else "└" if line else " ", "candidates--visited" if visited else "candidates--bar"
        number = f"{candidate.token.id:>{self._id_cells}}" if ids else ""
        moved = 0 if candidate.adjusted_rank is None else candidate.rank - candidate.place
        yield f"{candidate.rank:>5}{number}", cut or quiet
        yield "▲" if moved > 0 else "▼" if moved else " ", cut or "candidates--bar"
        yield " ", ""
        text = fit(token_label(candidate.token, self.view), token_cells)
        yield text, cut or ("candidates--visited" if visited else self._kind(candidate.token))
        yield percent(candidate.prob), cut or "candidates--token"
        if self.cumulative:
            yield percent(self._masses.get(candidate.place)), cut or "candidates--quiet"
        if candidate.cut_by:
            yield f"{CUT_NAMES.get(candidate.cut_by, candidate.cut_by):>9}", cut
        else:
            yield f"{percent(candidate.sampling_prob):>9}", "candidates--token"
        if bar_cells:
            share = (candidate.prob or 0.0) if candidate.cut_by else candidate.sampling_prob
            yield " " + bar(share, bar_cells), cut or "candidates--bar"

    @staticmethod
    def _kind(token: Token) -> str:
        kinds = {"special": "candidates--special", "bytes": "candidates--fragment", "unused": "candidates--quiet"}
        return kinds.get(token.kind, "candidates--token")

    @property
    def _top_p_place(self) -> int | None:
        """The place of the last row above the line of top-p; None where the line is not among the rows."""
        first = next((row for row, c in enumerate(self.rows) if c.cut_by == "top_p"), 0)
        return self.rows[first - 1].place if first else None

    def _rest(self, token_cells: int) -> Iterable[Part]:
        table = self._table
        assert table is not None
        others = table.vocab_size - len(self.rows)
        if not others:
            return
        left = max(0.0, 1.0 - sum(candidate.sampling_prob for candidate in self.rows))
        kept = table.kept > sum(candidate.cut_by is None for candidate in self.rows)
        sampling = percent(left) if kept else ""
        yield fit(f"       … {count(others)} other tokens", 9 + token_cells), "candidates--quiet"
        mass = " " * (MASS_CELLS * self.cumulative)
        yield f"{percent(table.other_prob)}{mass}{sampling:>9}", "candidates--quiet"

    # The mouse.

    def on_click(self, event: events.Click) -> None:
        row = event.get_content_offset_capture(self).y + self.scroll_offset.y - HEAD
        if not 0 <= row < len(self.rows):
            return
        if row == self.row and self.selected is not None and event.chain > 1:
            self.post_message(self.Chosen(self.selected))
        self.row = row


def _bits(entropy: float) -> str:
    """Without a sign, which rounding may leave on nothing."""
    return f"{max(entropy, 0.0):.2f}"


def _folded(text: str, cells: int) -> list[str]:
    """The sentence in lines of words; a word that is longer than a line is broken."""
    wrapped = Wrapped(max(cells, 8))
    for number, paragraph in enumerate(text.split("\n")):
        if number:
            wrapped.lines.append([])
            wrapped.used = 0
        wrapped.append(paragraph, 0)
    return ["".join(cluster for cluster, _, _ in line) for line in wrapped.lines]
