"""Catalogue: the models that the local Hugging Face cache holds, as folders and as GGUF files.

Owns the layout of the cache and what can be said of a model by its config.json alone, without loading anything. The
cache is read folder by folder, because the hub's own scan leaves out a whole repository for one broken link. Must not
know torch, transformers or the network.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from huggingface_hub import constants

from explorer.engine.description import ModelEntry
from explorer.engine.files import adapters, checkpoint
from explorer.engine.files.context import context_length
from explorer.engine.files.fragments import is_gguf_alone, kind_of_fragment
from explorer.engine.files.listing import entry_of, moment, newest_first
from explorer.engine.files.purpose import Purpose, architecture
from explorer.engine.files.selection import models_among, short_name
from explorer.errors import ModelError

PREFIX = "models--"
WEIGHTS = (".safetensors", ".bin")


def repository_folder(model: str) -> Path:
    """Where this machine's cache keeps a model of the hub, whether it is there or not."""
    return _cache(None) / (PREFIX + model.replace("/", "--"))


def cached_models(folder: Path | None = None) -> list[ModelEntry]:
    """The models in a cache (the one of this machine unless given), the last used first.

    Each revision is an entry; one that no branch or tag points to any more is left out where it cannot be loaded and
    the model has others. Never fails: what cannot be read is an entry with a problem, or is left out.
    """
    entries: list[ModelEntry] = []
    with contextlib.suppress(OSError):
        for home in _cache(folder).glob(f"{PREFIX}*"):
            entries += _revisions(home)
    return newest_first(entries)


def cached_revisions(model: str) -> list[ModelEntry]:
    """The same of one model of the hub, without its GGUF files."""
    return newest_first([entry for entry in _revisions(repository_folder(model)) if entry.id == model])


def _cache(folder: Path | None) -> Path:
    return folder if folder is not None else Path(constants.HF_HUB_CACHE).expanduser()


def _revisions(home: Path) -> list[ModelEntry]:
    try:
        named = {path.read_text("utf-8", "replace").strip() for path in (home / "refs").rglob("*") if path.is_file()}
        snapshots = [snapshot for snapshot in (home / "snapshots").iterdir() if snapshot.is_dir()]
        entries = [one for snapshot in snapshots for one in _entries(_name(home), snapshot)]
    except OSError:
        return []
    return [entry for entry in entries if not entry.problem or entry.revision in named or len(entries) == 1]


def _entries(name: str, snapshot: Path) -> Iterator[ModelEntry]:
    """One for the snapshot, unless it has nothing but GGUF, and one for each of its GGUF files. Raises OSError."""
    names = [file for file in checkpoint.names_in(snapshot) if (snapshot / file).exists()]  # Else it was deleted.
    models = models_among(names)
    if not models or not is_gguf_alone(names):
        yield entry(name, snapshot, snapshot.name)
    for file in models:
        yield entry_of(f"{name}:{short_name(names, file)}", snapshot / file, snapshot.name)


def _name(home: Path) -> str:
    return home.name.removeprefix(PREFIX).replace("--", "/")


def entry(name: str, snapshot: Path, revision: str = "") -> ModelEntry:
    """What a folder with a model holds. Raises OSError."""
    # Before any file is read, since reading one is a use of it; so only weights tell when a model was used.
    size, used = _size_and_use(snapshot)
    if adapters.known_as_adapter(snapshot):
        return _adapter_entry(name, snapshot, revision, size, used)
    try:
        lacks = checkpoint.lacking(snapshot)
        pickled = lacks == checkpoint.PICKLED
        if pickled:
            lacks = checkpoint.lacking(snapshot, allow_pickle=True)
        config = {} if lacks == checkpoint.NO_CONFIG else checkpoint.read_config(snapshot)
        meant = checkpoint.purpose_of(snapshot, config)
        fragment = kind_of_fragment(checkpoint.names_in(snapshot)) if lacks == checkpoint.NO_CONFIG else ""
        problem = fragment or _problem(config, lacks, pickled, meant)
        complete = bool(fragment) or not lacks
    except ModelError as error:
        config, problem, complete, meant = {}, str(error), False, Purpose()
    text = config.get("text_config")
    configs = [config, text] if isinstance(text, dict) else [config]
    return ModelEntry(
        id=name,
        revision=revision,
        size=size,
        architecture=architecture(config),
        dtype=_dtype(configs),
        last_used=moment(used),
        context_length=_context_length(configs),
        complete=complete,
        problem=problem,
        note=meant.note,
    )


def _adapter_entry(name: str, snapshot: Path, revision: str, size: int, used: float) -> ModelEntry:
    """What a folder with an adapter alone holds: its method, and the model that it goes on."""
    try:
        config = checkpoint.read_json(snapshot / adapters.CONFIG)
        lacks, why = adapters.lacking(snapshot, allow_pickle=False), adapters.why_not(config)
        pickled = lacks == checkpoint.PICKLED
        problem = why or (lacks if pickled else f"incomplete: {lacks}" if lacks else "")
        complete = pickled or not lacks
    except ModelError as error:
        config, problem, complete = {}, str(error), False
    kind, base = config.get("peft_type"), config.get("base_model_name_or_path")
    return ModelEntry(
        id=name,
        revision=revision,
        size=size,
        architecture=f"adapter ({kind})" if isinstance(kind, str) and kind else "adapter",
        dtype=None,
        last_used=moment(used),
        context_length=None,
        complete=complete,
        problem=problem,
        note=f"adapter for {base}" if isinstance(base, str) and base else "adapter for a model that it does not name",
    )


def _size_and_use(snapshot: Path) -> tuple[int, float]:
    """Bytes of the files of a snapshot, and the time, in seconds, at which its weights were last read."""
    size, used = 0, 0.0
    for parent, _, names in os.walk(snapshot):
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # A link to a file that was deleted.
                status = os.stat(f"{parent}/{name}")  # noqa: PTH116  (a Path for each file is half of the time)
                size += status.st_size
                used = max(used, status.st_atime if name.endswith(WEIGHTS) else status.st_mtime)
    return size, used or snapshot.stat().st_mtime


def _problem(config: dict[str, Any], lacks: str, pickled: bool, meant: Purpose) -> str:
    if lacks:
        return lacks if lacks == checkpoint.NO_CONFIG else f"incomplete: {lacks}"
    if pickled:
        return checkpoint.PICKLED
    if meant.refusal:
        name = architecture(config)
        return f"not a causal language model ({name})" if name else "not a causal language model"
    return ""


def _dtype(configs: list[dict[str, Any]]) -> str | None:
    """How the weights are stored: the method where they are quantised, else the dtype."""
    for config in configs:
        quantised = config.get("quantization_config")
        if isinstance(quantised, dict) and isinstance(quantised.get("quant_method"), str):
            return str(quantised["quant_method"])
    dtypes = (config.get(name) for config in configs for name in ("dtype", "torch_dtype"))
    return next((dtype for dtype in dtypes if isinstance(dtype, str)), None)


def _context_length(configs: list[dict[str, Any]]) -> int | None:
    return next((length for config in reversed(configs) if (length := context_length(config)) is not None), None)
