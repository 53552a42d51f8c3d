import json
from typing import Any

import pytest
from transformers import AutoConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from explorer.engine.compute.loading.loading import text_context_length
from explorer.engine.files.catalogue import entry
from explorer.engine.files.context import context_length

YARN = {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}
FACTORS = {"short_factor": [1.0] * 48, "long_factor": [2.0] * 48}
LLAMA3: dict[str, Any] = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}

PUBLISHED: dict[str, tuple[str, dict[str, Any], int]] = {
    "Qwen2.5-7B-Instruct": ("qwen2", {"max_position_embeddings": 32768}, 32768),
    "Qwen2.5-7B-Instruct, as its card says": (
        "qwen2",
        {"max_position_embeddings": 32768, "rope_scaling": YARN},
        131072,
    ),
    "Qwen3-8B, as its card says": ("qwen3", {"max_position_embeddings": 40960, "rope_scaling": YARN}, 131072),
    "Qwen3 with yarn and both lengths": ("qwen3", {"max_position_embeddings": 131072, "rope_scaling": YARN}, 131072),
    "yarn without the original length": (
        "llama",
        {"max_position_embeddings": 4096, "rope_scaling": {"type": "yarn", "factor": 8.0}},
        32768,
    ),
    "Llama 3.1": ("llama", {"max_position_embeddings": 131072, "rope_scaling": LLAMA3}, 131072),
    "Llama 3.2": ("llama", {"max_position_embeddings": 131072, "rope_scaling": LLAMA3 | {"factor": 32.0}}, 131072),
    "Phi-3-mini-128k": (
        "phi3",
        {
            "max_position_embeddings": 131072,
            "original_max_position_embeddings": 4096,
            "hidden_size": 3072,
            "num_attention_heads": 32,
            "rope_scaling": {"type": "longrope", **FACTORS},
        },
        131072,
    ),
    "longrope with a factor of the original length": (
        "llama",
        {
            "max_position_embeddings": 32768,
            "hidden_size": 3072,
            "num_attention_heads": 32,
            "rope_scaling": {
                "type": "longrope",
                "factor": 4.0,
                "original_max_position_embeddings": 32768,
                **FACTORS,
            },
        },
        131072,
    ),
    "DeepSeek-V3": (
        "deepseek_v3",
        {
            "max_position_embeddings": 163840,
            "rope_scaling": {"type": "yarn", "factor": 40, "original_max_position_embeddings": 4096},
        },
        163840,
    ),
    "gpt-oss": (
        "gpt_oss",
        {
            "max_position_embeddings": 131072,
            "rope_scaling": {"rope_type": "yarn", "factor": 32.0, "original_max_position_embeddings": 4096},
        },
        131072,
    ),
    "Vicuna 1.5 16k": (
        "llama",
        {"max_position_embeddings": 4096, "rope_scaling": {"type": "linear", "factor": 4.0}},
        16384,
    ),
    "linear, both lengths": (
        "llama",
        {
            "max_position_embeddings": 16384,
            "rope_scaling": {"type": "linear", "factor": 4.0, "original_max_position_embeddings": 4096},
        },
        16384,
    ),
    "InternLM2, dynamic": (
        "llama",
        {"max_position_embeddings": 32768, "rope_scaling": {"type": "dynamic", "factor": 2.0}},
        65536,
    ),
    "Gemma 3": (
        "gemma3_text",
        {"max_position_embeddings": 131072, "rope_scaling": {"rope_type": "linear", "factor": 8.0}},
        131072,
    ),
    "CodeLlama": ("llama", {"max_position_embeddings": 16384, "rope_theta": 1e6}, 16384),
    "Yi-34B-200K": ("llama", {"max_position_embeddings": 200000, "rope_theta": 1e7}, 200000),
    "GPT-2, whose positions are learned": (
        "gpt2",
        {"n_positions": 1024, "rope_scaling": {"type": "linear", "factor": 4.0}},
        1024,
    ),
    "RoBERTa, whose first positions stand for no token": (
        "roberta",
        {"max_position_embeddings": 514, "pad_token_id": 1},
        512,
    ),
    "OPT, whose positions are learned": (
        "opt",
        {"max_position_embeddings": 2048, "rope_scaling": {"type": "linear", "factor": 4.0}},
        2048,
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PUBLISHED)
def test_the_context_is_the_one_of_the_scaled_positions(name):
    kind, settings, length = PUBLISHED[name]
    settings = json.loads(json.dumps(settings))
    assert context_length({"model_type": kind, **settings}) == length
    assert text_context_length(AutoConfig.for_model(kind, **settings)) == length


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PUBLISHED)
def test_the_list_of_models_says_what_opening_says(name, tmp_path):
    kind, settings, length = PUBLISHED[name]
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind, **settings}))
    assert entry("m", tmp_path).context_length == length
    assert text_context_length(AutoConfig.from_pretrained(tmp_path)) == length


@pytest.mark.parametrize("factor", [None, "4.0", True, float("nan"), float("inf"), 0.5, -2, []])
@pytest.mark.parametrize("rope", [*ROPE_INIT_FUNCTIONS, "default", "of a later time"])
def test_a_factor_that_is_none_leaves_the_length_as_it_is(rope, factor):
    text = {"max_position_embeddings": 64, "rope_scaling": {"rope_type": rope, "factor": factor}}
    assert context_length(text) == 64


def test_layers_of_several_types_have_the_longest_context_of_them():
    parameters = {"full_attention": {"rope_type": "yarn", "factor": 8.0}, "sliding_attention": {"rope_type": "default"}}
    assert context_length({"max_position_embeddings": 64, "rope_parameters": parameters}) == 512


def test_the_first_name_of_longrope_is_known():
    scaling = {"type": "su", "factor": 4.0, "original_max_position_embeddings": 4096}
    assert context_length({"max_position_embeddings": 131072, "rope_scaling": scaling}) == 131072
