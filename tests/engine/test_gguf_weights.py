"""The weights of GGUF files, against the same models as transformers has them."""

import re
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType as Kind

from explorer.engine.compute.loading.gguf import load_gguf
from explorer.engine.compute.loading.loading import load_config
from explorer.engine.compute.loading.stored import Content
from explorer.engine.description import ModelSettings
from explorer.engine.gguf.config import config_of, generation_config_of
from explorer.engine.gguf.families import FAMILIES
from explorer.engine.gguf.header import read_header
from explorer.engine.vocabulary.unfolding import write_json
from explorer.errors import ModelError
from tests.engine import architectures
from tests.engine.gguf_models import ARCHITECTURES, stored_alike, write_model

IDS = [3, 17, 98, 41, 5, 77, 120, 64, 9, 33, 12, 88, 45, 101, 7, 52, 26, 70, 115, 4]
"""More than the windows of the tiny models."""

ROPE: dict[str, Any] = {"rope_type": "default", "rope_theta": 10000.0}
AS_PUBLISHED: dict[str, dict[str, Any]] = {
    "cohere2": {"layer_types": ["sliding_attention"] * 3 + ["full_attention"]},
    "falcon": {"num_kv_heads": 1},
    "gemma2": {"query_pre_attn_scalar": 16},
    "gemma3_text": {
        "query_pre_attn_scalar": 16,
        "num_hidden_layers": 6,
        "layer_types": ["sliding_attention"] * 5 + ["full_attention"],
        "rope_parameters": {
            "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0},
            "sliding_attention": ROPE,
        },
    },
    "gemma4_text": {"global_head_dim": 32},
    "gpt_neox": {"rope_parameters": ROPE | {"partial_rotary_factor": 0.5}},
    "granite": {
        "embedding_multiplier": 12.0,
        "residual_multiplier": 0.22,
        "logits_scaling": 8.0,
        "attention_multiplier": 0.0625,
    },
    "minimax_m2": {"rope_parameters": ROPE | {"partial_rotary_factor": 0.5}},
    "mistral": {"sliding_window": None},
    "mixtral": {"sliding_window": None},
    "olmoe": {"num_key_value_heads": 4},
    "qwen2": {"use_sliding_window": False, "max_window_layers": None},
    "qwen3_moe": {"norm_topk_prob": True},
    "smollm3": {"no_rope_layer_interval": 4, "no_rope_layers": [1, 1, 1, 0]},
    "starcoder2": {"sliding_window": None},
}
"""What the published models of a type have and its tiny one has not, and no file says."""


def tiny(kind, **more):
    wanted = architectures.ARCHITECTURES[kind] | AS_PUBLISHED.get(kind, {}) | more
    wanted = {name: value for name, value in wanted.items() if name != "max_window_layers" or value is not None}
    base = architectures.config(kind).to_dict()
    kept = {
        name: value for name, value in base.items() if name not in ("model_type", "layer_types", "per_layer_config")
    }
    model = architectures.build_from(type(architectures.config(kind))(**(kept | wanted)), kind)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():  # Norms that are not all one, and biases that are not all zero.
        for name, weight in model.named_parameters():
            if weight.dim() == 1 and not name.endswith(("A_log", "dt_bias", ".D", "sinks")):
                weight += 0.05 * torch.randn(weight.shape, generator=generator)
    return model


def opened(path, folder, dtype="float32"):
    header = read_header(path)
    folder.mkdir(exist_ok=True)
    write_json(folder / "config.json", config_of(header))
    write_json(folder / "generation_config.json", generation_config_of(header))
    settings = ModelSettings(model=str(path), name="tiny", dtype=dtype, device="cpu")
    model, said = load_gguf(header, folder, load_config(folder, settings), settings, None, {"device_map": {"": "cpu"}})
    assert not said["missing_keys"] and not said["unexpected_keys"]
    return model.eval()


@torch.inference_mode()
def logits(model):
    return model(torch.tensor([IDS])).logits[0].float()


def assert_same(ours, theirs):
    torch.testing.assert_close(logits(ours), logits(theirs), rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("kind", sorted(ARCHITECTURES))
def test_a_model_of_a_file_says_what_transformers_says_of_the_same_weights(kind, tmp_path):
    model = tiny(kind)
    assert_same(opened(write_model(tmp_path / "m.gguf", model), tmp_path / "f"), model)


LLAMA3: dict[str, Any] = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
SCALED: dict[str, dict[str, Any]] = {
    "llama3": ROPE | LLAMA3 | {"original_max_position_embeddings": 8192, "rope_theta": 500000.0},
    "another llama3": ROPE | LLAMA3 | {"original_max_position_embeddings": 64},
    "yarn": ROPE | {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64},
    "linear": ROPE | {"rope_type": "linear", "factor": 4.0},
}


@pytest.mark.parametrize("scaling", SCALED)
def test_scaled_positions_are_those_of_the_file(scaling, tmp_path):
    model = tiny("llama", rope_parameters=SCALED[scaling])
    assert_same(opened(write_model(tmp_path / "m.gguf", model), tmp_path / "f"), model)


def test_the_scaling_of_llama_3_is_called_by_its_name(tmp_path):
    model = tiny("llama", rope_parameters=SCALED["llama3"])
    said = config_of(read_header(write_model(tmp_path / "m.gguf", model)))
    assert said["rope_parameters"] == SCALED["llama3"]


@pytest.mark.parametrize("change", [{"tie_word_embeddings": True}, {"attention_bias": True, "mlp_bias": True}])
def test_a_llama_may_have_one_table_for_both_ends_or_biases(change, tmp_path):
    model = tiny("llama", **change)
    assert_same(opened(write_model(tmp_path / "m.gguf", model), tmp_path / "f"), model)


def test_a_falcon_of_many_key_heads_has_two_norms(tmp_path):
    model = tiny("falcon", new_decoder_architecture=True, multi_query=False, num_kv_heads=2)
    path = write_model(tmp_path / "m.gguf", model)
    assert_same(opened(path, tmp_path / "f"), model)


def test_a_gemma_4_may_have_fewer_heads_of_keys_and_no_values_where_it_sees_everything(tmp_path):
    model = tiny("gemma4_text", attention_k_eq_v=True, num_global_key_value_heads=1)
    path = write_model(tmp_path / "m.gguf", model, attention__head_count_kv=[2, 1, 2, 1])
    assert_same(opened(path, tmp_path / "f"), model)


@pytest.mark.parametrize("kind", ["qwen3_5_text", "glm4"])
def test_layers_that_guess_later_tokens_are_left_out(kind, tmp_path):
    model = tiny(kind)
    layers = model.config.num_hidden_layers
    extra = {f"blk.{layers}.{name}.weight": torch.ones(4) for name in ("nextn.eh_proj", "attn_norm", "attn_q")}
    path = write_model(tmp_path / "m.gguf", model, extra=extra, block_count=layers + 1, nextn_predict_layers=1)
    assert_same(opened(path, tmp_path / "f"), model)


# What a file says and nothing here follows.


@pytest.mark.parametrize(
    ("kind", "said", "named"),
    [
        ("llama", {"attention__temperature_scale": 0.5}, "llama.attention.temperature_scale: 0.5"),
        ("llama", {"rope__dimension_count": 8}, "llama.rope.dimension_count: 8"),
        ("llama", {"rope__scaling__type": "longrope"}, "llama.rope.scaling.type: longrope"),
        ("qwen3", {"attention__value_length": 8}, "qwen3.attention.value_length: 8"),
        ("qwen3", {"attention__causal": False}, "qwen3.attention.causal: False"),
        ("minimax_m2", {"expert_gating_func": 1}, "minimax-m2.expert_gating_func: 1"),
        ("gemma4_text", {"rope__dimension_count_swa": 8}, "gemma4.rope.dimension_count_swa: 8"),
        ("olmo", {"attention__layer_norm_epsilon": 1e-6}, "olmo.attention.layer_norm_epsilon"),
        ("granitemoe", {"expert_shared_feed_forward_length": 32}, "granitemoe.expert_shared_feed_forward_length: 32"),
    ],
)
def test_what_decides_numbers_and_cannot_be_followed_is_refused(kind, said, named, tmp_path):
    path = write_model(tmp_path / "m.gguf", tiny(kind), **said)
    with pytest.raises(ModelError, match="llama-server") as refused:
        config_of(read_header(path))
    assert named in str(refused.value)


def test_a_tensor_that_has_no_place_is_refused_by_its_name(tmp_path):
    path = write_model(tmp_path / "m.gguf", tiny("qwen3"), extra={"blk.1.attn_sinks.weight": torch.ones(4)})
    with pytest.raises(ModelError, match=r"one tensor .* blk\.1\.attn_sinks\.weight"):
        opened(path, tmp_path / "f")


@pytest.mark.parametrize(
    ("kind", "tensor", "place"),
    [
        ("qwen3", "blk.0.attn_q.bias", "model.layers.0.self_attn.q_proj.bias"),
        ("qwen2", "blk.1.attn_output.bias", "model.layers.1.self_attn.o_proj.bias"),
        ("llama", "output_norm.bias", "model.norm.bias"),
        ("gemma3_text", "blk.0.attn_k.bias", "model.layers.0.self_attn.k_proj.bias"),
    ],
)
def test_a_bias_that_a_model_of_the_architecture_has_not_is_refused(kind, tensor, place, tmp_path):
    path = write_model(tmp_path / "m.gguf", tiny(kind), extra={tensor: torch.ones(64)})
    with pytest.raises(ModelError, match=rf"one tensor .* {re.escape(place)}"):
        opened(path, tmp_path / "f")


def test_layers_that_share_keys_and_values_with_others_may_have_their_own_in_the_file(tmp_path):
    model = tiny("gemma4_text", num_kv_shared_layers=2)
    own = {f"blk.3.{name}.weight": torch.ones(64) for name in ("attn_k", "attn_v")}
    path = write_model(tmp_path / "m.gguf", model, extra=own)
    assert_same(opened(path, tmp_path / "f"), model)


def test_an_architecture_that_is_not_known_is_told_to_go_to_llama_server(tmp_path):
    writer = gguf.GGUFWriter(tmp_path / "m.gguf", "rwkv7")
    writer.add_block_count(2)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ModelError, match=r"architecture rwkv7.*llama-server"):
        config_of(read_header(tmp_path / "m.gguf"))


# How numbers are stored.

QUANTISED = ("F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "TQ1_0", "TQ2_0")
"""Those that the package gguf can also write."""


@pytest.mark.parametrize("name", QUANTISED)
def test_a_quantised_file_has_just_the_numbers_that_it_stores(name, tmp_path):
    stored = Kind[name]
    model = tiny("qwen3", hidden_size=256, intermediate_size=256, head_dim=64)
    path = write_model(tmp_path / "m.gguf", model, stored)
    stored_alike(model, stored)
    assert_same(opened(path, tmp_path / "f"), model)


BLOCKS = sorted(kind.name for kind in gguf.quants._type_traits)


@pytest.mark.parametrize("name", BLOCKS)
def test_every_type_that_the_package_gguf_unpacks_is_unpacked_as_it_does(name, tmp_path):
    kind, rng = Kind[name], np.random.default_rng(0)
    block, width = gguf.GGML_QUANT_SIZES[kind]
    data = rng.integers(0, 256, (6, 3 * 256 // block * width), dtype=np.uint8)
    writer = gguf.GGUFWriter(tmp_path / "m.gguf", "llama")
    writer.add_tensor("some.weight", data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    header = read_header(tmp_path / "m.gguf")
    ours = Content(header).unpacked(header.tensors[0], torch.float32)
    with np.errstate(all="ignore"):
        theirs = gguf.dequantize(data, kind)
    np.testing.assert_array_equal(ours.numpy(), theirs)


def test_a_type_that_nothing_unpacks_is_named(tmp_path):
    writer = gguf.GGUFWriter(tmp_path / "m.gguf", "llama")
    writer.add_tensor("some.weight", np.zeros((4, 292), np.uint8), raw_dtype=Kind.Q8_K)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ModelError, match=r"some\.weight in the type Q8_K"):
        Content(read_header(tmp_path / "m.gguf"))


def test_a_file_in_half_precision_throughout_keeps_its_dtype(tmp_path):
    path = write_model(tmp_path / "m.gguf", tiny("qwen3"), Kind.BF16)
    assert opened(path, tmp_path / "f", "auto").dtype == torch.bfloat16
    path = write_model(tmp_path / "n.gguf", tiny("qwen3"), Kind.Q8_0)
    assert opened(path, tmp_path / "f", "auto").dtype == torch.float32


def test_every_architecture_that_is_read_is_tried_here_and_listed_in_the_docs():
    assert set(ARCHITECTURES.values()) == set(FAMILIES)
    text = (Path(__file__).parents[2] / "docs" / "gguf.md").read_text()
    table = text.partition("## Architectures")[2].partition("## ")[0]
    first = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert {name for cell in first for name in re.findall("`([^`]+)`", cell)} == set(FAMILIES)


def test_what_is_about_pictures_and_sound_in_a_file_is_left_to_others(tmp_path):
    extra = {"v.blk.0.attn_q.weight": torch.ones(4, 32), "mm.0.weight": torch.ones(4, 32)}
    path = write_model(tmp_path / "m.gguf", tiny("qwen3"), extra=extra, vision__block_count=1)
    assert_same(opened(path, tmp_path / "f"), tiny("qwen3"))


def test_factors_that_are_no_known_scaling_are_taken_as_they_are(tmp_path):
    model = tiny("llama")
    factors = torch.linspace(1, 3, 8)
    path = write_model(tmp_path / "m.gguf", model, extra={"rope_freqs.weight": factors})
    model.model.rotary_emb.inv_freq /= factors
    assert_same(opened(path, tmp_path / "f"), model)
