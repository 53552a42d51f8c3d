"""The Branches pane: the tree as runs of text, a run a row, with how long each is and how likely the path to its end.

Owns the selected row, which goes along with the cursor. Posts `Chosen` for a run to whose end a person wants to go.
Must not know the session.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from explorer.core.token import UNSETTLED, visible
from explorer.core.walk.branches import Branches, Spot
from explorer.core.walk.runs import Run
from explorer.ui.drawing.cells import drawable, fit, fit_ends, width
from explorer.ui.drawing.guides import INDENT, first_level, guides
from explorer.ui.drawing.numbers import count
from explorer.ui.drawing.styles import Part, Style
from explorer.ui.tables.branches import BRANCHES, RunLine
from explorer.ui.tables.column import Placed, head_parts, placed, row_parts
from explorer.ui.widgets.list import ListPane
from explorer.ui.widgets.pane import component_classes
from explorer.wording import Wording

MARK_CELLS = 2

SELECTED, HERE, THROUGH, OPEN, FOLDED, NAMED = "›", "●", "○", "▾", "▸", "★"

HINTS = ("long", "short", "shortest")
"""What the keys do here: the first that there is room for is said."""


class TreePane(ListPane, can_focus=True):
    COMPONENT_CLASSES = component_classes(
        *("head", "text", "quiet", "bar", "prompt", "generated", "current", "visited", "cut")
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "end(False)", show=False),
        Binding("end", "end(True)", show=False),
        Binding("left,h", "out", show=False),
        Binding("right,l", "into", show=False),
        Binding("enter", "choose", show=False),
        Binding("escape", "leave", show=False),
    ]

    class Chosen(ListPane.Chosen):
        """A person wants to go to the end of a run."""

        def __init__(self, run: Run) -> None:
            super().__init__()
            self.run = run

    class Left(Message):
        """The keys are not wanted any more."""

    def __init__(self, words: Wording, id: str) -> None:
        super().__init__(id)
        self._words = words
        self.border_title = words("tree.title")
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
        self.count = len(branches.rows)
        self.row = min(self.row if row is None else row, max(self.count - 1, 0))
        if shown == self._shown:
            self.refresh_line(self.row + self.HEAD)
        else:
            self.lay_out()

    def watch_row(self, before: int, row: int) -> None:
        self._attend()
        super().watch_row(before, row)

    def watch_has_focus(self, focused: bool) -> None:
        super().watch_has_focus(focused)
        self._retitle()

    def on_resize(self) -> None:
        self._level = 0  # There may be room for more of them.
        super().on_resize()

    def _retitle(self) -> None:
        """What the keys do here."""
        room = self.size.width - 2
        if self.has_focus:
            hints = (self._words(f"tree.hint.{length}") for length in HINTS)
            said = next((hint for hint in hints if width(hint) <= room), "")
        else:
            said = self._words("tree.give_keys")
        self.border_subtitle = Content(fit(said, max(room, 1)).rstrip())

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

    def lay_out(self) -> None:
        self._attend()
        self._retitle()
        super().lay_out()

    # Drawing.

    @property
    def _columns(self) -> Placed[RunLine]:
        return placed(BRANCHES, self.cells)

    @property
    def _room(self) -> int:
        """Cells that the numbers leave for marks, guides and text."""
        return self._columns[0][1]

    def head(self) -> Iterable[Part]:
        return head_parts(self._columns, self._words) if self._branches is not None else ()

    def row_parts(self, row: int) -> Iterable[Part]:
        # The branches may be others by now: those that are gone leave their lines at the next look.
        if self._branches is not None and row < len(self._rows):
            yield from self._run_parts(self._branches, self._rows[row])

    def _run_parts(self, branches: Branches, run: Run) -> Iterator[Part]:
        style = _style(branches, run)
        quiet: Style = "cut" if style == "cut" else "quiet"
        _, *numbers = self._columns
        lines = guides(branches.lineage(run), self._level, self._levels)
        mark = HERE if run is branches.current else THROUGH if run in branches.path else " "
        fold = "" if not run.below else FOLDED if run.folded else OPEN
        hidden = f" +{count(branches.branches_below(run))}" if run.below and run.folded else ""
        room = max(self._room - MARK_CELLS - len(lines) - 2 - len(hidden), 1)
        begins, ends = (_one_line(text) for text in branches.text(run, room))
        names = drawable("".join(f" {NAMED} {visible(name, UNSETTLED)}" for name in branches.names(run)))
        name_cells = min(width(names), max(room * 2 // 3, room - width(begins + ends)))
        text_cells = room - name_cells
        yield (SELECTED if run is self.selected else " ") + mark, "current"
        yield lines, quiet
        yield fit(fold, 2), quiet
        yield fit_ends(begins, ends, text_cells), style
        yield fit(names, name_cells), "visited"
        yield hidden, quiet
        line = RunLine(length=branches.length(run), total=branches.total(run), style=style)
        yield from row_parts(numbers, line)

    @property
    def _levels(self) -> int:
        """How many levels there is room for: a third of it, so that text is seen."""
        return max(self._room // 3 // INDENT, 1)

    # The keys and the mouse.

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

    def pressed(self, cell: int) -> bool:
        """The sign of a run with others below it folds it."""
        run = self.selected
        if self._branches is None or run is None or not run.below:
            return False
        if cell != MARK_CELLS + len(guides(self._branches.lineage(run), self._level, self._levels)):
            return False
        self._fold(run, not run.folded)
        return True


def _one_line(text: str) -> str:
    return visible(text.replace("\n", "↵"), UNSETTLED)


def _style(branches: Branches, run: Run) -> Style:
    """The run of the cursor, one on the way there, one of another vocabulary, or another one."""
    if not branches.is_reachable(run):
        return "cut"
    return "current" if run is branches.current else "generated" if run in branches.path else "prompt"
