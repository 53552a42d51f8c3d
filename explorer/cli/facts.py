"""Facts: what `info` tells a person of a model, in words. Must not know how it is laid out."""

from collections.abc import Iterator

from explorer.cli.shapes import InfoTable
from explorer.core.figure import UNKNOWN
from explorer.core.size import size_in_words
from explorer.engine.capabilities import Capabilities
from explorer.engine.description import AdapterInfo


def facts(table: InfoTable) -> Iterator[tuple[str, str]]:
    """Name and words of each, in order; a name that is empty goes on with the one before."""
    yield "model", f"{table.model}{f' at {table.revision}' if table.revision else ''}"
    yield "architecture", table.architecture + (f" · {table.part}" if table.part else "")
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
    for sentence in table.sampling_left_out:
        yield "", sentence
    if table.cache is not None:
        yield "cache", _cache(table.cache)
        for note in table.cache.notes:
            yield "", note
    if table.adapter is not None:
        yield from _adapter(table.adapter)
    for name, value in table.loaded_with.items():
        if name in ("adapter", "adapter_revision"):
            continue
        yield name.replace("_", " "), str(value)
    yield "libraries", " · ".join(f"{library} {version}" for library, version in table.versions.items())


def _adapter(adapter: AdapterInfo) -> Iterator[tuple[str, str]]:
    at = f" at {adapter.revision}" if adapter.revision else ""
    yield "adapter", f"{adapter.name}{at} · {adapter.kind} · {adapter.parameters:,} parameters"
    yield "", f"made on {adapter.base}" if adapter.base else "it does not say on which model it was made"
    if adapter.tokenizer:
        yield "", "the tokenizer and the chat template are the adapter's own"
    if adapter.fixed:
        yield "", adapter.fixed


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
