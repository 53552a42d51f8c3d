"""The configs of decoders with states: Mamba, LFM2 and Qwen 3.5."""

from typing import Any

from explorer.engine.gguf.family import attention_of, shape_of
from explorer.engine.gguf.keys import Keys
from explorer.engine.gguf.rope import rope_of
from explorer.engine.gguf.sparse import SIGMOID


def mamba(keys: Keys) -> dict[str, Any]:
    """Mamba: nothing but states."""
    keys.leave("feed_forward_length", "attention.head_count")
    shape = shape_of(keys)
    inner, width = keys.count("ssm.inner_size"), shape["hidden_size"]
    if inner % width:
        raise keys.refusal("ssm.inner_size", f"a multiple of {width}")
    if keys.flag("ssm.dt_b_c_rms", False):
        raise keys.refusal("ssm.dt_b_c_rms", "false")
    return {
        "model_type": "mamba",
        "architectures": ["MambaForCausalLM"],
        **shape,
        "state_size": keys.count("ssm.state_size"),
        "conv_kernel": keys.count("ssm.conv_kernel"),
        "expand": inner // width,
        "time_step_rank": keys.count("ssm.time_step_rank"),
        "layer_norm_epsilon": keys.real("attention.layer_norm_rms_epsilon"),
        "use_conv_bias": keys.shape("blk.0.ssm_conv1d.bias") is not None,
        "use_bias": keys.shape("blk.0.ssm_in.bias") is not None,
    }


def lfm2(keys: Keys) -> dict[str, Any]:
    """LFM2: layers without heads of keys are convolutions."""
    shape, heads = shape_of(keys), keys.size("attention.head_count")
    of_keys = keys.each("attention.head_count_kv", shape["num_hidden_layers"])
    return {
        "model_type": "lfm2",
        "architectures": ["Lfm2ForCausalLM"],
        **shape,
        "intermediate_size": keys.count("feed_forward_length"),
        "block_auto_adjust_ff_dim": False,
        "num_attention_heads": heads,
        "num_key_value_heads": max(of_keys),
        "layer_types": ["full_attention" if count else "conv" for count in of_keys],
        "norm_eps": keys.real("attention.layer_norm_rms_epsilon"),
        "conv_L_cache": keys.count("shortconv.l_cache"),
        "conv_bias": keys.any_tensor("shortconv.in_proj.bias"),
        "rope_parameters": rope_of(keys, shape["hidden_size"] // heads),
    }


def lfm2_moe(keys: Keys) -> dict[str, Any]:
    """LFM2 with experts in all but the first layers, chosen with a bias, by sigmoids."""
    if keys.count("expert_gating_func", SIGMOID) != SIGMOID:
        raise keys.refusal("expert_gating_func", f"{SIGMOID}, the sigmoid,")
    return lfm2(keys) | {
        "model_type": "lfm2_moe",
        "architectures": ["Lfm2MoeForCausalLM"],
        "num_experts": keys.count("expert_count"),
        "num_experts_per_tok": keys.count("expert_used_count"),
        "moe_intermediate_size": keys.count("expert_feed_forward_length"),
        "num_dense_layers": keys.count("leading_dense_block_count", 0),
        "use_expert_bias": keys.any_tensor("exp_probs_b.bias"),
        "norm_topk_prob": True,
        "routed_scaling_factor": keys.real("expert_weights_scale", 1.0),
    }


def qwen35(keys: Keys) -> dict[str, Any]:
    """Qwen 3.5: states in most layers."""
    shape, attention = shape_of(keys), attention_of(keys)
    values = keys.size("ssm.time_step_rank")
    sections = keys.each("rope.dimension_sections", 4, 0)
    rope = rope_of(keys, attention["head_dim"], partial=True)
    layers = shape["num_hidden_layers"]
    every = keys.size("full_attention_interval", 4)
    states = keys.each("attention.recurrent_layers", layers) if keys.has("attention.recurrent_layers") else []
    states = states or [int((one + 1) % every != 0) for one in range(layers)]
    return {
        "model_type": "qwen3_5_text",
        "architectures": ["Qwen3_5ForCausalLM"],
        **shape,
        **attention,
        "intermediate_size": keys.count("feed_forward_length", 0),
        "rms_norm_eps": keys.real("attention.layer_norm_rms_epsilon"),
        "layer_types": ["linear_attention" if one else "full_attention" for one in states],
        "linear_conv_kernel_dim": keys.count("ssm.conv_kernel"),
        "linear_key_head_dim": keys.count("ssm.state_size"),
        "linear_num_key_heads": keys.count("ssm.group_count"),
        "linear_num_value_heads": values,
        "linear_value_head_dim": keys.count("ssm.inner_size") // values,
        "rope_parameters": rope
        | {"mrope_section": [section for section in sections if section], "mrope_interleaved": True},
    }


def qwen35_moe(keys: Keys) -> dict[str, Any]:
    """The same with experts."""
    config = qwen35(keys)
    del config["intermediate_size"]
    return config | {
        "model_type": "qwen3_5_moe_text",
        "architectures": ["Qwen3_5MoeForCausalLM"],
        "moe_intermediate_size": keys.count("expert_feed_forward_length"),
        "shared_expert_intermediate_size": keys.count("expert_shared_feed_forward_length"),
        "num_experts": keys.count("expert_count"),
        "num_experts_per_tok": keys.count("expert_used_count"),
    }
