"""Ollama: the models that it keeps, read where they lie.

Owns the layout of its folder: a manifest for each name, and the blobs that it names. Its templates, system texts and
parameters are its own affair: what counts is what the GGUF file says. Must not know the hub.
"""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from explorer.core.token import visible
from explorer.engine.files import checkpoint
from explorer.errors import ModelError

PREFIX = "ollama:"
REGISTRY, LIBRARY, LATEST = "registry.ollama.ai", "library", "latest"
"""What a name goes without saying."""

FOLDERS = (
    "~/.ollama/models",
    "/usr/share/ollama/.ollama/models",
    "/var/lib/ollama/.ollama/models",
    "/var/lib/ollama/models",
    "/var/lib/ollama",
)
"""Where Ollama keeps its models: for this user, or for all as a service of the system."""

LAYER = "application/vnd.ollama.image."
DIGEST = re.compile(r"sha256[:-](?P<number>[0-9a-f]{64})")


class Kept(NamedTuple):
    """A model of Ollama."""

    name: str
    """What it is opened by."""
    file: Path | None
    """The GGUF file; None where there is none here."""
    problem: str
    """Why it cannot be opened, in a few words; empty where nothing speaks against it."""


def kept() -> Iterator[Kept]:
    """All models of this machine's Ollama; of a folder that may not be read, that it is there."""
    for folder in folders():
        manifests = folder / "manifests"
        try:
            found = sorted(manifest for manifest in manifests.glob("*/*/*/*") if manifest.is_file())
        except PermissionError:
            found = []
        if not found and not os.access(manifests, os.R_OK | os.X_OK):
            yield Kept(PREFIX, None, f"the folder {folder} may not be read")
        for manifest in found:
            name = _name(manifest.relative_to(manifests).parts)
            try:
                yield _kept(folder, manifest, name)
            except (ModelError, OSError):
                yield Kept(name, None, "its manifest cannot be read")


def find(model: str) -> Path:
    """The GGUF file of a model that is called `ollama:NAME`. Raises ModelError."""
    name = model.removeprefix(PREFIX).strip()
    parts = _parts(name)
    denied = ""
    for folder in folders():
        manifest = folder.joinpath("manifests", *parts)
        try:
            manifest.stat()
            found = _kept(folder, manifest, model)
        except PermissionError as error:
            denied = denied or checkpoint.denied(f"The folder of Ollama {folder}", error)
        except OSError:
            continue
        else:
            if found.file is None or found.problem:
                raise ModelError(_why(model, found))
            return found.file
    raise ModelError(denied or _why_none(name))


def has(name: str) -> bool:
    """Whether Ollama has a model of this name, as it calls it."""
    with contextlib.suppress(ModelError):
        find(PREFIX + name)
        return True
    return False


def folders() -> list[Path]:
    """The folders of Ollama, where they are; one that the environment names stands alone."""
    named = os.environ.get("OLLAMA_MODELS", "").strip()
    with contextlib.suppress(RuntimeError):  # A home that is unknown.
        places = [Path(place).expanduser() for place in ([named] if named else FOLDERS)]
        return list(dict.fromkeys(place.resolve() for place in places if _is_there(place)))
    return []


def _is_there(folder: Path) -> bool:
    try:
        (folder / "manifests").stat()
    except PermissionError:
        return True  # It is told that it may not be read.
    except (OSError, ValueError):
        return False
    return True


def _parts(name: str) -> tuple[str, ...]:
    """Where the manifest of a name lies. Raises ModelError for what is no name."""
    place, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        place, tag = name, LATEST
    parts = place.split("/")
    given = [REGISTRY, LIBRARY][: max(3 - len(parts), 0)] + parts
    if len(given) != 3 or not all(re.fullmatch(r"[\w][\w.:-]*", part) for part in (*given, tag)):
        raise ModelError(f"“{visible(name)}” is no name of Ollama. Write it as ollama list does: {PREFIX}llama3.2:1b.")
    return (*given, tag)


def _name(parts: tuple[str, ...]) -> str:
    host, space, name, tag = parts
    place = [name] if (host, space) == (REGISTRY, LIBRARY) else [space, name]
    return f"{PREFIX}{'/'.join(place if host == REGISTRY else [host, *place])}:{tag}"


def _kept(folder: Path, manifest: Path, name: str) -> Kept:
    """What a manifest tells. Raises ModelError for one that cannot be read, PermissionError."""
    layers = _layers(checkpoint.read_json(manifest))
    if "model" not in layers:
        return Kept(name, None, "tensors in a format of Ollama's own" if "tensor" in layers else "no weights here")
    blob = _blob(folder, layers["model"])
    if blob is None:
        return Kept(name, None, "its weights are not here")
    return Kept(name, blob, "it has an adapter beside its weights" if "adapter" in layers else "")


def _layers(manifest: dict[str, Any]) -> dict[str, str]:
    """Kind -> digest."""
    layers = manifest.get("layers")
    found: dict[str, str] = {}
    for layer in layers if isinstance(layers, list) else ():
        if isinstance(layer, dict) and isinstance(kind := layer.get("mediaType"), str):
            found.setdefault(kind.removeprefix(LAYER), str(layer.get("digest")))
    return found


def _blob(folder: Path, digest: str) -> Path | None:
    """The file of a digest. Raises PermissionError."""
    number = DIGEST.fullmatch(digest)
    names = [f"sha256-{number['number']}", f"sha256:{number['number']}"] if number else []
    return next((file for name in names if (file := folder / "blobs" / name).exists()), None)


def _why(model: str, found: Kept) -> str:
    if found.file is not None:
        return (
            f"{model} cannot be opened: {found.problem}, which the explorer does not apply. Where you want the weights "
            f"alone, give their file: {found.file}."
        )
    match found.problem:
        case "its weights are not here":
            way_out = f"Fetch them with: ollama pull {model.removeprefix(PREFIX)}."
        case "no weights here":
            way_out = "It runs on a server. Pull a model that runs on this machine."
        case _:
            way_out = "Give the same model as GGUF, or an id of the hub."
    return f"{model} cannot be opened: {found.problem}. {way_out}"


def _why_none(name: str) -> str:
    if not folders():
        named = os.environ.get("OLLAMA_MODELS", "").strip()
        where = f"OLLAMA_MODELS names {named}, and there is no such folder of Ollama" if named else "there is no Ollama"
        return f"ollama:{name} is not on this machine: {where}. Set OLLAMA_MODELS to the folder that has its manifests."
    names = [one.name.removeprefix(PREFIX) for one in kept()]
    has = f"It has {', '.join(map(visible, names[:8]))}{' and more' if len(names) > 8 else ''}." if names else ""
    return f"Ollama has no model {visible(name)} on this machine. {has} Fetch it with: ollama pull {visible(name)}."
