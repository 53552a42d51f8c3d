"""Where a model's weights go: one device, a map of several, or the disk, as accelerate places them.

Owns the devices of this machine and the sentences for those that are not there. Must not know how a model is loaded.
"""

import hashlib
from typing import Any

import torch
from transformers import PreTrainedModel

from explorer.core.folders import cache_folder
from explorer.engine.description import ModelSettings
from explorer.errors import ModelError


def resolve_device(wanted: str) -> str:
    """`auto` is cuda, then mps, then cpu. Raises ModelError for a device that is not there."""
    if wanted == "auto":
        if torch.cuda.is_available():
            return "cuda:0"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, number = wanted.partition(":")
    if kind == "cuda" and not torch.cuda.is_available():
        raise ModelError("There is no CUDA device here, or this torch was built without CUDA. Try --device cpu.")
    if kind == "cuda" and number and int(number) >= torch.cuda.device_count():
        raise ModelError(f"There is no {wanted}: the machine has {torch.cuda.device_count()} CUDA devices.")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise ModelError("There is no Apple GPU (mps) here. Try --device cpu.")
    return "cuda:0" if wanted == "cuda" else wanted


def placement(settings: ModelSettings) -> dict[str, Any]:
    """The arguments of `from_pretrained` that say where weights go.

    Raises ModelError for a device that is not there.
    """
    wanted = settings.device_map
    if wanted is None:
        return {"device_map": {"": resolve_device(settings.device)}}
    placed = {m: _named(device) for m, device in wanted.items()} if isinstance(wanted, dict) else wanted
    limits = {_number(device): amount for device, amount in settings.max_memory.items()}
    for device in limits:
        if isinstance(device, int):
            resolve_device(f"cuda:{device}")
    return {
        "device_map": placed,
        "max_memory": limits or None,
        # Only weights that are converted while loading are written there; the others are read from the model's files.
        "offload_folder": settings.offload_folder or _offload_folder(settings.model),
    }


def _offload_folder(model: str) -> str:
    """The same one each time for a model, so that it holds one copy at the most."""
    name = hashlib.sha256(model.encode()).hexdigest()[:16]
    return str(cache_folder() / "offload" / name)


def _number(device: str) -> int | str:
    return int(device) if device.isdecimal() else device


def _named(device: str) -> int | str:
    """A device of a map, if it is there."""
    if device == "disk":
        return device
    resolved = resolve_device(f"cuda:{device}" if device.isdecimal() else device)
    return int(device) if device.isdecimal() else resolved


def first_device(placed: dict[str, Any]) -> torch.device:
    """The device that the arguments of `placement` fill first, of which an error of memory most likely speaks."""
    wanted = placed["device_map"]
    named = next(iter(wanted.values())) if isinstance(wanted, dict) else resolve_device("auto")
    return torch.device("cpu" if named == "disk" else named)


def device_map(model: PreTrainedModel) -> dict[str, str]:
    """Module -> device; the empty name is the whole model."""
    placed = getattr(model, "hf_device_map", None) or {"": model.device}
    return {module: _spelt(device) for module, device in placed.items()}


ORDER = ("cuda", "mps", "cpu", "disk")


def devices_in_words(model: PreTrainedModel) -> str:
    """The devices of a model, the fastest first: `cuda:0, cpu, disk`."""
    found = set(device_map(model).values())
    return ", ".join(
        sorted(
            found, key=lambda device: (ORDER.index(kind) if (kind := device.partition(":")[0]) in ORDER else 0, device)
        )
    )


def _spelt(device: Any) -> str:
    return f"cuda:{device}" if isinstance(device, int) else str(device)
