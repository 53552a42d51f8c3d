"""Checkpoint: the files that make a model, in a folder or in the listing of a repository.

Owns which files are read, and whether they are all there. Safetensors come before pickles, which count only where they
are allowed: opening one may run code. Must not know the hub or torch.
"""

import contextlib
import json
import os
import struct
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from explorer.core.reading import reason
from explorer.core.token import visible
from explorer.engine.files.purpose import Purpose, purpose
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

BESIDE = (
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
    "generation_config.json",
    "special_tokens_map.json",
)
"""Small files without which a model would be another one, and nobody would know."""

LONGEST, HEAD_LIMIT = 255, 1 << 27
"""Bytes of a file's name, and of what a safetensors file begins with, at the most."""

MOST = 2000
"""Names after which no further folder is looked into."""

LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")
"""What configs call the number of their layers."""

SHOWN = 80
"""Characters of a name in a sentence."""

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
    """Whether a file of entries is there, and no file is a link to nowhere. Raises OSError."""
    return not _dangling(folder) and any(_holds_entries(path.name) for path in folder.iterdir())


def _holds_entries(name: str) -> bool:
    return is_tokenizer(name) and name != "tokenizer_config.json"


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
            index = folder / (whole + INDEX)
            names = {name for name in _weight_map(index).values() if isinstance(name, str)}
            if not names:
                raise ModelError(f"{index.name} in {folder} names no weights. Download it again.")
            wrong = next((name for name in names if not _is_file_name(name)), None)
            if wrong is not None:
                raise ModelError(
                    f"{index.name} in {folder} names {wrong[:40]!r}, which is no name of a file beside it."
                )
            return sorted(names)
    return []


def _weight_map(index: Path) -> dict[str, Any]:
    def unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, value in pairs:
            if made.setdefault(name, value) != value:
                raise ModelError(
                    f"{index.name} in {index.parent} names {visible(name)[:SHOWN]} twice, with another value each "
                    "time, so that nothing tells which holds. Download it again."
                )
        return made

    named = read_json(index, unambiguous).get("weight_map")
    return named if isinstance(named, dict) else {}


def _is_file_name(name: str) -> bool:
    try:
        return 0 < len(name.encode()) <= LONGEST and "/" not in name and "\0" not in name
    except UnicodeEncodeError:
        return False


def weight_names(folder: Path) -> list[str] | None:
    """What the weights are called, as the index or the head of the one file says; None where neither can be read.

    Raises ModelError for an index that is broken.
    """
    if (folder / SAFETENSORS).exists():
        try:
            return list(head(folder / SAFETENSORS))
        except (OSError, ValueError, RecursionError, struct.error):
            return None  # That the file is broken is said where it is loaded.
    index = next((file for whole in _formats(True) if (file := folder / (whole + INDEX)).exists()), None)
    return list(_weight_map(index)) if index is not None else None


def head(file: Path) -> dict[str, Any]:
    """The JSON that a safetensors file begins with, after its length in eight bytes."""
    with file.open("rb") as stream:
        (length,) = struct.unpack("<Q", stream.read(8))
        head = json.loads(stream.read(min(length, HEAD_LIMIT)))
    return head if isinstance(head, dict) else {}


def purpose_of(folder: Path, config: dict[str, Any]) -> Purpose:
    """What the model of a folder is for. Raises ModelError, OSError."""
    return purpose(config, [path.name for path in folder.iterdir()], lambda: weight_names(folder))


def denied(name: str, error: PermissionError) -> str:
    """The sentence for what may not be read of a model."""
    try:
        return no_permission(Path(error.filename))
    except (OSError, TypeError):  # In a folder that may not be looked into; no file is named.
        at = f" at {error.filename}" if error.filename and str(error.filename) != name else ""
        return f"{name} may not be read: permission denied{at}. Ask its owner to let others read it (chmod a+rX)."


def no_permission(path: Path) -> str:
    """The sentence for a file or a folder that may not be read."""
    status = path.stat()
    try:
        owner = path.owner()
    except (KeyError, NotImplementedError):  # A user without a name; a system without users.
        owner = f"user {status.st_uid}"
    return (
        f"{path.name} in {path.parent} may not be read: it belongs to {owner}, and its permissions are "
        f"{status.st_mode & 0o777:o}. Ask them to let others read it (chmod a+r), or download the model for yourself."
    )


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
    if not any(is_tokenizer(path.name) and path.exists() for path in folder.iterdir()):
        return "no tokenizer"
    if dangling := _dangling(folder):
        return f"no {dangling[0]}"
    absent = [name for name in _code_files(folder) if not (folder / name).exists()] if remote_code else []
    return f"no {absent[0]}" if absent else ""


def is_tokenizer(name: str) -> bool:
    """Whether a file is part of a tokenizer, by its name."""
    return name.startswith(TOKENIZERS) or name.endswith((".model", ".tiktoken"))


def is_read(name: str) -> bool:
    """Whether a file is read beside the config and the weights, by its name."""
    return is_tokenizer(name) or name in BESIDE


def _dangling(folder: Path) -> list[str]:
    """What is read and is a link to nowhere, as where a file of the cache was deleted. Raises OSError."""
    return sorted(path.name for path in folder.iterdir() if is_read(path.name) and not path.exists())


def _code_files(folder: Path) -> list[str]:
    """The modules that a model brings along, as its configurations name them: `modeling_x.Class`."""
    found = []
    for name in (CONFIG, "tokenizer_config.json"):
        classes = read_json(folder / name).get("auto_map", {}) if (folder / name).exists() else {}
        for named in classes.values() if isinstance(classes, dict) else ():
            found += [part for part in (named if isinstance(named, list) else [named]) if isinstance(part, str)]
    # `owner/name--modeling_x.Class` is in a repository of its own.
    return sorted({f"{name.split('.')[0]}.py" for name in found if "--" not in name})


def read_config(folder: Path) -> dict[str, Any]:
    """The config.json of a folder. Raises ModelError, also where it or one of its parts has fewer than no layers."""
    config = read_json(folder / CONFIG)
    for part in (config, *(part for part in config.values() if isinstance(part, dict))):
        for name in LAYERS:
            if isinstance(count := part.get(name), int) and count < 0:
                raise ModelError(
                    f"{CONFIG} in {folder} says {name}: {count}, and no model has fewer than no layers. Mend it there, "
                    "or download it again."
                )
    return config


def read_json(path: Path, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> dict[str, Any]:
    """The object in a JSON file of a model; `pairs` makes one of its objects of names and values. Raises ModelError."""
    place = f"{path.name} in {path.parent}"
    try:
        content = json.loads(path.read_bytes(), object_pairs_hook=pairs)
    except ModelError:  # Of `pairs`.
        raise
    except PermissionError as error:
        raise ModelError(no_permission(path)) from error
    except OSError as error:
        raise ModelError(f"{place} cannot be read: {reason(error)}.") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ModelError(f"{place} is not JSON at {where}. Mend it there, or download it again.") from error
    except ValueError as error:  # UnicodeDecodeError, and a number of more digits than Python reads.
        raise ModelError(f"{place} is not JSON. Download it again.") from error
    except RecursionError as error:
        raise ModelError(f"{place} is nested too deep to be read. Download it again.") from error
    if not isinstance(content, dict):
        raise ModelError(f"{place} is not a JSON object. Download it again.")
    return content


def names_in(folder: Path, depth: int = 2) -> list[str]:
    """The files of a folder and of those in it, relative to it; of a large folder, the first. Raises OSError."""
    found: list[str] = []
    for entry in sorted(os.scandir(folder), key=lambda entry: (entry.is_dir(), entry.name)):
        if not entry.is_dir():
            found.append(entry.name)
        elif depth and len(found) < MOST:
            with contextlib.suppress(OSError):  # What may not be looked into is left out.
                found += [f"{entry.name}/{name}" for name in names_in(Path(entry.path), depth - 1)]
    return found
