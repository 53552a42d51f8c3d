"""Local: the folder that a person means by a path, or why it is no model.

Owns the sentences for what lies at the path. Must not know the hub.
"""

import os
from functools import partial
from pathlib import Path

from explorer.engine.files import checkpoint
from explorer.engine.files.adapters import is_adapter
from explorer.engine.files.fitness import read_in
from explorer.engine.files.fragments import why_no_model
from explorer.errors import ModelError


def local_folder(model: str, whole: bool = True) -> Path | None:
    """The local folder of this name; None for what may be an id of the hub. Raises ModelError.

    `whole`: it must hold a model. A tokenizer alone is in any folder that says nothing against it.
    """
    try:
        folder = _folder(model, whole)
    except PermissionError as error:
        raise ModelError(checkpoint.denied(model, error)) from error
    except (OSError, RuntimeError, ValueError) as error:  # A name too long, a home that is unknown, a null character.
        raise ModelError(f"{model} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    if folder is None and looks_like_path(model):
        raise ModelError(f"There is no folder {model}.")
    return folder


def _folder(model: str, whole: bool) -> Path | None:
    folder = Path(model).expanduser()
    if folder.is_dir():
        if whole:
            _check_folder(f"The folder {model}", folder)
        return folder
    if not folder.exists():
        return None
    raise ModelError(_why_file(model, folder))


def _check_folder(name: str, folder: Path) -> None:
    """Raises ModelError for a folder that holds a part of a model only; `name` begins the sentence.

    An adapter is no part of one: it names its base model.
    """
    if is_adapter(folder):
        return
    if not (folder / checkpoint.CONFIG).exists():
        raise ModelError(why_no_model(name, checkpoint.names_in(folder), partial(read_in, folder)))
    named = checkpoint.weight_files(folder, allow_pickle=True)
    missing = [file for file in named if not (folder / file).exists()]
    if missing:
        raise ModelError(
            f"{name} has {len(named) - len(missing)} of the {len(named)} weight files that its index names; "
            f"{missing[0]} is missing. Copy or download the rest into it."
        )


def _why_file(model: str, file: Path) -> str:
    match file.suffix.lower():
        case ".gguf":
            return (
                f"{model} is a GGUF file, which the explorer does not read. Give the model that it was made from: a "
                "folder with safetensors, or an id of the hub."
            )
        case ".safetensors" | ".bin" | ".pt" | ".pth":
            return f"{model} is a file of weights. Give the folder that holds it, with its config.json and tokenizer."
    return f"{model} is a file. Give the folder that holds the model's config.json."


def looks_like_path(model: str) -> bool:
    """Whether a name that is no folder was meant as one: hub ids have at most one slash, and begin with a letter."""
    return model.startswith((".", "~", os.sep)) or model.count("/") > 1 or "\\" in model
