"""Fitness: whether the files of a folder can be loaded as a language model, before anything is loaded.

Owns the checks that cost no more than the beginnings of files, and their order. Must not know torch or transformers,
nor where the folder comes from.
"""

import contextlib
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from explorer.core.reading import reason
from explorer.engine.files import checkpoint
from explorer.engine.files.fragments import why_mlx, why_no_model
from explorer.engine.files.purpose import Purpose, refusal
from explorer.engine.files.shards import why_ambiguous
from explorer.errors import ModelError

POINTER = b"version https://git-lfs"
"""How the small file begins that git keeps in place of a large one."""


def check_fitness(folder: Path, name: str, allow_pickle: bool) -> Purpose:
    """What the model of a folder is for. Raises ModelError for one that cannot be loaded; `name` is the model's."""
    with _readable(name):
        return _check(folder, name, allow_pickle)


def check_tokenizer(folder: Path, name: str) -> None:
    """Raises ModelError for a file of the tokenizer that is not what it is called; `name` is the model's."""
    with _readable(name):
        _check_tokenizer(folder)


@contextlib.contextmanager
def _readable(name: str) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise ModelError(checkpoint.denied(name, error)) from error
    except OSError as error:
        raise ModelError(f"{name} cannot be read: {reason(error)}.") from error


def _check(folder: Path, name: str, allow_pickle: bool) -> Purpose:
    _check_file(folder / checkpoint.CONFIG)
    config = checkpoint.read_config(folder)
    kind = config.get("model_type")
    if not isinstance(kind, str | None):
        raise ModelError(f"The config.json of {name} is broken: its model_type is no text. Download it again.")
    meant = checkpoint.purpose_of(folder, config)
    if meant.refusal:
        raise ModelError(refusal(name, config, meant))
    weights = checkpoint.weight_files(folder, allow_pickle=True)
    if not weights:
        raise ModelError(why_no_model(name, checkpoint.names_in(folder), partial(read_in, folder)))
    if said := why_mlx(name, config):
        raise ModelError(said)
    used = checkpoint.weight_files(folder, allow_pickle) or weights
    for file in used:
        _check_file(folder / file)
    if len(used) > 1 and (said := why_ambiguous(folder, [file for file in used if (folder / file).is_file()])):
        raise ModelError(said)
    _check_tokenizer(folder)
    return meant


def _check_tokenizer(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        if checkpoint.is_read(path.name):
            _check_file(path, empty=True)


def read_in(folder: Path, file: str) -> dict[str, Any]:
    """The object in a JSON file of a folder. Raises ModelError."""
    return checkpoint.read_json(folder / file)


def _check_file(path: Path, empty: bool = False) -> None:
    """Raises ModelError for a file that is there and cannot be what it is called; `empty` says whether it may be."""
    if path.is_symlink() and not path.exists():
        place, target = f"{path.name} in {path.parent}", path.readlink()
        raise ModelError(f"{place} is a link to {target}, which is not there. Put the file itself in its place.")
    if not path.is_file():
        return
    if not os.access(path, os.R_OK):
        raise ModelError(checkpoint.no_permission(path))
    with path.open("rb") as stream:
        begins = stream.read(len(POINTER))
    if begins == POINTER:
        raise ModelError(
            f"{path.name} in {path.parent} is a pointer of git-lfs: the file itself was not fetched. Install git-lfs "
            "and run git lfs pull there, or download the model again."
        )
    if not begins and not empty:
        raise ModelError(f"{path.name} in {path.parent} is empty: a copy or a download was cut off. Fetch it again.")
