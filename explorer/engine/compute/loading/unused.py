"""Unused: weights in a model's files for which the model that its config.json describes has no place.

Owns which of them matter to a language model: further layers, weights or biases of modules that are there, and modules
that layers lack, such as a norm. Parts for pictures or for training, and buffers that are computed anew, are none. Must
not load anything.
"""

import re
from collections.abc import Collection

from torch.nn import Module, ModuleList
from transformers import PreTrainedModel

ITEM = re.compile(r"(?P<list>.*?)\.(?P<index>\d+)\..*")


def unused_warning(model: PreTrainedModel, unexpected: Collection[str]) -> str:
    """A sentence about the weights that matter; `unexpected`: the names that transformers had no place for."""
    modules = dict(model.named_modules())
    ahead = getattr(model.config.get_text_config(decoder=True), "num_nextn_predict_layers", None)
    ahead = ahead if isinstance(ahead, int) else 0
    matter = [name for name in sorted(unexpected) if _matters(_path(model, name), modules, ahead)]
    if not matter:
        return ""
    count = f"{len(matter):,} weights" if len(matter) > 1 else "one weight"
    return (
        f"The files have {count} that config.json leaves unused, for example {matter[0]}: they were made for another "
        "model than the one that is opened here, and its numbers were others."
    )


def _path(model: PreTrainedModel, name: str) -> str:
    """The name within the whole model: files may leave out what the body is called."""
    body = f"{model.base_model_prefix}."
    begins = name.partition(".")[0]
    return name if begins in dict(model.named_children()) else body + name


def _matters(path: str, modules: dict[str, Module], ahead: int) -> bool:
    """Whether a weight is of a further layer of a list, of a module, or of one that a layer lacks.

    `ahead`: layers that guess later tokens.
    """
    home, _, kind = path.rpartition(".")
    owner = modules.get(home)
    if owner is not None:
        return kind in ("weight", "bias") and any(True for _ in owner.parameters(recurse=False))
    found = ITEM.fullmatch(path)
    layers = modules.get(found["list"]) if found else None
    if found is None or not isinstance(layers, ModuleList):
        return False
    index = int(found["index"])
    return index >= len(layers) + ahead or (index < len(layers) and kind == "weight")
