"""The Branches pane: the tree as runs of text, a run a row, with how long each is and how likely the path to its end.

Owns the selected row, which goes along with the cursor. Posts `Chosen` for a run to whose end a person wants to go.
Must not know the session.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import var

from explorer.core.token import UNSETTLED, visible
from explorer.core.walk.branches import Branches, Spot
from explorer.core.walk.runs import Run, Total
from explorer.ui.drawing.cells import drawable, fit, fit_ends, width
from explorer.ui.drawing.guides import INDENT, first_level, guides
from explorer.ui.drawing.numbers import UNKNOWN, count
from explorer.ui.widgets.pane import Pane, Part

HEAD = 1
"""Lines above the rows."""

TOKEN_CELLS, SUM_CELLS, MEAN_CELLS = 7, 9, 7
MEAN_FROM, TOKENS_FROM = 60, 40
"""Cells from which on there is room for a column."""

MARK_CELLS = 2

SELECTED, HERE, THROUGH, OPEN, FOLDED, NAMED = "›", "●", "○", "▾", "▸", "★"

HINTS = ("Enter go · ←→ fold · D name · Del delete · Esc", "Enter · ←→ · D name · Del · Esc", "Enter · Esc")
"""What the keys do here, in as many words as there is room for."""


class TreePane(Pane, can_focus=True):
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "tree--head",
        "tree--quiet",
        "tree--text",
        "tree--path",
        "tree--here",
        "tree--name",
        "tree--foreign",
        "tree--selected",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "select(-1)", "Previous branch", show=False),
        Binding("down,j", "select(1)", "Next branch", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "select_end(0)", "First branch", show=False),
        Binding("end", "select_end(1)", "Last branch", show=False),
        Binding("left,h", "out", "Fold, or the branch above", show=False),
        Binding("right,l", "into", "Unfold, or the branch below", show=False),
        Binding("enter", "choose", "Go to its end", show=False),
        Binding("escape", "leave", "Leave", show=False),
    ]
    BORDER_TITLE = "Branches"

    row: var[int] = var(0, init=False)

    class Chosen(Message):
        """A person wants to go to the end of a run."""

        def __init__(self, run: Run) -> None:
            super().__init__()
            self.run = run

    class Left(Message):
        """The keys are not wanted any more."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self._branches: Branches | None = None
        self._cursor: Spot | None = None
        self._shown: tuple[int, Run | None] | None = None
        """The version of the branches, and the run of the cursor."""
        self._selected: Spot | None = None
        """The end of the selected run: its row changes as others come and go."""
        self._level = 0
        """Levels from the prompt on that are left out, so that those around the selected run are shown."""

    @property
    def selected(self) -> Run | None:
        """The selected run."""
        rows = self._rows
        return rows[min(self.row, len(rows) - 1)] if rows else None

    @property
    def _rows(self) -> Sequence[Run]:
        return self._branches.rows if self._branches is not None else ()

    def follow(self, branches: Branches) -> None:
        """Show the branches as they stand now."""
        moved = branches.spot != self._cursor
        shown, self._shown = self._shown, (branches.version, branches.current)
        self._branches, self._cursor = branches, branches.spot
        if not moved and shown == self._shown:
            return
        row = branches.row(branches.spot if moved or self._selected is None else self._selected)
        self.row = min(self.row if row is None else row, max(len(branches.rows) - 1, 0))
        if shown == self._shown:
            self.refresh_line(self.row + HEAD)
        else:
            self._measure()

    def watch_row(self, before: int, row: int) -> None:
        self._attend()
        self._reveal()  # Draws everything anew, where it has to scroll.
        self.refresh_line(before + HEAD)
        self.refresh_line(row + HEAD)

    def on_focus(self) -> None:
        self._retitle()

    def on_blur(self) -> None:
        self._retitle()

    def on_resize(self) -> None:
        self._level = 0  # There may be room for more of them.
        self._measure()

    def _retitle(self) -> None:
        """What the keys do here."""
        room = self.size.width - 2
        said = next((hint for hint in HINTS if width(hint) <= room), "") if self.has_focus else "B gives it the keys"
        self.border_subtitle = fit(said, max(room, 1)).rstrip()

    def _attend(self) -> None:
        """Keep the selected run, and the levels around it in view."""
        run = self.selected
        if run is None or self._branches is None:
            return
        self._selected = Spot(run.root, run.end)
        before, depth = self._level, len(self._branches.lineage(run)) - 1
        self._level = first_level(before, depth, self._levels)
        if self._level != before:
            self.refresh()

    def _measure(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, HEAD + len(self._rows))
        self._attend()
        self._retitle()
        self._reveal()
        self.refresh()

    def _reveal(self) -> None:
        first = self.row + HEAD if self.row else 0
        lines = Region(0, first, 1, self.row + HEAD - first + 1)
        self.scroll_to_region(lines, animate=False, immediate=True, force=True, x_axis=False)

    # Drawing.

    def line_style(self, number: int) -> str:
        return "tree--selected" if number == self.row + HEAD and self._rows else ""

    def line(self, number: int) -> Iterable[Part]:
        if self._branches is None or number > len(self._rows):
            return ()
        return self._line(self._branches, self._rows[number - HEAD]) if number else self._head()

    def _head(self) -> Iterator[Part]:
        yield fit("   branch", self._room), "tree--head"
        yield fit("tokens", TOKEN_CELLS, "right") if self._cells >= TOKENS_FROM else "", "tree--head"
        yield fit("Σ to end", SUM_CELLS + 1, "right"), "tree--head"
        yield fit("mean", MEAN_CELLS, "right") if self._cells >= MEAN_FROM else "", "tree--head"

    @property
    def _cells(self) -> int:
        return self.scrollable_content_region.width

    @property
    def _room(self) -> int:
        """Cells that the columns leave for marks, guides and text."""
        columns = SUM_CELLS + 1 + TOKEN_CELLS * (self._cells >= TOKENS_FROM) + MEAN_CELLS * (self._cells >= MEAN_FROM)
        return max(self._cells - columns, 4)

    def _line(self, branches: Branches, run: Run) -> Iterator[Part]:
        style = self._style(branches, run)
        quiet = "tree--foreign" if style == "tree--foreign" else "tree--quiet"
        lines = self._guides(branches, run)
        mark = HERE if run is branches.current else THROUGH if run in branches.path else " "
        fold = "" if not run.below else FOLDED if run.folded else OPEN
        hidden = f" +{count(branches.branches_below(run))}" if run.below and run.folded else ""
        room = max(self._room - MARK_CELLS - len(lines) - 2 - len(hidden), 1)
        begins, ends = (_one_line(text) for text in branches.text(run, room))
        names = drawable("".join(f" {NAMED} {visible(name, UNSETTLED)}" for name in branches.names(run)))
        name_cells = min(width(names), max(room * 2 // 3, room - width(begins + ends)))
        text_cells = room - name_cells
        yield (SELECTED if run is self.selected else " ") + mark, "tree--here"
        yield lines, quiet
        yield fit(fold, 2), quiet
        yield fit_ends(begins, ends, text_cells), style
        yield fit(names, name_cells), "tree--name"
        yield hidden, quiet
        yield from self._numbers(branches, run, style)

    def _style(self, branches: Branches, run: Run) -> str:
        if not branches.is_reachable(run):
            return "tree--foreign"
        return "tree--here" if run is branches.current else "tree--path" if run in branches.path else "tree--text"

    @property
    def _levels(self) -> int:
        """How many levels there is room for: a third of it, so that text is seen."""
        return max(self._room // 3 // INDENT, 1)

    def _guides(self, branches: Branches, run: Run) -> str:
        return guides(branches.lineage(run), self._level, self._levels)

    def _numbers(self, branches: Branches, run: Run, style: str) -> Iterator[Part]:
        total = branches.total(run)
        quiet = "tree--foreign" if style == "tree--foreign" else "tree--quiet"
        if self._cells >= TOKENS_FROM:
            yield fit(count(branches.length(run)), TOKEN_CELLS, "right"), quiet
        yield fit(_sum(total), SUM_CELLS + 1, "right"), quiet if style == "tree--text" else style
        if self._cells >= MEAN_FROM:
            mean = "" if total.mean is None else f"{total.mean:.2f}"
            yield fit(mean, MEAN_CELLS, "right"), quiet

    # The keys and the mouse.

    def action_select(self, rows: int) -> None:
        self.row = min(max(self.row + rows, 0), max(len(self._rows) - 1, 0))

    def action_page(self, pages: int) -> None:
        self.action_select(pages * max(self.scrollable_content_region.height - 1, 1))

    def action_select_end(self, last: int) -> None:
        self.row = last and max(len(self._rows) - 1, 0)

    def action_out(self) -> None:
        run = self.selected
        if run is not None and run.below and not run.folded:
            self._fold(run, True)
        elif run is not None and run.above is not None:
            self._select(run.above)

    def action_into(self) -> None:
        run = self.selected
        if run is not None and run.folded:
            self._fold(run, False)
        elif run is not None and run.below:
            self._select(run.below[0])

    def _select(self, run: Run) -> None:
        assert self._branches is not None
        self.row = self._branches.row(Spot(run.root, run.end)) or 0

    def _fold(self, run: Run, folded: bool) -> None:
        assert self._branches is not None
        self._branches.fold(run, folded)
        self.follow(self._branches)

    def action_choose(self) -> None:
        if self.selected is not None:
            self.post_message(self.Chosen(self.selected))

    def action_leave(self) -> None:
        self.post_message(self.Left())

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset(self)
        row = -1 if at is None else at.y + self.scroll_offset.y - HEAD
        if at is None or self._branches is None or not 0 <= row < len(self._rows):
            return
        run = self._rows[row]
        again, self.row = row == self.row, row
        if run.below and at.x == MARK_CELLS + len(self._guides(self._branches, run)):
            self._fold(run, not run.folded)
        elif again and event.chain > 1:
            self.action_choose()


def _one_line(text: str) -> str:
    return visible(text.replace("\n", "↵"), UNSETTLED)


def _sum(total: Total) -> str:
    """The logprob of a path in nats; with a sign that it is at most this, where one of its tokens is unknown."""
    if not total.known:
        return UNKNOWN if total.unknown else ""
    return f"{'≤' if total.unknown else ''}{total.logprob:.2f}"
