"""Tiny random models of the types that go on with a text and also see or hear, for the tests of their text part.

A config is filled from the top down: the part that writes gets the sizes of `architectures`, every tower those of
TOWER, and a type what it wants besides.
"""

import copy
import dataclasses
import inspect
from typing import Any

import torch
from transformers import AutoModelForMultimodalLM, PreTrainedModel
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from explorer.engine.files.purpose import OTHERS, PAIRS
from tests.engine import architectures
from tests.engine.architectures import ROPE, SIZES, VISION, V

LARGEST = 50_000_000
"""Parameters of a tiny model, of which a tower may have fixed many."""

TOWER: dict[str, Any] = VISION | {
    "vocab_size": V,
    "max_position_embeddings": 64,
    "depth": 1,
    "num_layers": 1,
    "n_layer": 1,
    "encoder_layers": 1,
    "num_heads": 2,
    "n_head": 2,
    "num_key_value_heads": 2,
    "encoder_attention_heads": 2,
    "head_dim": 16,
    "d_model": 32,
    "embed_dim": 32,
    "encoder_hidden_size": 32,
    "encoder_ffn_dim": 32,
    "intermediate_dim": 32,
    "projection_dim": 32,
    "out_hidden_size": 64,
    "output_dim": 64,
    "text_hidden_size": 64,
    "num_channels": 3,
    "in_channels": 3,
    "num_position_embeddings": 16,
    "num_query_tokens": 4,
    "cross_attention_frequency": 1,
    "hidden_dropout": 0.0,
}
WRITES = ("text", "decoder", "thinker")
"""What the names of the parts begin with that write."""


def sections(*sizes: int, **more: Any) -> dict[str, Any]:
    """The part of a config that has positions of time, height and width; of a text all three are the same."""
    return {"text_config": {"rope_parameters": ROPE | {"mrope_section": list(sizes)} | more}}


PLAIN = """aria aya_vision cohere2_vision cohere_compass cosmos3_edge cosmos3_omni deepseek_vl deepseek_vl_hybrid
exaone4_5 glmasr granite_docling granite_speech granite_speech_plus hyperclovax_vision_v2 idefics2 idefics3 inkling2
internvl kimi_k25 lfm2_vl lfm3_vl lighton_ocr llava llava_next llava_next_video llava_onevision minicpm_ocr minicpmv4_6
minicpmv4_7 minimax_m3_vl mistral3 muse_glimmer ovis2 pp_chart2table qianfan_ocr qwen2_audio qwen3_asr qwen3_vl
qwen3_vl_moe smolvlm step3p7 video_llama_3 video_llava vipllava voxtral""".split()
PLACED = "glm4v glm46v glm_ocr glmga paddleocr_vl qwen2_5_vl qwen2_vl".split()
MARKS = {"vision_start_token_id": 120, "audio_start_token_id": 121}

PLAIN_TOWER = {"model_type": "clip_vision_model"}
"""In place of a tower that needs packages of its own; a text does not pass through it."""

TYPES: dict[str, dict[str, Any]] = {
    **{kind: {} for kind in PLAIN},
    **{kind: sections(4, 2, 2) for kind in PLACED},
    "qwen2_5_omni_thinker": sections(4, 2, 2) | MARKS,
    "qwen3_omni_moe_thinker": MARKS,
    "chameleon": {
        "vocabulary_map": {"<image>": 127},
        "vq_config": {"base_channels": 32, "channel_multiplier": [1, 1], "num_embeddings": 16, "latent_channels": 8},
    },
    "deepseek_ocr2": {"text_config": {"mlp_layer_types": ["dense", "sparse", "sparse", "sparse"]}},
    "ernie4_5_vl_moe": {"text_config": sections(2, 2, 4)["text_config"] | {"moe_intermediate_size": [32, 32]}},
    "fast_vlm": {"vision_config": PLAIN_TOWER},
    "fun_asr_nano": {"adaptor_config": {"num_attention_heads": 4, "hidden_size": 64, "intermediate_size": 16}},
    "glm4v_moe": sections(2, 1, 1, partial_rotary_factor=0.5),
    "glm5_next": {"text_config": {"num_key_value_heads": 4, "head_dim": 16, "qk_rope_head_dim": 0}},
    "granite4_vision": {
        "deepstack_layer_map": [[0, 1]],
        "spatial_target_layers": [2, 3],
        "downsample_rate": "1/2",
        "vision_config": {"hidden_size": 64},
    },
    "hunyuan_vl": {"text_config": {"rope_parameters": ROPE | {"xdrope_section": [2, 2, 2, 2]}}},
    # As many layers as steps that a patch is folded in.
    "inkling_mm_model": {"vision_config": {"num_hidden_layers": 4}},
    "janus": {
        "vq_config": {
            "base_channels": 32,
            "channel_multiplier": [1, 1],
            "num_res_blocks": 1,
            "num_embeddings": 16,
            "embed_dim": 8,
            "latent_channels": 8,
            "num_patches": 4,
            "hidden_size": 32,
            "projection_dim": 32,
            "in_channels": 3,
        }
    },
    "mistral4": {"num_key_value_heads": 4, "head_dim": 8},
    "mistral_large4": {"text_config": {"num_key_value_heads": 4, "head_dim": 8}},
    "molmo2": {"vision_config": {"image_size": [28, 28]}, "adapter_config": {"vision_feature_layer": [0]}},
    "muse_spark": {
        "out_hidden_size": 64,
        "projector_hidden_size": 32,
        "audio_config": {"patch_sizes": [4], "hidden_sizes": [32], "depths": [1]},
        "text_config": {"moe_hidden_size": 32},
    },
    "nemo_speechlm": {
        "audio_config": {"diarization_config": {"head_config": {"audio_hidden_size": 32}}},
        "word_timestamp_config": {"blank_token_id": 5},
        "text_config": architectures.ARCHITECTURES["nemotron_h"],
    },
    "nemotron_h_omni": {
        "vision_config": {"video_temporal_patch_size": 2},
        "text_config": architectures.ARCHITECTURES["nemotron_h"],
    },
    "perception_lm": {"vision_config": PLAIN_TOWER | {"model_args": {"embed_dim": 32}}},
}

FAST = """cohere2_vision glm4v inkling2 internvl lfm2_vl llava minicpmv4_6 mistral3 mistral4 qwen2_5_vl qwen2_audio
qwen3_vl smolvlm voxtral""".split()
"""Types that stand for the others: the families of their text parts, and the kinds of positions and of layers."""

NOT_BUILT: dict[str, str] = {
    **OTHERS,
    **dict.fromkeys(sorted(PAIRS), "an encoder with a decoder"),
    **dict.fromkeys(("qwen2_5_omni", "qwen3_omni_moe"), "what writes in it is its thinker, a type of its own"),
    "vibevoice_asr": "its config is not tiny without its towers",
}
"""Types of transformers' list of multimodal language models without a tiny config here, and why."""


def config(kind: str) -> Any:
    """The tiny config of a type."""
    return _filled(CONFIG_MAPPING[kind], TYPES[kind], writes=True)


def _filled(family: Any, wanted: dict[str, Any], writes: bool) -> Any:
    if dataclasses.is_dataclass(family):
        names = {field.name for field in dataclasses.fields(family)}
    else:
        names = set(inspect.signature(family.__init__).parameters)
    aliases: dict[str, str] = getattr(family, "attribute_map", {})
    kind = getattr(family, "model_type", "")
    known = architectures.ARCHITECTURES.get(kind, {}) if writes and kind not in TYPES else {}
    if isinstance(known.get("text_config"), str):
        known = {}
    sizes = {name: value for name, value in (SIZES if writes else TOWER).items() if name in names or name in aliases}
    given = {name: value for name, value in (sizes | known).items() if aliases.get(name) not in sizes | known}
    usual = _usual(family)
    for name in getattr(family, "sub_configs", {}):
        if (part := getattr(usual, name, None)) is not None:
            other = dict(wanted.get(name, {}))
            chosen = CONFIG_MAPPING[other.pop("model_type")] if "model_type" in other else type(part)
            given[name] = _filled(chosen, other, writes and name.startswith(WRITES))
    positions = getattr(usual, "rope_parameters", None)
    if writes and isinstance(positions, dict) and "mrope_section" in positions:
        given["rope_parameters"] = positions | {"mrope_section": [4, 2, 2]}
    parts = getattr(family, "sub_configs", {})
    given |= {name: value for name, value in wanted.items() if name not in parts}
    return family(**{name: value for name, value in given.items() if name != "head_dim" or value is not None})


def _usual(family: Any) -> Any:
    """A config as it is without a word about sizes; None where there is none."""
    try:
        return family()
    except (TypeError, ValueError):
        return None


def build(kind: str) -> PreTrainedModel:
    """A random model in float32."""
    torch.manual_seed(0)
    tiny = config(kind)
    with torch.device("meta"):
        size = AutoModelForMultimodalLM.from_config(copy.deepcopy(tiny)).num_parameters()
    if size > LARGEST:
        raise ValueError(f"its config is not tiny: {size:,} parameters")
    return architectures.spread(kind, AutoModelForMultimodalLM.from_config(tiny, dtype=torch.float32).eval())
