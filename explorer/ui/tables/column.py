"""Column: what one column of a table tells of a row, how wide it is, and when it gives way to the others.

Owns how the cells of a line are shared out. One column of a table has no width of its own: it takes what the others
leave. Pure functions. Must not know what the rows are, nor widgets.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, Literal, TypeVar

import msgspec

from explorer.ui.drawing.cells import fit
from explorer.ui.drawing.styles import Part, Style
from explorer.wording import Wording

Row = TypeVar("Row", contravariant=True)


class Column(msgspec.Struct, Generic[Row], frozen=True):
    """One column; a new one is one more of these in a table's tuple."""

    id: str
    """Its title is `columns.ID` of the wording."""
    cells: int | Callable[[int], int] | None
    """How wide it is, or how wide of the cells that are left; None for the one that takes what the others leave."""
    text: Callable[[Row], str]
    style: Callable[[Row], Style]
    head: str = "{}"
    """What the head line says, with the title in place of {}; empty for a column that needs no title."""
    align: Literal["left", "right"] = "right"
    """Text on the left is cut where it is too long; a number on the right never is."""
    gives_way: int = 0
    """Where there is no room for all, 1 goes first, then 2; those with 0 stay."""
    beside: int = 0
    """Cells that are left to the column without a width, or this one gives way."""
    least: int = 4
    """Cells of the column without a width, where the others leave fewer."""
    picture: Callable[[Row, int], str] | None = None
    """In place of `text`, where it is drawn to a number of cells."""

    def part(self, row: Row, cells: int) -> Part:
        """What the column tells of a row, in so many cells."""
        text = self.picture(row, cells) if self.picture is not None else self.text(row)
        return self._fitted(text, cells), self.style(row)

    def title(self, words: Wording, cells: int) -> str:
        """What the head line says, in so many cells."""
        return self._fitted(self.head.format(words(f"columns.{self.id}")) if self.head else "", cells)

    def _fitted(self, text: str, cells: int) -> str:
        # What no number holds comes from elsewhere, and is cut like any text.
        return text.rjust(cells) if self.align == "right" and text.isprintable() else fit(text, cells, self.align)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a list."""

    selected: bool = False

    @property
    def quiet(self) -> Style:
        """Quiet, but on the selected row: there it would drown in the background where there are 16 colours."""
        return "text" if self.selected else "quiet"


def quiet(line: Line) -> Style:
    return line.quiet


MARK: Column[Line] = Column("mark", 1, lambda line: "▸" if line.selected else "", lambda line: "bar", head="")
"""Shows which row is selected."""


Placed = Sequence[tuple[Column[Row], int]]
"""The columns that are shown, and the cells of each."""


def gap(cells: int) -> Column[object]:
    """Nothing, between two columns."""
    return Column("", cells, lambda row: "", lambda row: "", head="")


def placed(columns: Sequence[Column[Row]], cells: int) -> Placed[Row]:
    """The columns that there is room for in a line of so many cells."""
    widths: dict[int, int] = {}
    left = cells
    # Those that stay come first, then those that give way last.
    for place in sorted(range(len(columns)), key=lambda place: -(columns[place].gives_way or len(columns))):
        column = columns[place]
        if column.cells is None:
            continue
        wanted = column.cells if isinstance(column.cells, int) else column.cells(left)
        if wanted and (not column.gives_way or left - wanted >= column.beside):
            widths[place] = wanted
            left -= wanted
    return [
        (column, max(left, column.least) if column.cells is None else widths[place])
        for place, column in enumerate(columns)
        if column.cells is None or place in widths
    ]


def head_parts(columns: Placed[Row], words: Wording) -> Iterator[Part]:
    """The titles."""
    yield "".join(column.title(words, cells) for column, cells in columns), "head"


def row_parts(columns: Placed[Row], row: Row) -> Iterator[Part]:
    """What the columns tell of a row."""
    for column, cells in columns:
        yield column.part(row, cells)


def foot_parts(columns: Placed[Row], words: str, told: Mapping[str, str]) -> Iterator[Part]:
    """A line below the rows: words up to the end of the column without a width, then texts by the ids of columns."""
    first = next(place for place, (column, _) in enumerate(columns) if column.cells is None) + 1
    yield fit(words, sum(cells for _, cells in columns[:first])), "quiet"
    for column, cells in columns[first:]:
        yield told.get(column.id, "").rjust(cells), "quiet"
