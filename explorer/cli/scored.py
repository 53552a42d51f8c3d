"""Tables of texts that a model scored: token by token, step by step, and several side by side.

Printed for a person; text from a model is drawn literally.
"""

from explorer.cli.drawing import literal, new_grid, percent, show
from explorer.cli.rankings import OptionsTable
from explorer.cli.shapes import AlternativeRow, ScoredRow, ScoreTable
from explorer.cli.tables import print_next
from explorer.core.figure import UNKNOWN, decimal
from explorer.core.token import Token, label, shown_bytes, take_text, visible

LONGEST = 30
"""Characters of the text so far that are shown, its last ones."""


def print_score(table: ScoreTable) -> None:
    """Index, id, token, probability, rank and surprisal; then the text as a whole, and what could come next."""
    grid = new_grid(">index", ">id", "token", ">prob", ">rank", ">surprisal", ">entropy", "instead of it")
    for row in table.tokens:
        best = row.top[0] if row.top else None
        other = _label(best) if best and best.id != row.id else ""
        numbers = (
            percent(row.prob),
            UNKNOWN if row.rank is None else str(row.rank),
            decimal(row.surprisal),
            decimal(row.entropy),
        )
        grid.add_row(
            *(literal(cell) for cell in (str(row.index), str(row.id), _label(row), *numbers)), literal(other, "dim")
        )
    show(grid)
    show(literal(_sums(table), "dim"))
    if table.next is not None:
        show(literal(""), literal("What could come after it:"))
        print_next(table.next)


def print_steps(table: ScoreTable) -> None:
    """At each place: the text so far, what the model said comes next, and what came; nothing has, at the end."""
    grid = new_grid("text so far", "likeliest", ">prob", "came", ">prob", ">rank")
    for column in grid.columns:
        column.no_wrap = True
    written = b""
    for row in table.tokens:
        if row.top:
            best = row.top[0]
            came = (_label(row), percent(row.prob), str(row.rank))
            grid.add_row(*(literal(cell) for cell in (_so_far(written), _label(best), percent(best.prob), *came)))
        written += bytes.fromhex(row.bytes)
    if table.next is not None and table.next.candidates:
        likeliest = table.next.candidates[0]
        token = label(Token.from_bytes(likeliest.id, bytes.fromhex(likeliest.bytes)))
        grid.add_row(*(literal(cell) for cell in (_so_far(written), token, percent(likeliest.prob), "", "", "")))
    show(grid)
    show(literal(_sums(table), "dim"))


def _sums(table: ScoreTable) -> str:
    perplexity, mean = decimal(table.perplexity), decimal(table.mean_nll, 4)
    never = f" · {table.impossible} of them impossible" if table.impossible else ""
    return f"{table.count} tokens{never} · perplexity {perplexity} · {mean} nats per token"


def _so_far(written: bytes) -> str:
    """The end of a text, on one line."""
    text, rest = take_text(written)
    shown = visible(text.replace("\n", "↵")) + shown_bytes(rest)
    return shown if len(shown) <= LONGEST else f"…{shown[1 - LONGEST :]}"


def _label(row: ScoredRow | AlternativeRow) -> str:
    return label(Token.from_bytes(row.id, bytes.fromhex(row.bytes)))


def print_options(table: OptionsTable) -> None:
    """The options, the likeliest first; • marks the likeliest by each measure."""
    grid = new_grid(">rank", "option", ">tokens", ">logprob", ">per token", ">per byte", ">share")
    for row in sorted(table.options, key=lambda row: (row.rank, row.index)):
        measures = (
            _measure(row.logprob, row.rank),
            _measure(row.logprob_per_token, row.rank_per_token),
            _measure(row.logprob_per_byte, row.rank_per_byte),
        )
        spelt = label(Token.from_bytes(0, bytes.fromhex(row.bytes)))
        cells = (str(row.rank), spelt, str(len(row.tokens)), *measures, percent(row.share))
        grid.add_row(*(literal(cell) for cell in cells))
    show(grid)
    show(literal("logprob in nats · • the likeliest by a measure · share: if one of them comes", "dim"))
    show(literal(f"{table.model} · {table.dtype} · {table.device}", "dim"))


def _measure(logprob: float | None, rank: int) -> str:
    return decimal(logprob, 3) + ("•" if rank == 1 else " ")
