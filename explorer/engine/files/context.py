"""Context: how many positions a model has, by what its config names.

Owns the names of the length, and what a scaled rotary embedding makes of it. Works on the text config alone, as a
mapping, so that the list of models and the opened one agree. Must not know torch, transformers or folders.
"""

import math
from collections.abc import Mapping
from typing import Any

CONTEXT_NAMES = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "seq_length")
"""Under which the configs of models name the length of their context."""

ORIGINAL = "original_max_position_embeddings"
"""The length before the positions were scaled, in the config or among the parameters of the scaling."""

NO_LIMIT = ("bloom", "rwkv")
"""Model types that know distances (ALiBi) or a state instead of positions, whatever length their config names; other
models with ALiBi say so in their config."""

FROM_NAMED = ("linear", "dynamic")
"""Types of scaling whose factor is one of the length that the config names, which transformers asks to leave alone."""

FROM_ORIGINAL = ("yarn", "longrope", "su", *FROM_NAMED)
"""Types whose factor is one of the original length, where that stands beside it. The factor of "llama3" is none of the
length: Llama 3.2 has 32, and 16 times its original length; nor is that of "proportional"."""

AS_NAMED = ("gemma3", "gemma3_text", "biogpt", "git", "gpt_neo", "opt", "xglm")
"""Model types whose configs name the scaled length, though their scaling looks like one of those above; and those with
a table of learned positions, beyond whose end there is nothing."""


FROM_PADDING = (
    "camembert",
    "data2vec-text",
    "roberta",
    "roberta-prelayernorm",
    "xlm-roberta",
    "xlm-roberta-xl",
    "xmod",
)
"""Model types that count positions on from the id of their padding: the first of the table stand for no token."""


def context_length(text: Mapping[str, Any]) -> int | None:
    """How many positions a text config gives; None where it names no limit, or one of training only.

    Never less than it names: a server may let a text go on further than its factor says, and so does transformers.
    """
    attention = text.get("attn_config")
    alibi = attention.get("alibi") if isinstance(attention, Mapping) else getattr(attention, "alibi", text.get("alibi"))
    if text.get("model_type") in NO_LIMIT or alibi:
        return None
    name = next((name for name in CONTEXT_NAMES if _is_length(text.get(name))), None)
    if name is None:
        return None
    named: int = text[name]
    if text.get("model_type") in FROM_PADDING:
        padding = text.get("pad_token_id", 1)
        return max(named - 1 - (padding if _is_length(padding) else 0), 1)
    # Positions of other names are learned, or a table of sines: nothing stretches them.
    if name != "max_position_embeddings" or text.get("model_type") in AS_NAMED:
        return named
    return max([named, *(_scaled(named, text.get(ORIGINAL), parameters) for parameters in rope_parameters(text))])


def rope_parameters(text: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The parameters of a text config's rotary embeddings: one mapping, or one for each type of layers."""
    found = text.get("rope_parameters") or text.get("rope_scaling")
    if not isinstance(found, Mapping):
        return []
    nested = [value for value in found.values() if isinstance(value, Mapping)]
    return nested or [found]


def rope_type(parameters: Mapping[str, Any]) -> str:
    """The type of scaling; older configs call it by the other name."""
    return str(parameters.get("rope_type") or parameters.get("type") or "default")


def _scaled(named: int, original: Any, parameters: Mapping[str, Any]) -> int:
    """The length that a scaling makes of the named or the original one."""
    kind, factor = rope_type(parameters), parameters.get("factor")
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not math.isfinite(factor):
        return named
    beside = next((length for length in (parameters.get(ORIGINAL), original) if _is_length(length)), None)
    if beside is not None and kind in FROM_ORIGINAL:
        return int(beside * factor)
    return int(named * factor) if kind in (*FROM_NAMED, "yarn") else named


def _is_length(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
