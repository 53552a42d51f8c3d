"""Layers that the files of a model have and the model that was made of its config has not. Must not know files."""

import re
from collections.abc import Collection

from transformers import PreTrainedModel

LAYER = re.compile(r"(?P<stack>.*?)\.(?P<number>\d+)\.")
"""The beginning of the name of a weight in a stack of layers."""


def layers_left_out(model: PreTrainedModel, unused: Collection[str]) -> list[str]:
    """The layers that weights without a use belong to, in their order, beyond those that predict further tokens.

    Of stacks that the model has: what it was made without, as a tower, nobody misses.
    """
    modules = dict(model.named_modules())
    found = set[tuple[str, int]]()
    for name in unused:
        layer = LAYER.match(name)
        if layer and layer["stack"] in modules and f"{layer['stack']}.{layer['number']}" not in modules:
            found.add((layer["stack"], int(layer["number"])))
    ahead = getattr(model.config.get_text_config(decoder=True), "num_nextn_predict_layers", 0)
    if isinstance(ahead, int) and len(found) <= ahead:
        return []
    return [f"{stack}.{number}" for stack, number in sorted(found)]
