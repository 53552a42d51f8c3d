"""From the header of a GGUF file to the config.json and the generation_config.json that transformers reads.

Owns that nothing in a file which decides on numbers is left out in silence. What one architecture says is its family's
affair. Must not know torch, transformers or where a file comes from.
"""

from typing import Any

from explorer.core.token import visible
from explorer.engine.gguf.families import family
from explorer.engine.gguf.family import Family
from explorer.engine.gguf.header import Header
from explorer.engine.gguf.keys import ELSEWHERE, Keys, shortest
from explorer.errors import ModelError

F32, BF16 = 0, 30
"""Numbers of ggml types that are dtypes."""

NOTHING = ("expert_count", "expert_used_count", "pooling_type")
"""Keys that say with a 0 that a model has none of something; families that have it read them."""

SAMPLING = {
    "temp": "temperature",
    "top_k": "top_k",
    "top_p": "top_p",
    "min_p": "min_p",
    "penalty_repeat": "repetition_penalty",
}
"""What a file calls the settings of a sampler that its model's makers recommend -> what transformers calls them."""


def family_of(header: Header) -> Family:
    """The family of a file. Raises ModelError for one that the explorer cannot read."""
    found = family(header)
    if found is None:
        raise ModelError(
            f"{header.path} is a model of the architecture {visible(header.architecture)[:40]}, which cannot be read "
            f"from GGUF here. Give the model that it was made from: a folder with safetensors. {ELSEWHERE}"
        )
    return found


def config_of(header: Header) -> dict[str, Any]:
    """The content of config.json. Raises ModelError for a file that says what transformers cannot follow."""
    keys = Keys(header)
    config = family_of(header).config(keys)
    keys.leave("tensor_data_layout")
    if not keys.flag("attention.causal", True):
        raise keys.refusal("attention.causal", "true")
    if unread := [name for name in keys.unread() if name not in NOTHING or keys.count(name)]:
        raise keys.unknown(unread[0])
    kinds = {tensor.kind for tensor in header.tensors}
    if kinds <= {F32}:
        config["dtype"] = "float32"
    elif kinds <= {F32, BF16}:
        config["dtype"] = "bfloat16"
    return config


def generation_config_of(header: Header) -> dict[str, Any]:
    """The content of generation_config.json, but for what ends a sequence, which is the tokenizer's to say."""
    said = header.metadata
    found: dict[str, Any] = {}
    for key, name in SAMPLING.items():
        value = said.get(f"general.sampling.{key}")
        if isinstance(value, int | float) and not isinstance(value, bool):
            found[name] = shortest(value) if isinstance(value, float) else value
    if found:
        found["do_sample"] = True
    return found
