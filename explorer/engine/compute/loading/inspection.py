"""Structure of a loaded model: its shape, where each module lives, every weight. Must not know how it was loaded."""

import math
from collections import defaultdict
from typing import Any

from transformers import PreTrainedModel

from explorer.engine.capabilities import Capabilities
from explorer.engine.compute.loading import quantization
from explorer.engine.compute.loading.placement import device_map
from explorer.engine.description import Module, Parameter, Structure
from explorer.engine.files.checkpoint import LAYERS

NAMES = {
    "layers": LAYERS,
    "heads": ("num_attention_heads", "n_head", "num_heads", "n_heads"),
    "key_value_heads": ("num_key_value_heads", "num_kv_heads", "multi_query_group_num"),
    "head_dim": ("head_dim",),
    "hidden_size": ("hidden_size", "n_embd", "d_model"),
}
"""What configs call it; the first that is there holds."""


def structure(model: PreTrainedModel, cache: Capabilities) -> Structure:
    """What the model is made of."""
    config = model.config.get_text_config(decoder=True)
    shape = {field: _number(config, names) for field, names in NAMES.items()}
    if shape["key_value_heads"] is None:
        shape["key_value_heads"] = shape["heads"]
    if shape["head_dim"] is None and shape["hidden_size"] and shape["heads"]:
        shape["head_dim"] = shape["hidden_size"] // shape["heads"]
    placed = device_map(model)
    weights = [
        Parameter(name, tuple(weight.shape), str(weight.dtype).removeprefix("torch."), _device(name, weight, placed))
        for name, weight in model.named_parameters()
    ]
    return Structure(
        **shape,
        memory=model.get_memory_footprint(),
        quantization=quantization.in_words(model),
        devices=placed,
        cache=cache,
        modules=_modules(model, weights),
        weights=weights,
    )


def _modules(model: PreTrainedModel, weights: list[Parameter]) -> list[Module]:
    counts: dict[str, int] = defaultdict(int)
    places: dict[str, dict[str, None]] = defaultdict(dict)
    for weight in weights:
        for name in _ancestors(weight.name):
            counts[name] += math.prod(weight.shape)
            places[name][weight.device] = None
    return [
        Module(name, type(module).__name__, counts[name], ", ".join(places[name]))
        for name, module in model.named_modules()
    ]


def _ancestors(name: str) -> list[str]:
    """The modules that a name is in, the nearest first; the last is the model itself, by the empty name."""
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(len(parts) - 1, -1, -1)]


def _number(config: Any, names: tuple[str, ...]) -> int | None:
    found = (getattr(config, name, None) for name in names)
    return next((value for value in found if isinstance(value, int)), None)


def _device(name: str, weight: Any, placed: dict[str, str]) -> str:
    """Weights that are offloaded are on `meta`; the map says where they wait."""
    if weight.device.type != "meta":
        return str(weight.device)
    return next((placed[module] for module in _ancestors(name) if module in placed), "meta")
