"""The Next token pane: the most likely tokens by rank, what the samplers make of them, and the mass that is not shown.

Owns the selected row and keeps the last table on the screen until its successor is there, so that nothing jumps.
Posts `Chosen` when a row is clicked twice. Must not know the engine.
"""

from collections.abc import Iterable

from rich.segment import Segment
from textual.content import Content
from textual.reactive import var
from textual.strip import Strip

from explorer.core.distribution import Candidate, Distribution
from explorer.core.sampling.explanation import cumulative, explain
from explorer.core.walk.snapshot import Snapshot
from explorer.ui.drawing.cells import shown
from explorer.ui.drawing.numbers import count, percent
from explorer.ui.drawing.styles import Part
from explorer.ui.tables.candidates import CandidateLine, candidates
from explorer.ui.tables.column import Placed, foot_parts, head_parts, placed, row_parts
from explorer.ui.view import View
from explorer.ui.widgets.list import ListPane
from explorer.ui.widgets.pane import component_classes
from explorer.ui.widgets.text import folded
from explorer.ui.widgets.tokens import token_label
from explorer.wording import Wording

STALE_AFTER = 0.2
"""Seconds that the table of another node may stay while its successor is computed."""

ID_CELLS = 6
"""Of the id at the least."""

WHY_LINES = 3
"""At the foot of the pane, at the most."""
WHY_FROM = 6
"""Lines of the pane from which on there is room for them."""

Where = tuple[int, int, int | None]
"""What a table is of: root, node, and the token under the token cursor."""


def _where(snapshot: Snapshot) -> Where:
    return (snapshot.root, snapshot.node, snapshot.focus)


class CandidatesPane(ListPane):
    COMPONENT_CLASSES = component_classes(
        "head", "text", "quiet", "special", "fragment", "visited", "cut", "bar", "why", "error"
    )

    FOOT = 1

    message: var[str] = var("", init=False)
    """Stands in the pane while there is no table; a line break separates the sentence from what to do."""
    failed: var[bool] = var(False, init=False)

    class Chosen(ListPane.Chosen):
        """A person wants this token."""

        def __init__(self, candidate: Candidate) -> None:
            self.candidate = candidate
            super().__init__()

    def __init__(self, words: Wording, id: str) -> None:
        super().__init__(id)
        self._words = words
        self.rows: tuple[Candidate, ...] = ()
        """The listed candidates."""
        self._table: Distribution | None = None
        self._masses: dict[int, float] = {}
        self._above_top_p: int | None = None
        """The place of the last row above the line of top-p; None where the line is not among the rows."""
        self._node: Where | None = None
        self._begun = b""
        """The first bytes of a character that the listed tokens may end."""

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
                self.say(self._words("candidates.first"))
            elif node != self._node:
                self.set_timer(STALE_AFTER, self._drop_stale)
            return
        arrived = node != self._node or self._table is None
        selected = self.rows[self.row].token.id if not arrived and self.row < len(self.rows) else None
        self._list(snapshot.distribution, node)
        self.message, self.failed = "", False
        # On arrival the child that was visited last; then a setting may move tokens: the selection stays with its own.
        wanted = snapshot.last_child if arrived else selected
        found = (row for row, c in enumerate(self.rows) if c.token.id == wanted)
        self.row = next(found, 0 if arrived else self.row)
        self._show()

    def _list(self, table: Distribution | None, node: Where | None) -> None:
        self._table, self._node = table, node
        self._masses = cumulative(table) if table else {}
        self._begun = self.snapshot.begun_before(self.snapshot.focus)
        always = {*self.snapshot.children, *self.snapshot.params.token_ids}
        listed = table.candidates if table else ()
        self.rows = tuple(c for c in listed if c.place <= self.view.rows or c.token.id in always)
        self.count = len(self.rows)
        first = next((row for row, c in enumerate(self.rows) if c.cut_by == "top_p"), 0)
        self._above_top_p = self.rows[first - 1].place if first else None

    def _drop_stale(self) -> None:
        if self.snapshot.distribution is None and _where(self.snapshot) != self._node:
            self._list(None, None)
            self.message = self.message or self._words("candidates.computing")
            self._show()

    def say(self, sentence: str, failed: bool = False) -> None:
        """Show a sentence in place of the table."""
        self._list(None, None)
        self.message, self.failed = shown(sentence), failed
        self._show()

    def fail(self, sentence: str) -> None:
        """Show an error in place of the table."""
        self.say(sentence, failed=True)

    def action_choose(self) -> None:
        if self.selected is not None:
            self.post_message(self.Chosen(self.selected))

    def watch_message(self) -> None:
        self.refresh()

    def watch_view(self, before: View, view: View) -> None:
        if view.rows != before.rows:
            self._list(self._table, self._node)
            self._show()
        elif (view.tokens, view.cumulative) != (before.tokens, before.cumulative):
            self.refresh()

    def watch_row(self, before: int, row: int) -> None:
        self.lay_out()  # Why a row is cut is told at the foot, in more lines or fewer.
        super().watch_row(before, row)

    def _show(self) -> None:
        if self.rows:  # While a sentence stands here, the selection waits for the next table.
            self.row = min(self.row, len(self.rows) - 1)
        self._retitle()
        self.lay_out()

    def _retitle(self) -> None:
        words, table, focus = self._words, self._table, self.snapshot.focus
        title = words("candidates.title") if focus is None else words("candidates.title_there", index=focus)
        kept = ""
        if table is not None:
            if table.entropy is not None:
                before, after = _bits(table.entropy), table.sampling_entropy
                turned = "" if after is None or _bits(after) == before else f" → {_bits(after)}"
                title = words("candidates.entropy", title=title, bits=f"{before}{turned}")
            if table.kept < table.vocab_size:
                kept = words("candidates.kept", kept=count(table.kept), all=count(table.vocab_size))
                if table.cut_mass is not None:
                    kept = words("candidates.cut", kept=kept, mass=percent(table.cut_mass).strip())
        self.border_title = title
        self.border_subtitle = Content(kept if focus is None else words("candidates.there"))

    # Drawing.

    @property
    def _columns(self) -> Placed[CandidateLine]:
        # With a gap before the longest id.
        ids = max(ID_CELLS, len(str(self._table.vocab_size - 1)) + 1) if self._table else ID_CELLS
        return placed(candidates(ids, self.view.cumulative), self.cells)

    def head(self) -> Iterable[Part]:
        return head_parts(self._columns, self._words) if self.rows else ()

    def row_parts(self, row: int) -> Iterable[Part]:
        candidate = self.rows[row]
        line = CandidateLine(
            candidate=candidate,
            label=token_label(candidate.token, self.view.tokens, self._begun),
            selected=row == self.row,
            tried=candidate.token.id in self.snapshot.children,
            ends_top_p=candidate.place == self._above_top_p,
            mass=self._masses.get(candidate.place),
        )
        return row_parts(self._columns, line)

    def foot(self) -> Iterable[Part]:
        """The tokens that have no row: how many, and the mass of all of them."""
        table = self._table
        others = table.vocab_size - len(self.rows) if table else 0
        if table is None or not others:
            return ()
        left = max(0.0, 1.0 - sum(candidate.sampling_prob for candidate in self.rows))
        kept = table.kept > sum(candidate.cut_by is None for candidate in self.rows)
        told = {"prob": percent(table.prob_beside(self.rows)), "sampling_prob": percent(left) if kept else ""}
        return foot_parts(self._columns, f"       {self._words('candidates.others', n=others)}", told)

    def _why(self) -> list[str]:
        """Who cut the selected token, in lines for the foot of the pane."""
        chosen = self.selected
        if chosen is None or self._table is None or self.scrollable_content_region.height < WHY_FROM:
            return []
        sentence = explain(chosen, self._table, self.snapshot.params)
        return folded(sentence, self.cells - 1)[:WHY_LINES] if sentence else []

    def lines_below(self) -> int:
        return len(self._why())

    def render_line(self, y: int) -> Strip:
        why = self._why()
        number = y - (self.scrollable_content_region.height - len(why))
        if not 0 <= number < len(why):
            return super().render_line(y)
        style = self._base + self.style_of("why")
        return Strip([Segment(" " + why[number], style)]).adjust_cell_length(self.cells, style)

    def line(self, number: int) -> Iterable[Part]:
        return super().line(number) if self.rows else self._message_line(number)

    def _message_line(self, number: int) -> Iterable[Part]:
        lines = folded(self.message, self.cells - 2)
        if 1 <= number <= len(lines):
            yield " " + lines[number - 1], "error" if self.failed else "quiet"


def _bits(entropy: float) -> str:
    """Without a sign, which rounding may leave on nothing."""
    return f"{max(entropy, 0.0):.2f}"
