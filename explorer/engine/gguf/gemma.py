"""The configs of Gemma, whose layers with windows have positions of their own. Must not know other families."""

from typing import Any

from explorer.engine.gguf.family import decoder, heads_of, shape_of
from explorer.engine.gguf.keys import Keys, floats
from explorer.engine.gguf.rope import FREQUENCIES


def gemma(keys: Keys) -> dict[str, Any]:
    """Gemma."""
    return decoder(keys, "gemma", "GemmaForCausalLM") | {"hidden_activation": "gelu_pytorch_tanh"}


def gemma2(keys: Keys) -> dict[str, Any]:
    """Every second layer has a window; that of 27B scales its scores by the width of the model."""
    config = decoder(keys, "gemma2", "Gemma2ForCausalLM")
    return config | {
        "query_pre_attn_scalar": _scores(config, large=46),
        "attn_logit_softcapping": keys.real("attn_logit_softcapping", 50.0),
        "final_logit_softcapping": keys.real("final_logit_softcapping", 30.0),
        "sliding_window": keys.count("attention.sliding_window", 4096),
        "layer_types": keys.windows(config["num_hidden_layers"], 2),
    }


def gemma3(keys: Keys) -> dict[str, Any]:
    """Every sixth layer sees everything, and it alone has the scaled positions."""
    config = decoder(keys, "gemma3_text", "Gemma3ForCausalLM", theta=1_000_000.0)
    window = keys.count("attention.sliding_window", 0)
    layers = config["num_hidden_layers"]
    local = {"rope_type": "default", "rope_theta": keys.real("rope.freq_base_swa", 10_000.0)}
    return config | {
        "query_pre_attn_scalar": _scores(config, large=62),
        "attn_logit_softcapping": None,
        "final_logit_softcapping": keys.real("final_logit_softcapping", 0.0) or None,
        "sliding_window": window or None,
        "layer_types": keys.windows(layers, 6) if window else ["full_attention"] * layers,
        "rope_parameters": {"full_attention": config["rope_parameters"], "sliding_attention": local},
    }


def _scores(config: dict[str, Any], large: int) -> int:
    """What the root of scales the scores of Gemma: the width of a head, but in the model of so many layers."""
    whole: int = config["hidden_size"] // config["num_attention_heads"]
    width: int = config["head_dim"]
    return whole if config["num_hidden_layers"] == large else width


def gemma4(keys: Keys) -> dict[str, Any]:
    """Gemma 4, without the experts of one of its sizes, whose tensors have no place here.

    Layers that see everything have wider heads, and turn a part of them: the rest has factors without end in the file.
    """
    keys.leave("expert_feed_forward_length")
    if keys.count("expert_used_count", 0) or keys.any_tensor(".ffn_gate_inp.weight"):
        raise keys.refusal("expert_count", "models without experts")
    keys.leave("expert_count")
    shape, (attending, width) = shape_of(keys), heads_of(keys)
    layers = shape["num_hidden_layers"]
    types = keys.windows(layers, 6)
    shared = keys.count("attention.shared_kv_layers", 0)
    heads = keys.each("attention.head_count_kv", layers)
    narrow = [count for count, kind in zip(heads, types, strict=True) if kind == "sliding_attention"]
    wide = [count for count, kind in zip(heads, types, strict=True) if kind == "full_attention"]
    widths = keys.each("feed_forward_length", layers)
    if keys.count("attention.value_length_swa") != keys.count("attention.key_length_swa"):
        raise keys.refusal("attention.value_length_swa", "values as wide as keys")
    for name, turned in (("", width), ("_swa", keys.count("attention.key_length_swa"))):
        if keys.count(f"rope.dimension_count{name}", turned) != turned:
            raise keys.refusal(f"rope.dimension_count{name}", f"the whole width of a head, {turned},")
    per_layer = keys.count("embedding_length_per_layer_input", 0)
    base, local = keys.real("rope.freq_base", 1_000_000.0), keys.real("rope.freq_base_swa", 10_000.0)
    return {
        "model_type": "gemma4_text",
        "architectures": ["Gemma4ForCausalLM"],
        **shape,
        "num_attention_heads": attending,
        "num_key_value_heads": (narrow or heads)[0],
        "num_global_key_value_heads": (wide or heads)[0],
        "head_dim": keys.count("attention.key_length_swa"),
        "global_head_dim": width,
        "attention_k_eq_v": not all(keys.shape(f"blk.{one}.attn_v.weight") for one in range(layers - shared)),
        "intermediate_size": widths[0],
        "use_double_wide_mlp": widths[-1] == 2 * widths[0],
        "rms_norm_eps": keys.real("attention.layer_norm_rms_epsilon"),
        "num_kv_shared_layers": shared,
        "hidden_size_per_layer_input": per_layer,
        "vocab_size_per_layer_input": keys.rows("per_layer_token_embd.weight") if per_layer else shape["vocab_size"],
        "sliding_window": keys.count("attention.sliding_window"),
        "layer_types": types,
        "final_logit_softcapping": keys.real("final_logit_softcapping", 0.0) or None,
        "rope_parameters": {
            "full_attention": {
                "rope_type": "proportional",
                "rope_theta": base,
                "partial_rotary_factor": _turned(keys),
            },
            "sliding_attention": {"rope_type": "default", "rope_theta": local},
        },
        "enable_moe_block": False,
    }


def _turned(keys: Keys) -> float:
    """Which part of a head is turned: that of the factors which are 1. Raises ModelError for other factors."""
    factors = floats(keys.header, FREQUENCIES) if keys.shape(FREQUENCIES) else ()
    turned = sum(factor == 1.0 for factor in factors)
    if not all(factor == 1.0 for factor in factors[:turned]) or not all(factor > 1e9 for factor in factors[turned:]):
        raise keys.refusal("rope.freq_base", "factors of its tensor rope_freqs that are 1 or without end")
    return turned / len(factors) if factors else 1.0
