"""Tiny random models whose rotary embeddings are scaled for long texts, in every way that transformers knows."""

import random
from functools import cache
from typing import Any

from transformers import PreTrainedModel

from tests.engine import architectures

LIMIT = 45
"""The length at which the factors change; the walks of the matrix go from 1 to 90 tokens."""

OF_LENGTH = ("longrope", "dynamic")
"""The types whose factors follow the length of the text."""

PARAMETERS: dict[str, dict[str, Any]] = {
    "default": {},
    "linear": {"factor": 4.0},
    "dynamic": {
        "factor": 4.0,
        "original_max_position_embeddings": LIMIT,
        "short_mscale": 1.0,
        "long_mscale": 1.0,
    },
    "yarn": {"factor": 4.0, "original_max_position_embeddings": LIMIT},
    "longrope": {"factor": 4.0, "original_max_position_embeddings": LIMIT, "short_mscale": 1.0, "long_mscale": 1.3},
    "llama3": {
        "factor": 4.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": LIMIT,
    },
    "proportional": {"factor": 2.0},
}
"""What each type needs beside `rope_theta`, in the models that ask for most of it; the two lists of longrope depend on
the size of the heads."""


UNSCALED = (
    dict.fromkeys(("gemma4", "gemma4_text", "gemma4_unified", "gemma4_unified_text"), "a size of heads for each layer")
    | dict.fromkeys(("lfm3", "mimo_v2_flash"), "sizes of heads that the factors of longrope do not fit")
    | {"recurrent_gemma": "takes no scaling"}
)
"""Model types with a rotary embedding that are not tried with other factors, and why."""


@cache
def scaled(kind: str, rope: str, only: str = "") -> PreTrainedModel:
    """A model of a type with that scaling, or in the layers of the type `only` alone."""
    tiny = architectures.config(kind)
    text = tiny.get_text_config(decoder=True)
    head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    nested = {name: value for name, value in text.rope_parameters.items() if isinstance(value, dict)}
    for parameters in [nested[only]] if only else nested.values() or [text.rope_parameters]:
        parameters |= {"rope_type": rope, **PARAMETERS[rope]}
        if rope == "longrope":
            pairs = int(head * parameters.get("partial_rotary_factor", 1.0)) // 2
            parameters["short_factor"] = [1.0] * pairs
            parameters["long_factor"] = [1.0 + 2 * index for index in range(pairs)]
    if rope == "dynamic":
        text.max_position_embeddings = LIMIT
    if rope == "longrope" and kind in ("phi3", "phimoe"):
        # By this name their generate() knows where to let its cache go.
        text.original_max_position_embeddings = LIMIT
    return architectures.build_from(tiny, kind)


def text_of(length: int, seed: int = 0) -> list[int]:
    """Ids without a pattern."""
    rng = random.Random(seed)
    return [rng.randrange(3, architectures.V) for _ in range(length)]
