"""Fitness: whether a folder or a GGUF file can be loaded as a language model, before anything is loaded.

Owns the checks that cost no more than the beginnings of files, and their order. Must not know torch or transformers,
nor where the files come from.
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
from explorer.engine.gguf.cursor import MAGIC
from explorer.engine.gguf.header import read_header
from explorer.engine.gguf.purpose import why_unfit
from explorer.engine.gguf.tensors import check_tensors
from explorer.errors import ModelError

POINTER = b"version https://git-lfs"
"""How the small file begins that git keeps in place of a large one."""


OLDER = {
    b"lmgg": "ggml",
    b"fmgg": "ggmf",
    b"tjgg": "ggjt",
    b"algg": "ggla",
}
"""How files begin that llama.cpp wrote before GGUF, and what these formats are called."""


def check_fitness(place: Path, name: str, allow_pickle: bool) -> Purpose:
    """What the model of a folder or a GGUF file is for. Raises ModelError for one that cannot be loaded.

    `name` is the model's.
    """
    with _readable(name):
        if place.is_dir():
            return _check(place, name, allow_pickle)
        return _check_gguf(place, name)


def check_tokenizer(place: Path, name: str) -> None:
    """Raises ModelError for a file of the tokenizer that is not what it is called; `name` is the model's.

    A GGUF file may end before its weights do, and be of any purpose.
    """
    with _readable(name):
        if place.is_dir():
            _check_tokenizer(place)
        elif why := why_no_gguf(place):
            raise ModelError(why)


def why_no_gguf(file: Path) -> str:
    """A sentence for a file that does not begin as GGUF does; "" for one that does. Raises ModelError, OSError."""
    _check_file(file)
    with file.open("rb") as stream:
        begins = stream.read(512)
    if begins.startswith(MAGIC):
        return ""
    if why := why_older(file):
        return why
    if begins.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return (
            f"{file} is a web page, and no model: the download took the page in place of the file. Download it again."
        )
    return f"{file} does not begin as a GGUF file does. Download it again."


def why_older(file: Path) -> str:
    """A sentence for a file in a format that llama.cpp wrote before GGUF; "" for any other. Raises OSError."""
    with file.open("rb") as stream:
        form = OLDER.get(stream.read(4))
    if form is None:
        return ""
    return (
        f"{file} is in the format {form}, which llama.cpp wrote before GGUF and no longer reads. Download the model as "
        "GGUF, or give the one that it was made from."
    )


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


def _check_gguf(file: Path, name: str) -> Purpose:
    if why := why_no_gguf(file):
        raise ModelError(why)
    header = read_header(file, vocabulary=False)
    if unfit := why_unfit(header.metadata, len(header.tensors)):
        raise ModelError(f"{name} {unfit.sentence}")
    check_tensors(header)
    return Purpose()


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
