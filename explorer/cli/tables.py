"""Tables for a person at the command line, printed by rich; text from a model is drawn literally."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from explorer.cli.drawing import drawn, literal, new_grid, percent, show
from explorer.cli.facts import facts
from explorer.cli.output import put_styled
from explorer.cli.rankings import FoundTable
from explorer.cli.shapes import ComparisonTable, InfoTable, NextTable, TokenTable
from explorer.core.columns import ID, PROB, RANK, SAMPLING_PROB, TOKEN, Told
from explorer.core.distribution import Candidate, CandidateRow
from explorer.core.figure import UNKNOWN, decimal, scientific
from explorer.core.record.outline import Outline
from explorer.core.size import size_in_words
from explorer.core.token import Token, begun, label
from explorer.engine.description import ModelEntry
from explorer.replay.comparison import Comparison


def print_next(table: NextTable) -> None:
    """Rank, id, token, the model's probability and the sampler's; then what is not listed, and the two entropies.

    Where a penalty or a bias changed the order, the rank after it too.
    """
    rest = {TOKEN.id: "… all others", PROB.id: percent(table.other_prob)}
    show(_candidates(table.candidates, rest))
    cut = f" · {percent(table.cut_mass)} of the model's mass is cut" if table.kept < table.vocab_size else ""
    show(literal(f"{table.kept:,} of {table.vocab_size:,} tokens are kept{cut}", "dim"))
    entropies = f"entropy {decimal(table.entropy)} bits, {decimal(table.sampling_entropy)} after the samplers"
    show(literal(f"{entropies} · {table.model} · {table.dtype} · {table.device}", "dim"))


def _candidates(rows: Sequence[CandidateRow], rest: Mapping[str, str] = MappingProxyType({})) -> Table:
    """Candidates, one a row; `rest` is a last row, by the ids of its columns."""
    moved = any(row.adjusted_rank is not None for row in rows)
    columns = (RANK, *([MOVED] if moved else []), ID, TOKEN, PROB, SAMPLING_PROB)
    grid = new_grid(*(column.title if column is TOKEN else f">{column.title}" for column in columns))
    for row in rows:
        candidate = row.candidate({})
        grid.add_row(*(literal(_told(column, candidate), "dim" if row.cut_by else "") for column in columns))
    if rest:
        grid.add_row(*(literal(rest.get(column.id, ""), "dim") for column in columns))
    return grid


MOVED = Told("moved", "moved to", lambda row, share: "" if row.adjusted_rank is None else str(row.adjusted_rank))


def _told(column: Told, candidate: Candidate) -> str:
    told = column.text(candidate, percent)
    return f"cut by {told}" if column is SAMPLING_PROB and candidate.cut_by else told


def print_tokens(table: TokenTable) -> None:
    """Index, id, token, the vocabulary's piece and the bytes."""
    grid = new_grid(">index", ">id", "token", "piece", "bytes", "kind")
    before = b""
    for row in table.tokens:
        token = Token(row.id, bytes.fromhex(row.bytes), row.kind)
        spelt = token.bytes.hex(" ").upper()
        cells = (str(row.index), str(row.id), label(token, before), row.piece, spelt, row.kind)
        before = begun(before + token.bytes)
        grid.add_row(*(literal(cell) for cell in cells))
    show(grid)
    show(literal(f"{len(table.tokens)} tokens", "dim"))


def print_side_by_side(table: ComparisonTable) -> None:
    """How many tokens each model makes of the text; then the text in stretches, with the tokens of each model."""
    grid = new_grid("", "model", "vocabulary", ">entries", ">tokens", ">added", ">bytes per token")
    for number, one in enumerate(table.models, 1):
        ratio = UNKNOWN if one.bytes_per_token is None else f"{one.bytes_per_token:.2f}"
        cells = (f"[{number}]", one.model, one.kind, f"{one.entries:,}", f"{one.count}", f"{one.added}", ratio)
        grid.add_row(*(literal(cell) for cell in cells))
    show(grid)
    show(literal(f"{len(table.text)} characters, {table.bytes} bytes", "dim"))
    grid = new_grid("text", *(f"[{number}]" for number, _ in enumerate(table.models, 1)))
    for row in table.aligned:
        beside = [label(Token.from_bytes(0, row.text.encode())) if row.text else ""]
        for one, indices in zip(table.models, row.tokens, strict=True):
            tokens = (one.tokens[index] for index in indices)
            beside.append(" ".join(label(Token(t.id, bytes.fromhex(t.bytes), t.kind)) for t in tokens))
        grid.add_row(*(literal(cell) for cell in beside))
    show(grid)


def print_found(table: FoundTable) -> None:
    """Rank, id, token and probabilities of what a search found; then how many tokens match."""
    show(_candidates(table.hits))
    listed = f"{len(table.hits):,} of the {table.total:,}" if len(table.hits) < table.total else f"{table.total:,}"
    words = f"{listed} tokens that match" if table.total != 1 else "1 token that matches"
    show(literal(f"{words} · {table.model} · {table.dtype} · {table.device}", "dim"))


def print_info(table: InfoTable) -> None:
    """What a model is, a line a fact; then its modules and weights, where they were asked for."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    for name, words in facts(table):
        grid.add_row(literal(name), literal(words))
    show(grid)
    if table.modules is not None:
        modules = new_grid("module", "class", ">parameters", "device")
        for module in table.modules:
            depth = module.name.count(".") + 1 if module.name else 0
            shown = "  " * depth + (module.name.rpartition(".")[2] or "(the model)")
            count = f"{module.parameters:,}" if module.parameters else ""
            modules.add_row(*(literal(cell) for cell in (shown, module.kind, count, module.device)))
        show(Text(), modules)
    if table.weights is not None:
        weights = new_grid("parameter", "shape", "dtype", "device")
        for weight in table.weights:
            shape = " × ".join(str(size) for size in weight.shape)
            weights.add_row(*(literal(cell) for cell in (weight.name, shape, weight.dtype, weight.device)))
        show(Text(), weights)


LONG_LINE = 400
"""Cells of a line of names that a script may look through, where no terminal shows it."""


def print_models(entries: Sequence[ModelEntry]) -> None:
    """Name, size, dtype, when it was used last, and the architecture, or why it cannot be opened."""
    grid = new_grid("model", ">size", "dtype", "last used", "architecture")
    grid.columns[0].overflow = "fold"  # Every character of a name counts.
    for column in grid.columns[1:4]:
        column.no_wrap = True
    counts = Counter(entry.id for entry in entries)
    for entry in entries:
        style = "dim" if entry.problem else ""
        kind = entry.problem or entry.note or entry.architecture or UNKNOWN
        name = entry.id if counts[entry.id] == 1 else f"{entry.id} --revision {entry.revision[:7]}"
        cells = (name, size_in_words(entry.size), entry.dtype or UNKNOWN, entry.last_used[:10], kind)
        grid.add_row(*(literal(cell, style) for cell in cells))
    show(grid, piped=LONG_LINE)


def print_sessions(found: Sequence[Outline], folder: Path) -> None:
    """Date, model, numbers and state of each record, and on a line of its own its file and prompt, or what is wrong."""
    grid = new_grid("date", "model", ">tokens", ">branches", ">size", "state")
    for one in found:
        date = datetime.fromisoformat(one.started or one.changed).astimezone()
        model = UNKNOWN if one.model is None else Path(one.model).name
        numbers = (f"{one.tokens:,}", f"{one.branches:,}", size_in_words(one.size))
        cells = (f"{date:%Y-%m-%d %H:%M}", model, *numbers, one.state)
        grid.add_row(*(literal(cell, "dim" if one.problem else "", whole=False) for cell in cells))
    head, *rows = drawn(grid).splitlines()
    put_styled(f"{head}\n")
    for row, one in zip(rows, found, strict=True):
        put_styled(f"{row}\n")
        if one.problem:
            show(Padding(literal(one.problem, "dim"), (0, 0, 0, 2), expand=False))
        else:
            prompt = f"“{one.prompt.replace(chr(10), '↵')}”" if one.prompt is not None else ""
            show(literal(f"  {Path(one.path).name}  ", whole=False).append(literal(prompt, "dim")))
    show(
        literal(
            f"{len(found)} record{'s' * (len(found) != 1)} in {folder} · token-explorer resume FILE",
            "dim",
        )
    )


def print_comparison(found: Comparison) -> None:
    """The two records, where they part, and a line a position."""
    sides = new_grid("", "A", "B")
    for name, one, other in _sides(found):
        sides.add_row(literal(name, "bold"), literal(one), literal("the same" if one == other else other))
    show(sides, Text(), literal(_parting(found)))
    if not found.positions:
        return
    grid = new_grid(">after", "text", "next", ">KL(A‖B)", ">|Δlogprob|", ">ranks", ">entropy A", ">B")
    for position in found.positions:
        rows, kl = position.rows, UNKNOWN
        if position.kl is not None:
            kl = f"{'' if position.exact else '≥ '}{scientific(position.kl)}"
        fields = (
            f"{position.length:,}",
            position.text[-12:],
            position.token or "",
            kl,
            scientific(position.max_logprob_error),
            f"{position.changed_ranks} of {rows}" if rows else UNKNOWN,
            decimal(position.entropy_a),
            decimal(position.entropy_b),
        )
        style = "" if position.on_path else "dim"
        grid.add_row(*(literal(cell, style, whole=False) for cell in fields))
    for column in grid.columns:
        column.no_wrap = column.header not in ("text", "next")  # They give way, and no digit does.
    show(Text(), grid, literal(_sums(found), "dim"))


def _sides(found: Comparison) -> Iterable[tuple[str, str, str]]:
    names = ("file", "model", "revision", "dtype", "device", "started", "prompts", "nodes", "tokens")
    for name in names:
        one, other = (getattr(side, name) for side in (found.a, found.b))
        yield name, UNKNOWN if one is None else str(one), UNKNOWN if other is None else str(other)
    for name in sorted({*found.a.loaded_with, *found.b.loaded_with}):
        yield name.replace("_", " "), str(found.a.loaded_with.get(name)), str(found.b.loaded_with.get(name))
    for name in sorted({*found.a.versions, *found.b.versions}):
        yield name, found.a.versions.get(name, UNKNOWN), found.b.versions.get(name, UNKNOWN)


def _parting(found: Comparison) -> str:
    """Where the paths part, in a sentence."""
    if not found.same_vocabulary:
        told = [decimal(one.bits_per_byte, 3) for one in (found.a, found.b)]
        return (
            "The vocabularies differ: KL is not defined. The texts of both paths begin with the same "
            f"{len(found.shared_text):,} characters, told at {told[0]} bits a byte by A and {told[1]} by B."
        )
    count, ends = found.shared_tokens or 0, (found.a.next, found.b.next)
    if ends == (None, None):
        return f"Both paths are the same: {count:,} tokens."
    after = f"after {count:,} tokens, “…{found.shared_text[-32:].replace(chr(10), '↵')}”"
    endings = [f"{name} goes on with “{end}”" if end else f"{name} ends" for name, end in zip("AB", ends, strict=True)]
    return f"The paths part {after}: {', '.join(endings)}."


def _sums(found: Comparison) -> str:
    exact = any(position.exact for position in found.positions)
    kl = "no table in both"
    if found.max_kl is not None and found.mean_kl is not None:
        mean, most = scientific(found.mean_kl), scientific(found.max_kl)
        kl = f"KL {'' if exact else 'at least '}{mean} bits on average, the greatest {most}"
    error = "" if found.max_logprob_error is None else f" · |Δlogprob| up to {scientific(found.max_logprob_error)} nats"
    bits = (
        "" if found.mean_entropy_error is None else f" · entropy differs by {scientific(found.mean_entropy_error)} bits"
    )
    return f"{len(found.positions):,} positions · {kl}{error} · {found.changed_ranks:,} other ranks{bits}"
