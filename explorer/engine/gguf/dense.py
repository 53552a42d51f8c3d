"""The configs of dense decoders with rotary positions: Llama and what is built like it. Must not know experts.

What a file does not say is as llama.cpp has it for the architecture.
"""

import math
from typing import Any

from explorer.engine.gguf.family import decoder, layered
from explorer.engine.gguf.keys import Keys


def llama(keys: Keys) -> dict[str, Any]:
    """Llama, and every model that llama.cpp takes for one: Mistral, SmolLM, TinyLlama, Yi."""
    return decoder(keys, "llama", "LlamaForCausalLM") | _biases(keys)


def _biases(keys: Keys) -> dict[str, Any]:
    return {
        "attention_bias": keys.shape("blk.0.attn_q.bias") is not None,
        "mlp_bias": keys.shape("blk.0.ffn_up.bias") is not None,
        "hidden_act": "silu",
    }


def qwen2(keys: Keys) -> dict[str, Any]:
    """Qwen 2 and 2.5, without windows: no file says which layers have them."""
    return decoder(keys, "qwen2", "Qwen2ForCausalLM") | {"use_sliding_window": False}


def qwen3(keys: Keys) -> dict[str, Any]:
    """Qwen 3."""
    return decoder(keys, "qwen3", "Qwen3ForCausalLM") | {"use_sliding_window": False}


def seed_oss(keys: Keys) -> dict[str, Any]:
    """Seed-OSS."""
    return decoder(keys, "seed_oss", "SeedOssForCausalLM") | {
        "attention_bias": keys.shape("blk.0.attn_q.bias") is not None,
        "attention_out_bias": keys.shape("blk.0.attn_output.bias") is not None,
    }


def ernie(keys: Keys) -> dict[str, Any]:
    """ERNIE 4.5."""
    return decoder(keys, "ernie4_5", "Ernie4_5ForCausalLM") | {"use_bias": False}


def arcee(keys: Keys) -> dict[str, Any]:
    """Arcee, which has no gate."""
    return decoder(keys, "arcee", "ArceeForCausalLM") | {"attention_bias": False, "mlp_bias": False}


def hunyuan(keys: Keys) -> dict[str, Any]:
    """HunYuan, the dense one."""
    return decoder(keys, "hunyuan_v1_dense", "HunYuanDenseV1ForCausalLM")


def smollm3(keys: Keys) -> dict[str, Any]:
    """Every fourth layer knows no positions, which no file says."""
    return decoder(keys, "smollm3", "SmolLM3ForCausalLM") | {"no_rope_layer_interval": 4, "use_sliding_window": False}


def granite(keys: Keys) -> dict[str, Any]:
    """Granite: Llama with multipliers."""
    return decoder(keys, "granite", "GraniteForCausalLM") | granite_scales(keys) | _biases(keys)


def granite_scales(keys: Keys) -> dict[str, Any]:
    """The multipliers of Granite, under llama.cpp's names; a file leaves those out that are zero."""
    width = keys.count("attention.key_length", keys.count("embedding_length") // keys.size("attention.head_count"))
    return {
        "embedding_multiplier": keys.real("embedding_scale", 1.0),
        "residual_multiplier": keys.real("residual_scale", 1.0),
        "logits_scaling": keys.real("logit_scale", 1.0),
        "attention_multiplier": keys.real("attention.scale", 1 / math.sqrt(width)),
    }


def phi3(keys: Keys) -> dict[str, Any]:
    """Phi-3 and Phi-4; a window of 0 is none."""
    config = decoder(keys, "phi3", "Phi3ForCausalLM", "part")
    rope = config["rope_parameters"]
    return config | {
        "sliding_window": keys.count("attention.sliding_window", 0) or None,
        "original_max_position_embeddings": rope.get(
            "original_max_position_embeddings", config["max_position_embeddings"]
        ),
    }


def olmo(keys: Keys) -> dict[str, Any]:
    """Its norms have no weights, and an epsilon that transformers does not let one choose."""
    if keys.real("attention.layer_norm_epsilon", 1e-5) != 1e-5:
        raise keys.refusal("attention.layer_norm_epsilon", "1e-05")
    return layered(keys, "olmo", "OlmoForCausalLM") | {"clip_qkv": keys.real("attention.clamp_kqv", 0.0) or None}


def olmo2(keys: Keys) -> dict[str, Any]:
    """OLMo 2, and OLMo 3 where the file has windows, whose positions are not scaled."""
    config = decoder(keys, "olmo2", "Olmo2ForCausalLM")
    window = keys.count("attention.sliding_window", 0)
    if not window:
        return config
    if (
        keys.real("rope.freq_base_swa", config["rope_parameters"]["rope_theta"])
        != config["rope_parameters"]["rope_theta"]
    ):
        raise keys.refusal("rope.freq_base_swa", "the base of the other layers")
    return config | {
        "model_type": "olmo3",
        "architectures": ["Olmo3ForCausalLM"],
        "sliding_window": window,
        "layer_types": keys.windows(config["num_hidden_layers"], 4),
    }


def exaone4(keys: Keys) -> dict[str, Any]:
    """The large one has windows, and positions in those layers alone."""
    config = decoder(keys, "exaone4", "Exaone4ForCausalLM")
    window = keys.count("attention.sliding_window", 0)
    layers = config["num_hidden_layers"]
    return config | {
        "sliding_window": window or None,
        "layer_types": keys.windows(layers, 4) if window else ["full_attention"] * layers,
    }


def glm4(keys: Keys) -> dict[str, Any]:
    """GLM 4."""
    return decoder(keys, "glm4", "Glm4ForCausalLM", "part") | {
        "attention_bias": keys.shape("blk.0.attn_q.bias") is not None
    }


def starcoder2(keys: Keys) -> dict[str, Any]:
    """The window of the published ones is in no file: llama.cpp does without it, too."""
    return layered(keys, "starcoder2", "Starcoder2ForCausalLM") | {
        "norm_epsilon": keys.real("attention.layer_norm_epsilon"),
        "use_bias": keys.shape("blk.0.attn_q.bias") is not None,
        "sliding_window": None,
    }


def stablelm(keys: Keys) -> dict[str, Any]:
    """StableLM, without the norms of heads that its 12B has."""
    keys.leave("use_parallel_residual")  # What holds is whether the layers have a second norm.
    if keys.any_tensor(".attn_q_norm.weight"):
        raise keys.unknown("use_parallel_residual")
    return layered(keys, "stablelm", "StableLmForCausalLM", "part") | {
        "layer_norm_eps": keys.real("attention.layer_norm_epsilon"),
        "use_qkv_bias": keys.shape("blk.0.attn_q.bias") is not None,
        "use_parallel_residual": keys.shape("blk.0.ffn_norm.weight") is None,
    }


def nemotron(keys: Keys) -> dict[str, Any]:
    """Nemotron, the dense one."""
    keys.leave("attention.layer_norm_rms_epsilon")  # The same number under the name of another norm.
    return layered(keys, "nemotron", "NemotronForCausalLM", "part") | {
        "norm_eps": keys.real("attention.layer_norm_epsilon"),
        "hidden_act": "relu2",
        "attention_bias": keys.shape("blk.0.attn_q.bias") is not None,
        "mlp_bias": keys.shape("blk.0.ffn_up.bias") is not None,
    }


def command_r(keys: Keys) -> dict[str, Any]:
    """Command R."""
    return layered(keys, "cohere", "CohereForCausalLM") | {
        "layer_norm_eps": keys.real("attention.layer_norm_epsilon"),
        "logit_scale": keys.real("logit_scale"),
        "use_qk_norm": keys.shape("blk.0.attn_q_norm.weight") is not None,
        "attention_bias": keys.shape("blk.0.attn_q.bias") is not None,
    }


def cohere2(keys: Keys) -> dict[str, Any]:
    """Positions in the layers with windows alone."""
    config = layered(keys, "cohere2", "Cohere2ForCausalLM")
    return config | {
        "layer_norm_eps": keys.real("attention.layer_norm_epsilon"),
        "logit_scale": keys.real("logit_scale"),
        "sliding_window": keys.count("attention.sliding_window"),
        "layer_types": keys.windows(config["num_hidden_layers"], 4),
    }
