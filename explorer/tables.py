"""Tables for a person at the command line, printed by rich; text from a model is drawn literally."""

import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from explorer.core.token import Token, label, visible
from explorer.headless import NextTable, TokenTable

UNKNOWN = "–"


def print_next(table: NextTable) -> None:
    """Rank, id, token, the model's probability and the sampler's; then what is not listed, and the entropy."""
    grid = _grid(">rank", ">id", "token", ">model", ">sampling")
    for row in table.candidates:
        token = Token.from_bytes(row.id, bytes.fromhex(row.bytes))
        style = "dim" if row.cut_by else ""
        sampling = f"cut by {row.cut_by}" if row.cut_by else _share(row.sampling_prob)
        cells = (str(row.rank), str(row.id), label(token), _share(row.prob), sampling)
        grid.add_row(*(Text(cell, style) for cell in cells))
    grid.add_row("", "", Text("… all others", "dim"), Text(_share(table.other_prob), "dim"), "")
    _print(grid)
    entropy = UNKNOWN if table.entropy is None else f"{table.entropy:.2f}"
    _print(Text(f"entropy {entropy} bits · {table.model} · {table.dtype} · {table.device}", "dim"))


def print_tokens(table: TokenTable) -> None:
    """Index, id, token, the vocabulary's piece and the bytes."""
    grid = _grid(">index", ">id", "token", "piece", "bytes", "kind")
    for row in table.tokens:
        token = Token(row.id, bytes.fromhex(row.bytes), row.kind)
        spelt = token.bytes.hex(" ").upper()
        cells = (str(row.index), str(row.id), label(token), visible(row.piece), spelt, row.kind)
        grid.add_row(*(Text(cell) for cell in cells))
    _print(grid)
    _print(Text(f"{len(table.tokens)} tokens", "dim"))


def _grid(*columns: str) -> Table:
    grid = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        grid.add_column(column.lstrip(">"), justify="right" if column.startswith(">") else "left")
    return grid


def _share(share: float | None) -> str:
    return UNKNOWN if share is None else f"{share:.2%}"


def _print(what: Table | Text) -> None:
    Console(file=sys.stdout, highlight=False).print(what)
