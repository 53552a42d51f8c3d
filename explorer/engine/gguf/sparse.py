"""The configs of decoders with experts. How an expert is chosen is the architecture's, where a file does not say it."""

from typing import Any

from explorer.engine.gguf.dense import granite_scales
from explorer.engine.gguf.family import decoder
from explorer.engine.gguf.keys import Keys

SOFTMAX, SIGMOID = 1, 2
"""What a file calls the functions that make shares of the scores of experts."""


def mixtral(keys: Keys) -> dict[str, Any]:
    """Mixtral, which a file calls a llama with experts."""
    config = decoder(keys, "mixtral", "MixtralForCausalLM")
    return config | {
        "num_local_experts": keys.count("expert_count"),
        "num_experts_per_tok": keys.count("expert_used_count"),
        "intermediate_size": keys.count("expert_feed_forward_length", config["intermediate_size"]),
        "sliding_window": None,
    }


def qwen2_moe(keys: Keys) -> dict[str, Any]:
    """Qwen 1.5 and 2 with experts: each layer has them, and their shares are not brought to one."""
    config = decoder(keys, "qwen2_moe", "Qwen2MoeForCausalLM")
    return config | {
        **_experts(keys),
        "moe_intermediate_size": keys.count("expert_feed_forward_length"),
        "shared_expert_intermediate_size": keys.count("expert_shared_feed_forward_length"),
        "norm_topk_prob": False,
        "decoder_sparse_step": 1,
        "mlp_only_layers": [],
        "qkv_bias": keys.shape("blk.0.attn_q.bias") is not None,
        "use_sliding_window": False,
    }


def qwen3_moe(keys: Keys) -> dict[str, Any]:
    """Qwen 3 with experts: in each layer, and their shares are brought to one."""
    return decoder(keys, "qwen3_moe", "Qwen3MoeForCausalLM") | {
        **_experts(keys),
        "moe_intermediate_size": keys.count("expert_feed_forward_length"),
        "norm_topk_prob": True,
        "decoder_sparse_step": 1,
        "mlp_only_layers": [],
        "use_sliding_window": False,
    }


def olmoe(keys: Keys) -> dict[str, Any]:
    """OLMoE: the shares of its experts are not brought to one."""
    return decoder(keys, "olmoe", "OlmoeForCausalLM") | {
        **_experts(keys),
        "norm_topk_prob": False,
        "clip_qkv": keys.real("attention.clamp_kqv", 0.0) or None,
    }


def granite_moe(keys: Keys) -> dict[str, Any]:
    """Granite with experts, without one that all share."""
    return decoder(keys, "granitemoe", "GraniteMoeForCausalLM") | {
        **granite_scales(keys),
        "num_local_experts": keys.count("expert_count"),
        "num_experts_per_tok": keys.count("expert_used_count"),
        "attention_bias": keys.shape("blk.0.attn_q.bias") is not None,
    }


def gpt_oss(keys: Keys) -> dict[str, Any]:
    """gpt-oss: every second layer has a window; the ramp of its YaRN is not rounded, which no file says."""
    config = decoder(keys, "gpt_oss", "GptOssForCausalLM")
    if config["rope_parameters"]["rope_type"] == "yarn":
        config["rope_parameters"]["truncate"] = False
    return config | {
        "num_local_experts": keys.count("expert_count"),
        "num_experts_per_tok": keys.count("expert_used_count"),
        "intermediate_size": keys.count("expert_feed_forward_length"),
        "sliding_window": keys.count("attention.sliding_window"),
        "layer_types": keys.windows(config["num_hidden_layers"], 2),
        "attention_bias": True,
    }


def minimax_m2(keys: Keys) -> dict[str, Any]:
    """MiniMax M2: experts are chosen with a bias, by sigmoids."""
    if keys.count("expert_gating_func", SIGMOID) != SIGMOID:
        raise keys.refusal("expert_gating_func", f"{SIGMOID}, the sigmoid,")
    return decoder(keys, "minimax_m2", "MiniMaxM2ForCausalLM", "part") | {
        "num_local_experts": keys.count("expert_count"),
        "num_experts_per_tok": keys.count("expert_used_count"),
        "intermediate_size": keys.count("expert_feed_forward_length"),
    }


def _experts(keys: Keys) -> dict[str, Any]:
    return {"num_experts": keys.count("expert_count"), "num_experts_per_tok": keys.count("expert_used_count")}
