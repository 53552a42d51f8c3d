"""Drawing: a table of the command line as it is read by a person, on a terminal or in a pipe.

Owns how wide a line is, and that a text is drawn literally, wherever it comes from. Must not know what a table tells.
"""

import os
import shutil
import sys

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from explorer.cli.output import put_styled
from explorer.core.figure import UNKNOWN
from explorer.core.reading import whole_number
from explorer.core.token import visible

LEAST_WIDTH, MOST_WIDTH = 20, 10_000
"""Cells of a line. In a narrower terminal it is the terminal that breaks lines, so that no number is lost."""


def new_grid(*columns: str) -> Table:
    """An empty table with these heads; one that begins with “>” is of numbers, to the right."""
    grid = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        grid.add_column(column.lstrip(">"), justify="right" if column.startswith(">") else "left")
    return grid


def percent(share: float | None) -> str:
    """A probability as it is read."""
    return UNKNOWN if share is None else f"{share:.2%}"


def literal(text: str, style: str = "", *, whole: bool = True) -> Text:
    """A text as it is shown; with `whole` it goes on in the next line where it is long, else it is cut.

    The one place where a text of a table is made: it may come from anywhere.
    """
    shown = visible(text)
    return Text(shown, style) if whole else Text(shown, style, no_wrap=True, overflow="ellipsis")


def show(*parts: Table | Text | Padding, piped: int | None = None) -> None:
    """Print them, one below the other; with `piped`, in lines of so many cells at most where no terminal shows them.

    Raises OutputError.
    """
    put_styled(drawn(*parts, width=None if sys.stdout.isatty() else piped))


def drawn(*parts: Table | Text | Padding, width: int | None = None, whole: bool = False) -> str:
    """What `show` prints; `width`: cells of a line where the environment says nothing.

    `whole`: every line is as long as it is, and a terminal that is too narrow for it breaks it.
    """
    # Rich fails at sizes in the environment that are none.
    others = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    console = Console(
        file=sys.stdout, highlight=False, width=MOST_WIDTH if whole else _width() or width, _environ=others
    )
    with console.capture() as captured:
        for part in parts:
            console.print(part)
    return captured.get()


def _width() -> int | None:
    """Cells of a line; None where rich finds that by itself. COLUMNS may say nothing: containers set it to 0."""
    said = os.environ.get("COLUMNS")
    if said is None:
        return None
    try:
        columns = whole_number(said)
    except ValueError:
        columns = 0
    columns = columns if columns > 0 else shutil.get_terminal_size().columns
    return min(max(columns, LEAST_WIDTH), MOST_WIDTH)
