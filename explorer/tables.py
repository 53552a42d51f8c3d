"""Tables for a person at the command line, printed by rich; text from a model is drawn literally."""

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from explorer.core.knobs import CUT_NAMES
from explorer.core.outline import Outline
from explorer.core.size import size_in_words
from explorer.core.token import Token, label, visible
from explorer.engine.capabilities import Capabilities
from explorer.engine.description import ModelEntry
from explorer.headless import InfoTable, NextTable, ScoreTable, TokenTable

UNKNOWN = "–"


def print_next(table: NextTable) -> None:
    """Rank, id, token, the model's probability and the sampler's; then what is not listed, and the two entropies.

    Where a penalty or a bias changed the order, the rank after it too.
    """
    moved = any(row.adjusted_rank is not None for row in table.candidates)
    grid = _grid(">rank", *([">moved to"] if moved else []), ">id", "token", ">model", ">sampling")
    for row in table.candidates:
        token = Token.from_bytes(row.id, bytes.fromhex(row.bytes))
        style = "dim" if row.cut_by else ""
        sampling = f"cut by {CUT_NAMES.get(row.cut_by, row.cut_by)}" if row.cut_by else _share(row.sampling_prob)
        place = [("" if row.adjusted_rank is None else str(row.adjusted_rank))] if moved else []
        cells = (str(row.rank), *place, str(row.id), label(token), _share(row.prob), sampling)
        grid.add_row(*(Text(cell, style) for cell in cells))
    rest = ("", *([""] if moved else []), "", "… all others", _share(table.other_prob), "")
    grid.add_row(*(Text(cell, "dim") for cell in rest))
    _print(grid)
    cut = f" · {_share(table.cut_mass)} of the model's mass is cut" if table.kept < table.vocab_size else ""
    _print(Text(f"{table.kept:,} of {table.vocab_size:,} tokens are kept{cut}", "dim"))
    entropies = f"entropy {_bits(table.entropy)} bits, {_bits(table.sampling_entropy)} after the samplers"
    _print(Text(f"{entropies} · {table.model} · {table.dtype} · {table.device}", "dim"))


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


def print_info(table: InfoTable) -> None:
    """What a model is, a line a fact; then its modules and weights, where they were asked for."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    for name, words in _facts(table):
        grid.add_row(Text(name), Text(words))
    _print(grid)
    if table.modules is not None:
        modules = _grid("module", "class", ">parameters", "device")
        for module in table.modules:
            depth = module.name.count(".") + 1 if module.name else 0
            shown = "  " * depth + (module.name.rpartition(".")[2] or "(the model)")
            count = f"{module.parameters:,}" if module.parameters else ""
            modules.add_row(*(Text(cell) for cell in (shown, module.kind, count, module.device)))
        _print(Text(), modules)
    if table.weights is not None:
        weights = _grid("parameter", "shape", "dtype", "device")
        for weight in table.weights:
            shape = " × ".join(str(size) for size in weight.shape)
            weights.add_row(*(Text(cell) for cell in (weight.name, shape, weight.dtype, weight.device)))
        _print(Text(), weights)


def print_models(entries: Sequence[ModelEntry]) -> None:
    """Name, size, dtype, when it was used last, and the architecture, or why it cannot be opened."""
    grid = _grid("model", ">size", "dtype", "last used", "architecture")
    grid.columns[0].no_wrap = True
    counts = Counter(entry.id for entry in entries)
    for entry in entries:
        style = "dim" if entry.problem else ""
        kind = entry.problem or entry.architecture or UNKNOWN
        name = entry.id if counts[entry.id] == 1 else f"{entry.id} --revision {entry.revision[:7]}"
        cells = (name, size_in_words(entry.size), entry.dtype or UNKNOWN, entry.last_used[:10], kind)
        grid.add_row(*(Text(visible(cell), style) for cell in cells))
    _print(grid)


def print_sessions(found: Sequence[Outline], folder: Path) -> None:
    """Date, model, prompt, numbers and state of each record, and on a line of its own its file, or what is wrong."""
    grid = _grid("date", "model", "prompt", ">tokens", ">branches", ">size", "state")
    for column in grid.columns:
        column.no_wrap = True
    for one in found:
        date = datetime.fromisoformat(one.started or one.changed).astimezone()
        model = UNKNOWN if one.model is None else Path(one.model).name
        prompt = UNKNOWN if one.prompt is None else visible(one.prompt.replace("\n", "↵"))
        numbers = (f"{one.tokens:,}", f"{one.branches:,}", size_in_words(one.size))
        cells = (f"{date:%Y-%m-%d %H:%M}", visible(model), prompt, *numbers, one.state)
        grid.add_row(*(Text(cell, "dim" if one.problem else "") for cell in cells))
    head, *rows = _rendered(grid).splitlines()
    click.echo(head)
    for row, one in zip(rows, found, strict=True):
        click.echo(row)
        _print(Padding(Text(visible(one.problem or Path(one.path).name), "dim"), (0, 0, 0, 2), expand=False))
    _print(
        Text(
            f"{len(found)} record{'s' * (len(found) != 1)} in {visible(str(folder))} · token-explorer resume FILE",
            "dim",
        )
    )


def _facts(table: InfoTable) -> Iterable[tuple[str, str]]:
    yield "model", f"{table.model}{f' at {table.revision}' if table.revision else ''}"
    yield "architecture", table.architecture
    yield "parameters", UNKNOWN if table.parameters is None else f"{table.parameters:,}"
    yield "memory", size_in_words(table.memory)
    yield "dtype", table.dtype + (f" · {table.quantization}" if table.quantization else "")
    yield "device", table.device
    if len(table.devices) > 1:
        for device in dict.fromkeys(table.devices.values()):
            placed = [module or "the rest" for module, where in table.devices.items() if where == device]
            listed = ", ".join(placed) if len(placed) < 4 else f"{placed[0]} … {placed[-1]}, {len(placed)} modules"
            yield "", f"{device}: {listed}"
    heads = _number(table.heads)
    if table.key_value_heads not in (None, table.heads):
        heads += f" · {table.key_value_heads} for keys and values"
    yield "layers", _number(table.layers)
    yield "heads", f"{heads} · {_number(table.head_dim)} wide"
    yield "hidden size", _number(table.hidden_size)
    yield "context", "no limit" if table.context_length is None else f"{table.context_length:,} tokens"
    yield "vocabulary", f"{table.vocab_size:,}"
    yield "end of sequence", ", ".join(str(token_id) for token_id in table.eos_ids) or "none"
    yield "chat template", "yes" if table.chat_template else "no"
    if table.sampling_defaults:
        yield "its own settings", " · ".join(f"{name} {value}" for name, value in table.sampling_defaults.items())
    if table.cache is not None:
        yield "cache", _cache(table.cache)
        for note in table.cache.notes:
            yield "", note
    for name, value in table.loaded_with.items():
        yield name.replace("_", " "), str(value)
    yield "libraries", " · ".join(f"{library} {version}" for library, version in table.versions.items())


def _cache(able: Capabilities) -> str:
    if not able.incremental:
        return "none: every step computes the whole prefix"
    kinds = {
        "plain": "keys and values",
        "typed": "by the type of each layer",
        "own": "the model's own state",
        "none": "",
    }
    on = "several tokens at once" if able.chunk else "one token at a time"
    back = {"crop": "cropping", "snapshot": "copies of the state", "recompute": "computing anew"}[able.crop]
    return f"{kinds[able.kind]} · goes on by {on} · goes back by {back}"


def _number(number: int | None) -> str:
    return UNKNOWN if number is None else f"{number:,}"


def _bits(bits: float | None) -> str:
    return UNKNOWN if bits is None else f"{bits:.2f}"


def _grid(*columns: str) -> Table:
    grid = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        grid.add_column(column.lstrip(">"), justify="right" if column.startswith(">") else "left")
    return grid


def _share(share: float | None) -> str:
    return UNKNOWN if share is None else f"{share:.2%}"


def _print(*parts: Table | Text | Padding) -> None:
    # By click, which leaves a broken pipe to its caller.
    click.echo(_rendered(*parts), nl=False)


def _rendered(*parts: Table | Text | Padding) -> str:
    console = Console(file=sys.stdout, highlight=False)
    with console.capture() as captured:
        for part in parts:
            console.print(part)
    return captured.get()
