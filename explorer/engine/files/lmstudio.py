"""LM Studio: the models that it keeps, read where they lie.

Owns the layout of its folder: publisher/model/file. Must not know the hub.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from explorer.engine.files import checkpoint
from explorer.engine.files.local import gguf_in, local_model
from explorer.engine.files.selection import models_among, short_name
from explorer.errors import ModelError

PREFIX = "lmstudio:"
HOMES = ("~/.lmstudio", "~/.cache/lm-studio")
POINTER = "~/.lmstudio-home-pointer"
"""A file that names another home."""


def kept() -> Iterator[tuple[str, Path]]:
    """The GGUF files of LM Studio, and what each is opened by; what cannot be read is left out."""
    for folder in folders():
        with contextlib.suppress(OSError):
            for home in sorted(folder.glob("*/*")):
                if home.is_dir():
                    names = checkpoint.names_in(home)
                    for name in models_among(names):
                        called = home.relative_to(folder).as_posix()
                        yield f"{PREFIX}{called}:{short_name(names, name)}", home / name


def find(model: str) -> Path:
    """The folder or the GGUF file of a model, `lmstudio:PUBLISHER/MODEL` or `lmstudio:PUBLISHER/MODEL:FILE`.

    Raises ModelError.
    """
    name, _, wanted = model.removeprefix(PREFIX).strip().partition(":")
    parts = Path(name).parts
    inside = len(parts) >= 2 and not {"..", "/"} & set(parts)
    for folder in folders() if inside else ():
        place = folder / name
        try:
            if place.is_dir():
                return gguf_in(place, f"{PREFIX}{name.rstrip('/')}", wanted) if wanted else _open(place, name)
            if place.is_file() and (found := local_model(str(place))):
                return found
        except PermissionError as error:
            raise ModelError(checkpoint.denied(model, error)) from error
        except OSError:
            continue
    raise ModelError(_why_none(model))


def _open(place: Path, name: str) -> Path:
    names = checkpoint.names_in(place)
    if checkpoint.CONFIG in names or not models_among(names):
        return local_model(str(place)) or place
    return gguf_in(place, f"{PREFIX}{name.rstrip('/')}")


def folders() -> list[Path]:
    """The folders of models, where they are: the one that the settings name first."""
    found: list[Path] = []
    with contextlib.suppress(RuntimeError):  # A home that is unknown.
        for home in _homes():
            with contextlib.suppress(ModelError, OSError):
                said = checkpoint.read_json(home / "settings.json").get("downloadsFolder")
                if isinstance(said, str) and said:
                    found.append(Path(said).expanduser())
            found.append(home / "models")
    return list(dict.fromkeys(folder.resolve() for folder in found if _is_there(folder)))


def _homes() -> list[Path]:
    homes = [Path(home).expanduser() for home in HOMES]
    with contextlib.suppress(OSError, ValueError):
        homes.insert(0, Path(Path(POINTER).expanduser().read_text("utf-8").strip()).expanduser())
    return list(dict.fromkeys(homes))


def _is_there(folder: Path) -> bool:
    try:
        return folder.is_dir()
    except (OSError, ValueError):
        return False


def _why_none(model: str) -> str:
    if not folders():
        return f"{model} is not on this machine: there is no folder of models of LM Studio. Give the path of the file."
    names = [name for name, _ in kept()]
    has = f" It has {', '.join(names[:8])}{' and more' if len(names) > 8 else ''}." if names else ""
    return f"LM Studio has no {model.removeprefix(PREFIX)} on this machine.{has}"
