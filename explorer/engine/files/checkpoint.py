"""Checkpoint: the files that make a model, in a folder or in the listing of a repository.

Owns which files are read, and whether they are all there. Safetensors come before pickles, which count only where they
are allowed: opening one may run code. Must not know the hub or torch.
"""

import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from explorer.errors import ModelError

CONFIG = "config.json"
SAFETENSORS, PICKLE = "model.safetensors", "pytorch_model.bin"
INDEX = ".index.json"
"""After the name of a whole file: the index that names its shards."""

SMALL = {".json", ".jinja", ".model", ".txt", ".tiktoken", ".vocab", ".bpe", ".spm"}
"""What configurations and tokenizers are made of."""

OTHERS = ("consolidated", "adapter", "training_args", "optimizer", "scheduler")
"""How files begin that look like shards and are none."""

TOKENIZERS = ("tokenizer", "tekken", "vocab", "merges", "spiece", "sentencepiece")
"""How the files of tokenizers begin, where they do not end in `.model` or `.tiktoken`."""

NO_CONFIG, PICKLED = "no config.json", "pickled weights only"
"""Two of the answers of `lacking`."""


def wanted(names: Sequence[str], *, allow_pickle: bool, remote_code: bool) -> tuple[list[str], list[str]]:
    """What to download of a repository: the small files, and the weights, of which there may be none.

    Left out are the copies of the weights for other programs, which are in folders or have names of their own
    (`original/`, `consolidated*`, `onnx/`), and everything that runs code unless it is allowed.
    """
    top = [name for name in names if "/" not in name or name.startswith("additional_chat_templates/")]
    small = [name for name in top if PurePosixPath(name).suffix in SMALL]
    code = [name for name in names if name.endswith(".py")] if remote_code else []
    return small + code, _listed_weights(top, allow_pickle)


def tokenizer_files(names: Sequence[str], *, remote_code: bool) -> list[str]:
    """What to download of a repository for its tokenizer alone; empty where it has none."""
    small, _ = wanted(names, allow_pickle=False, remote_code=remote_code)
    return [name for name in small if not name.endswith(INDEX)] if any(map(_holds_entries, small)) else []


def has_tokenizer(folder: Path) -> bool:
    """Whether a file of entries is there. Raises OSError."""
    return any(_holds_entries(path.name) and path.exists() for path in folder.iterdir())


def _holds_entries(name: str) -> bool:
    return _is_tokenizer(name) and name != "tokenizer_config.json"


def _listed_weights(names: Sequence[str], allow_pickle: bool) -> list[str]:
    for whole in _formats(allow_pickle):
        if whole in names:
            return [whole]
        if whole + INDEX in names:
            suffix = PurePosixPath(whole).suffix
            return [name for name in names if name.endswith(suffix) and not name.startswith(OTHERS)]
    return []


def _formats(allow_pickle: bool) -> tuple[str, ...]:
    return (SAFETENSORS, PICKLE) if allow_pickle else (SAFETENSORS,)


def weight_files(folder: Path, allow_pickle: bool) -> list[str]:
    """The files that must be there for the weights to be whole; empty where the folder names none.

    Raises ModelError for an index that cannot be read.
    """
    for whole in _formats(allow_pickle):
        if (folder / whole).exists():
            return [whole]
        if (folder / (whole + INDEX)).exists():
            named = _read(folder / (whole + INDEX)).get("weight_map")
            names = {name for name in named.values() if isinstance(name, str)} if isinstance(named, dict) else set()
            if not names:
                raise ModelError(f"{whole}{INDEX} in {folder} names no weights. Download it again.")
            return sorted(names)
    return []


def lacking(folder: Path, *, allow_pickle: bool = False, remote_code: bool = False) -> str:
    """What a folder lacks to be a model, in words that go after “with”: `1 of 3 weight files`; empty where it is whole.

    Raises ModelError for a file of the folder that is not the JSON that it should be, OSError.
    """
    if not (folder / CONFIG).exists():
        return NO_CONFIG
    named = weight_files(folder, allow_pickle)
    found = sum((folder / name).exists() for name in named)
    if found < len(named):
        return f"{found} of {len(named)} weight files"
    if not named:
        return PICKLED if weight_files(folder, allow_pickle=True) else "no weights"
    if not any(_is_tokenizer(path.name) and path.exists() for path in folder.iterdir()):
        return "no tokenizer"
    absent = [name for name in _code_files(folder) if not (folder / name).exists()] if remote_code else []
    return f"no {absent[0]}" if absent else ""


def _is_tokenizer(name: str) -> bool:
    return name.startswith(TOKENIZERS) or name.endswith((".model", ".tiktoken"))


def _code_files(folder: Path) -> list[str]:
    """The modules that a model brings along, as its configurations name them: `modeling_x.Class`."""
    found = []
    for name in (CONFIG, "tokenizer_config.json"):
        classes = _read(folder / name).get("auto_map", {}) if (folder / name).exists() else {}
        for named in classes.values() if isinstance(classes, dict) else ():
            found += [part for part in (named if isinstance(named, list) else [named]) if isinstance(part, str)]
    # `owner/name--modeling_x.Class` is in a repository of its own.
    return sorted({f"{name.split('.')[0]}.py" for name in found if "--" not in name})


def read_config(folder: Path) -> dict[str, Any]:
    """The config.json of a folder. Raises ModelError, OSError."""
    return _read(folder / CONFIG)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are two of them.
        raise ModelError(f"{path.name} in {path.parent} is not JSON. Download it again.") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path.name} in {path.parent} is not a JSON object. Download it again.")
    return content
