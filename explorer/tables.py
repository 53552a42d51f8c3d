"""Tables for a person at the command line, printed by rich; text from a model is drawn literally."""

import sys

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from explorer.core.token import Token, label, visible
from explorer.headless import NextTable, ScoreTable, TokenTable

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


def print_score(table: ScoreTable) -> None:
    """Index, id, token, probability, rank and surprisal; then the text as a whole."""
    grid = _grid(">index", ">id", "token", ">prob", ">rank", ">surprisal", ">entropy", "instead of it")
    for row in table.tokens:
        token = Token.from_bytes(row.id, bytes.fromhex(row.bytes))
        best = row.top[0] if row.top else None
        other = label(Token.from_bytes(best.id, bytes.fromhex(best.bytes))) if best and best.id != row.id else ""
        numbers = (
            _share(row.prob),
            UNKNOWN if row.rank is None else str(row.rank),
            _bits(row.surprisal),
            _bits(row.entropy),
        )
        grid.add_row(
            *(Text(cell) for cell in (str(row.index), str(row.id), label(token), *numbers)), Text(other, "dim")
        )
    _print(grid)
    perplexity = UNKNOWN if table.perplexity is None else f"{table.perplexity:.2f}"
    mean = UNKNOWN if table.mean_nll is None else f"{table.mean_nll:.4f}"
    _print(Text(f"{table.count} tokens · perplexity {perplexity} · {mean} nats per token", "dim"))


def _bits(bits: float | None) -> str:
    return UNKNOWN if bits is None else f"{bits:.2f}"


def _grid(*columns: str) -> Table:
    grid = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        grid.add_column(column.lstrip(">"), justify="right" if column.startswith(">") else "left")
    return grid


def _share(share: float | None) -> str:
    return UNKNOWN if share is None else f"{share:.2%}"


def _print(what: Table | Text) -> None:
    console = Console(file=sys.stdout, highlight=False)
    with console.capture() as captured:
        console.print(what)
    # By click, which leaves a broken pipe to its caller.
    click.echo(captured.get(), nl=False)
