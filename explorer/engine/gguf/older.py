"""The configs of decoders from before rotary positions were everywhere: GPT-2, BLOOM, Falcon, GPT-NeoX, Phi-2."""

from typing import Any

from explorer.engine.gguf.family import layered, shape_of
from explorer.engine.gguf.keys import Keys


def gpt2(keys: Keys) -> dict[str, Any]:
    """GPT-2: learned positions."""
    keys.leave("attention.head_count_kv", "feed_forward_length")  # The tensors have the true width.
    shape = shape_of(keys)
    return {
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        **_special(shape),
        "n_positions": keys.rows("position_embd.weight"),
        "n_embd": shape["hidden_size"],
        "n_layer": shape["num_hidden_layers"],
        "n_head": keys.count("attention.head_count"),
        "n_inner": keys.rows("blk.0.ffn_up.weight"),
        "layer_norm_epsilon": keys.real("attention.layer_norm_epsilon"),
        "activation_function": "gelu_new",
    }


def bloom(keys: Keys) -> dict[str, Any]:
    """BLOOM: distances in place of positions, so that the length that a file names is none of its context."""
    keys.leave("attention.head_count_kv", "feed_forward_length", "attention.max_alibi_bias")
    shape = shape_of(keys)
    return {
        "model_type": "bloom",
        "architectures": ["BloomForCausalLM"],
        **_special(shape),
        "hidden_size": shape["hidden_size"],
        "n_layer": shape["num_hidden_layers"],
        "n_head": keys.count("attention.head_count"),
        "layer_norm_epsilon": keys.real("attention.layer_norm_epsilon"),
    }


def falcon(keys: Keys) -> dict[str, Any]:
    """Falcon: 7B with one head of keys, and the later ones with a norm for each half of a layer."""
    config = layered(keys, "falcon", "FalconForCausalLM")
    del config["head_dim"]  # The class computes it.
    later = keys.shape("blk.0.attn_norm_2.weight") is not None
    heads = config.pop("num_key_value_heads")
    if not later and heads != 1:
        raise keys.refusal("attention.head_count_kv", "1, or two norms in a layer,")
    return config | {
        "layer_norm_epsilon": keys.real("attention.layer_norm_epsilon"),
        "ffn_hidden_size": config.pop("intermediate_size"),
        "new_decoder_architecture": later,
        "multi_query": not later,
        "num_kv_heads": heads,
        "parallel_attn": True,
        "bias": False,
        "alibi": False,
    }


def gpt_neox(keys: Keys) -> dict[str, Any]:
    """GPT-NeoX and Pythia."""
    config = layered(keys, "gpt_neox", "GPTNeoXForCausalLM", "part")
    return config | {
        "layer_norm_eps": keys.real("attention.layer_norm_epsilon"),
        "use_parallel_residual": keys.flag("use_parallel_residual", True),
        "attention_bias": keys.shape("blk.0.attn_qkv.bias") is not None,
    }


def phi2(keys: Keys) -> dict[str, Any]:
    """Phi-1, 1.5 and 2."""
    keys.leave("feed_forward_length")  # The tensors have the true width.
    return layered(keys, "phi", "PhiForCausalLM", "part") | {
        "layer_norm_eps": keys.real("attention.layer_norm_epsilon"),
        "intermediate_size": keys.rows("blk.0.ffn_up.weight"),
    }


def _special(shape: dict[str, Any]) -> dict[str, Any]:
    names = ("vocab_size", "tie_word_embeddings", "bos_token_id", "eos_token_id", "pad_token_id")
    return {name: shape[name] for name in names}
