"""Listing: GGUF files as entries of the list of models, from what stands before their vocabularies.

Owns what can be said of a file in a moment, and the order of the whole list. Must not know torch or the network.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from explorer.core.reading import reason
from explorer.engine.description import ModelEntry
from explorer.engine.files import stores
from explorer.engine.files.context import context_length
from explorer.engine.files.selection import PART, parts_in
from explorer.engine.gguf.cursor import ARCHITECTURE
from explorer.engine.gguf.families import FAMILIES
from explorer.engine.gguf.kinds import quantisation
from explorer.engine.gguf.purpose import why_unfit
from explorer.engine.gguf.skim import skim
from explorer.errors import ModelError


def stored_models() -> list[ModelEntry]:
    """The models that other programs keep on this machine; what cannot be read is an entry with a problem."""
    found: dict[str, ModelEntry] = {}
    for one in stores.stored():
        if one.name not in found:
            found[one.name] = entry_of(one.name, one.file, problem=one.problem)
    return list(found.values())


def newest_first(entries: list[ModelEntry]) -> list[ModelEntry]:
    """The last used first."""
    return sorted(entries, key=lambda entry: (entry.last_used, entry.id, entry.revision), reverse=True)


def entry_of(name: str, file: Path | None, revision: str = "", problem: str = "") -> ModelEntry:
    """What a GGUF file says of itself; `problem`: what is known already against opening it."""
    metadata: Mapping[str, Any] = {}
    size, used = 0, 0.0
    if file is not None:
        try:
            size, used = _size_and_use(file)  # Before the file is read, since that is a use of it.
            metadata, tensors = skim(file)
            problem = problem or _problem(file, metadata, tensors)
        except ModelError as error:
            problem = problem or str(error).rstrip(".")
        except OSError as error:
            problem = problem or f"it cannot be read: {reason(error)}"
    return ModelEntry(
        id=name,
        revision=revision,
        size=size,
        architecture=metadata.get(ARCHITECTURE),
        dtype=quantisation(metadata),
        last_used=moment(used) if used else "",
        context_length=_context_length(metadata),
        complete=True,
        problem=problem,
    )


def moment(seconds: float) -> str:
    """A time of a file, as the list has it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _size_and_use(file: Path) -> tuple[int, float]:
    """Bytes, of all parts where there are several, and the time in seconds of the last use."""
    status = file.stat()
    part = PART.fullmatch(file.name)
    if part is None:
        return status.st_size, status.st_atime
    pattern = re.compile(rf"{re.escape(part['stem'])}-\d{{5}}-of-{part['count']}\.gguf", re.IGNORECASE)
    parts = [other.stat() for other in file.parent.iterdir() if pattern.fullmatch(other.name)]
    return sum(one.st_size for one in parts), max(one.st_atime for one in parts)


def _problem(file: Path, metadata: Mapping[str, Any], tensors: int) -> str:
    if (parts := parts_in(file.name)) > 1:
        return f"in {parts} parts, which llama-gguf-split --merge joins"
    if unfit := why_unfit(metadata, tensors):
        return unfit.short
    name = metadata[ARCHITECTURE]
    return "" if name in FAMILIES else f"not to be read from GGUF ({name})"


def _context_length(metadata: Mapping[str, Any]) -> int | None:
    """As it is once the model is open, where nothing but the metadata decides."""
    name = metadata.get(ARCHITECTURE)
    named = metadata.get(f"{name}.context_length")
    if name in WITHOUT_POSITIONS or isinstance(named, bool) or not isinstance(named, int):
        return None
    scaling = {
        "rope_type": metadata.get(f"{name}.rope.scaling.type"),
        "factor": metadata.get(f"{name}.rope.scaling.factor"),
        "original_max_position_embeddings": metadata.get(f"{name}.rope.scaling.original_context_length"),
    }
    return context_length({"model_type": name, "max_position_embeddings": named, "rope_parameters": scaling})


WITHOUT_POSITIONS = frozenset(("mamba", "mamba2", "rwkv6", "rwkv7", "rwkv6qwen2", "arwkv7"))
"""Architectures whose state has no limit, whatever length their files name."""
