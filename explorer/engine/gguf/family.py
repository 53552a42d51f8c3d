"""Family: how one architecture of GGUF becomes a model of transformers: its config, and where each tensor goes.

Owns the words of a row, and what most decoders have in common. Must not know torch, nor how a tensor is unpacked.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from explorer.engine.gguf.keys import Keys


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
    """One architecture, by the name that the file has."""

    config: Callable[[Keys], dict[str, Any]]
    """The content of config.json."""
    weights: Mapping[str, tuple[Source, ...]]
    """Name in transformers -> the sources that it may have, of which the file has one. Names without an ending stand
    for a module: its weight, and its bias where the file has one."""


EMBEDDINGS: dict[str, tuple[Source, ...]] = {
    "model.embed_tokens": (of("token_embd"),),
    "model.norm": (of("output_norm"),),
    "lm_head": (of("output"),),
}

ATTENTION: dict[str, tuple[Source, ...]] = {
    "model.layers.{}.input_layernorm": (of("blk.{}.attn_norm"),),
    "model.layers.{}.self_attn.q_proj": (of("blk.{}.attn_q"),),
    "model.layers.{}.self_attn.k_proj": (of("blk.{}.attn_k"),),
    "model.layers.{}.self_attn.v_proj": (of("blk.{}.attn_v"),),
    "model.layers.{}.self_attn.o_proj": (of("blk.{}.attn_output"),),
}

FEED_FORWARD: dict[str, tuple[Source, ...]] = {
    "model.layers.{}.post_attention_layernorm": (of("blk.{}.ffn_norm"),),
    "model.layers.{}.mlp.gate_proj": (of("blk.{}.ffn_gate"),),
    "model.layers.{}.mlp.up_proj": (of("blk.{}.ffn_up"),),
    "model.layers.{}.mlp.down_proj": (of("blk.{}.ffn_down"),),
}

QUERY_KEY_NORMS: dict[str, tuple[Source, ...]] = {
    "model.layers.{}.self_attn.q_norm": (of("blk.{}.attn_q_norm"),),
    "model.layers.{}.self_attn.k_norm": (of("blk.{}.attn_k_norm"),),
}

DECODER = EMBEDDINGS | ATTENTION | FEED_FORWARD

TURNED: dict[str, tuple[Source, ...]] = {
    "model.layers.{}.self_attn.q_proj": (of("blk.{}.attn_q", change="unturn_queries"),),
    "model.layers.{}.self_attn.k_proj": (of("blk.{}.attn_k", change="unturn_keys"),),
}
"""Rotary pairs side by side, as the first Llama had them; transformers has them half a head apart."""


def shape_of(keys: Keys) -> dict[str, Any]:
    """What every decoder says of its size, its ends and its embeddings."""
    keys.leave("vocab_size")  # The embeddings have the true one.
    return {
        "vocab_size": keys.rows("token_embd.weight"),
        "max_position_embeddings": keys.count("context_length"),
        "hidden_size": keys.count("embedding_length"),
        "num_hidden_layers": keys.count("block_count"),
        "tie_word_embeddings": keys.shape("output.weight") is None,
        **special_ids(keys),
    }


def special_ids(keys: Keys) -> dict[str, Any]:
    """The ids of the tokens that begin, end and fill a text."""
    said = keys.header.metadata
    found = {name: said.get(f"tokenizer.ggml.{key}_token_id") for name, key in SPECIAL.items()}
    return {name: value for name, value in found.items() if isinstance(value, int)}


SPECIAL = {"bos_token_id": "bos", "eos_token_id": "eos", "pad_token_id": "padding"}


def attention_of(keys: Keys) -> dict[str, Any]:
    """Heads and their width; a file need not say the number of those of keys, nor their width."""
    heads = keys.count("attention.head_count")
    width = keys.count("attention.key_length", keys.count("embedding_length") // heads)
    if keys.count("attention.value_length", width) != width:
        raise keys.refusal("attention.value_length", "values as wide as keys")
    return {
        "num_attention_heads": heads,
        "num_key_value_heads": keys.count("attention.head_count_kv", heads),
        "head_dim": width,
    }
