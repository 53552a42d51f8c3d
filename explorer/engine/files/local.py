"""Local: the folder or the GGUF file that a person means by a path, or why there is no model.

Owns the sentences for what lies at the path, and which of two formats in a folder counts: safetensors with their
config.json come before GGUF. Must not know the hub.
"""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from explorer.engine.files import checkpoint
from explorer.engine.files.adapters import is_adapter
from explorer.engine.files.fitness import read_in, why_no_gguf, why_older
from explorer.engine.files.fragments import is_gguf_alone, why_no_model
from explorer.engine.files.selection import Place, is_gguf_name, is_piece, piece_sentence, select
from explorer.engine.gguf.header import is_gguf
from explorer.errors import ModelError

UNFINISHED = (
    *(".part", ".partial", "-partial", ".incomplete", ".crdownload", ".download", ".downloadinprogress", ".!qb"),
    ".aria2",
)
"""How files are called that a browser or another program is still downloading."""


def local_model(model: str, whole: bool = True) -> Path | None:
    """The local folder of this name, or the GGUF file; None for what may be an id of the hub. Raises ModelError.

    `FOLDER:FILE` and `FOLDER:QUANTISATION` name one GGUF file of a folder. `whole`: there must be a model. A tokenizer
    alone is in any folder that says nothing against it.
    """
    try:
        found = _found(model, whole)
    except PermissionError as error:
        raise ModelError(checkpoint.denied(model, error)) from error
    except (OSError, RuntimeError, ValueError) as error:  # A name too long, a home that is unknown, a null character.
        raise ModelError(f"{model} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    if found is None and looks_like_path(model):
        raise ModelError(f"There is no {'file' if is_gguf_name(model) else 'folder'} {model}.")
    return found


def whole_path(path: Path) -> str | None:
    """The path of a folder or a file from the root on, and of `FOLDER:FILE`; None where there is nothing.

    A link to a file keeps its name, by which a person knows it.
    """
    try:
        if path.is_dir():
            return str(path.resolve())
        if path.exists():
            return str(path.parent.resolve() / path.name)
        folder, colon, wanted = str(path).rpartition(":")
        return f"{Path(folder).resolve()}:{wanted}" if colon and wanted and Path(folder).is_dir() else None
    except (OSError, RuntimeError):  # It is told where it is opened.
        return None


def gguf_in(folder: Path, model: str, wanted: str | None = None) -> Path:
    """The GGUF file of a folder that is meant; `model` is what the folder is called. Raises ModelError, OSError."""
    sizes = {name: _size(folder / name) for name in checkpoint.names_in(folder) if is_gguf_name(name)}
    return folder / select(Place(f"The folder {model}", model), sizes, wanted)


def _found(model: str, whole: bool) -> Path | None:
    path = Path(model).expanduser()
    if path.is_dir():
        return _in_folder(path, model, whole)
    if path.exists():
        wrong = not path.is_file() or is_piece(path.name) or _is_unfinished(path)
        if wrong or not (is_gguf(path) or is_gguf_name(path.name)):
            raise ModelError(_why_file(model, path))
        if why := why_no_gguf(path):
            raise ModelError(why)
        return path
    if path.is_symlink():
        raise ModelError(f"{model} is a link to {path.readlink()}, which is not there. Give the file itself.")
    before, colon, wanted = model.rpartition(":")
    if colon and wanted and (folder := Path(before).expanduser()).is_dir():
        return gguf_in(folder, before.rstrip("/") or before, wanted)
    return None


def _in_folder(folder: Path, model: str, whole: bool) -> Path:
    names = checkpoint.names_in(folder)
    if not is_gguf_alone(names) or is_adapter(folder):
        if whole:
            _check_folder(f"The folder {model}", folder, names)
        return folder
    if not whole and any(checkpoint.is_tokenizer(name) for name in names):
        return folder
    return gguf_in(folder, model.rstrip("/") or model)


def _check_folder(name: str, folder: Path, names: Sequence[str]) -> None:
    """Raises ModelError for a folder that holds a part of a model only; `name` begins the sentence.

    An adapter is no part of one: it names its base model.
    """
    if is_adapter(folder):
        return
    if not (folder / checkpoint.CONFIG).exists():
        raise ModelError(why_no_model(name, names, partial(read_in, folder)))
    named = checkpoint.weight_files(folder, allow_pickle=True)
    missing = [file for file in named if not (folder / file).exists()]
    if missing:
        raise ModelError(
            f"{name} has {len(named) - len(missing)} of the {len(named)} weight files that its index names; "
            f"{missing[0]} is missing. Copy or download the rest into it."
        )


def _size(file: Path) -> int | None:
    try:
        return file.stat().st_size
    except OSError:  # A link to nowhere: it is told where it is opened.
        return None


def _is_unfinished(file: Path) -> bool:
    return file.name.lower().endswith(UNFINISHED) or file.with_name(f"{file.name}.aria2").exists()


def _why_file(model: str, file: Path) -> str:
    if not file.is_file():
        return f"{model} is a device or a pipe, and no file. Give a folder with a model, or a GGUF file."
    if is_piece(file.name):
        return f"{model} {piece_sentence()}"
    if _is_unfinished(file):
        return f"{model} is a download that is not finished. Wait for it, or start it again, and give the whole file."
    match file.suffix.lower():
        case ".safetensors" | ".bin" | ".pt" | ".pth":
            return why_older(file) or (
                f"{model} is a file of weights. Give the folder that holds it, with its config.json and tokenizer."
            )
    return f"{model} is a file. Give the folder that holds the model's config.json, or a GGUF file."


def looks_like_path(model: str) -> bool:
    """Whether a name that is nowhere was meant as a path: hub ids have at most one slash, and begin with a letter."""
    name, colon, file = model.partition(":")
    if colon and not model.startswith((".", "~", os.sep)):  # A file of a repository may lie in a folder of it.
        return "\\" in file or looks_like_path(name)
    alone = "/" not in model and is_gguf_name(model)
    return alone or model.startswith((".", "~", os.sep)) or model.count("/") > 1 or "\\" in model
