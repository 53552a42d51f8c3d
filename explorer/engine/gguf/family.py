"""Family: how one architecture of GGUF becomes a model of transformers: its config, and where each tensor goes.

Owns the words of a row, and what most decoders have in common. Must not know torch, nor how a tensor is unpacked.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from explorer.engine.gguf.keys import Keys
from explorer.engine.gguf.rope import rope_of


class Source(NamedTuple):
    """What a weight is made of: tensors of the file, and what is undone of the change that made them.

    `{}` stands for the number of a layer. A change is named as changes.py of the loading names it.
    """

    tensors: tuple[str, ...]
    change: str = ""


def of(*tensors: str, change: str = "") -> Source:
    """A row of a table of weights."""
    return Source(tensors, change)


class Family(NamedTuple):
    """One architecture, by the name that a file has for it."""

    config: Callable[[Keys], dict[str, Any]]
    """The content of config.json."""
    weights: Mapping[str, tuple[Source, ...]]
    """Name in transformers -> the sources that it may have, of which the file has one. Names without an ending stand
    for a module: its weight, and its bias where the file has one."""


def decoder(keys: Keys, kind: str, name: str, rotary: str = "whole", theta: float = 10_000.0) -> dict[str, Any]:
    """The config of a decoder with rotary positions and RMS norms. `kind` and `name` are transformers' words for it.

    `rotary` says how much of a head may be turned: `whole`, or also a `part`.
    """
    attention = attention_of(keys)
    return {
        "model_type": kind,
        "architectures": [name],
        **shape_of(keys),
        **attention,
        "intermediate_size": keys.count("feed_forward_length"),
        "rms_norm_eps": keys.real("attention.layer_norm_rms_epsilon"),
        "rope_parameters": rope_of(keys, attention["head_dim"], rotary == "part", theta),
    }


def layered(keys: Keys, kind: str, name: str, rotary: str = "whole") -> dict[str, Any]:
    """The same with layer norms, which the caller names: their epsilon has many names."""
    attention = attention_of(keys)
    return {
        "model_type": kind,
        "architectures": [name],
        **shape_of(keys),
        **attention,
        "intermediate_size": keys.count("feed_forward_length"),
        "rope_parameters": rope_of(keys, attention["head_dim"], rotary == "part"),
    }


def shape_of(keys: Keys) -> dict[str, Any]:
    """What every decoder says of its size, its ends and its embeddings."""
    keys.leave("vocab_size")  # The embeddings have the true one.
    return {
        "vocab_size": keys.rows("token_embd.weight"),
        "max_position_embeddings": keys.count("context_length"),
        "hidden_size": keys.size("embedding_length"),
        "num_hidden_layers": keys.layers(),
        "tie_word_embeddings": keys.shape("output.weight") is None,
        **special_ids(keys),
    }


def special_ids(keys: Keys) -> dict[str, Any]:
    """The ids of the tokens that begin, end and fill a text."""
    said = keys.header.metadata
    found = {name: said.get(f"tokenizer.ggml.{key}_token_id") for name, key in SPECIAL.items()}
    # What a file does not name, a class must not take its own default for.
    return {name: value if isinstance(value, int) else None for name, value in found.items()}


SPECIAL = {"bos_token_id": "bos", "eos_token_id": "eos", "pad_token_id": "padding"}


def heads_of(keys: Keys) -> tuple[int, int]:
    """How many heads a layer has, and their width, which a file need not say."""
    heads = keys.size("attention.head_count")
    width = keys.size("attention.key_length", keys.count("embedding_length") // heads)
    if keys.count("attention.value_length", width) != width:
        raise keys.refusal("attention.value_length", "values as wide as keys")
    return heads, width


def attention_of(keys: Keys) -> dict[str, Any]:
    """The same for a config; a file need not say the number of heads of keys."""
    heads, width = heads_of(keys)
    return {
        "num_attention_heads": heads,
        "num_key_value_heads": keys.count("attention.head_count_kv", heads),
        "head_dim": width,
    }
