"""Tiny random models as GGUF, for the tests: with the package gguf and its names of tensors, changed as llama.cpp does.

Its converters (conversion/*.py of llama.cpp) were read for that.
"""

import json
import math
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Kind
from transformers import PreTrainedModel

from tests.engine.gguf_files import add_value, finish

ARCHITECTURES = {
    "arcee": "arcee",
    "bloom": "bloom",
    "cohere": "command-r",
    "cohere2": "cohere2",
    "ernie4_5": "ernie4_5",
    "exaone4": "exaone4",
    "falcon": "falcon",
    "gemma": "gemma",
    "gemma2": "gemma2",
    "gemma3_text": "gemma3",
    "gemma4_text": "gemma4",
    "glm4": "glm4",
    "gpt2": "gpt2",
    "gpt_neox": "gptneox",
    "gpt_oss": "gpt-oss",
    "granite": "granite",
    "granitemoe": "granitemoe",
    "hunyuan_v1_dense": "hunyuan-dense",
    "lfm2": "lfm2",
    "lfm2_moe": "lfm2moe",
    "llama": "llama",
    "mamba": "mamba",
    "minimax_m2": "minimax-m2",
    "mistral": "llama",
    "mixtral": "llama",
    "nemotron": "nemotron",
    "olmo": "olmo",
    "olmo2": "olmo2",
    "olmo3": "olmo2",
    "olmoe": "olmoe",
    "phi": "phi2",
    "phi3": "phi3",
    "qwen2": "qwen2",
    "qwen2_moe": "qwen2moe",
    "qwen3": "qwen3",
    "qwen3_5_moe_text": "qwen35moe",
    "qwen3_5_text": "qwen35",
    "qwen3_moe": "qwen3moe",
    "seed_oss": "seed_oss",
    "smollm3": "smollm3",
    "stablelm": "stablelm",
    "starcoder2": "starcoder2",
}
"""Type of transformers -> what a file calls it."""

PERMUTED = ("llama", "mistral", "mixtral", "granite", "granitemoe", "smollm3", "arcee", "olmo")
SHIFTED = ("gemma", "gemma2", "gemma3_text", "qwen3_5_text", "qwen3_5_moe_text")


def write_model(
    path: Path,
    model: PreTrainedModel,
    stored: Kind = Kind.F32,
    extra: dict[str, Any] | None = None,
    tokenizer: Path | None = None,
    without: str = "",
    **more: Any,
) -> Path:
    """A GGUF file of a model; matrices whose rows are long enough are stored in a type, everything else in F32.

    `extra`: tensors besides. `tokenizer`: a byte-level tokenizer.json with BOS as 1 and EOS as 2.
    `more`: keys under the architecture, whose dots are written as `__`; None takes one away.
    """
    kind = model.config.model_type
    architecture = ARCHITECTURES[kind]
    writer = gguf.GGUFWriter(path, architecture)
    said = keys(model) | {name.replace("__", "."): value for name, value in more.items()}
    for name, value in said.items():
        if value is not None:
            add_value(writer, f"{architecture}.{name}", value)
    if tokenizer is not None:
        _add_tokenizer(writer, tokenizer)
    for tensor, numbers in sorted((tensors(model) | (extra or {})).items()):
        if tensor == without:
            continue
        values = numbers.detach().float().contiguous().numpy()
        if values.ndim > 1 and stored != Kind.F32:
            writer.add_tensor(tensor, gguf.quantize(values, stored), raw_dtype=stored)
        else:
            writer.add_tensor(tensor, values)
    finish(writer)
    return path


def _add_tokenizer(writer: gguf.GGUFWriter, tokenizer: Path) -> None:
    said = json.loads(tokenizer.read_text())
    control = {token["id"] for token in said["added_tokens"]}
    pieces = sorted(said["model"]["vocab"], key=said["model"]["vocab"].__getitem__)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(pieces)
    writer.add_token_types([3 if number in control else 1 for number in range(len(pieces))])
    writer.add_token_merges([" ".join(pair) for pair in said["model"]["merges"]])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(True)


def tensors(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """The weights under the names of the file, changed as the converters change them."""
    kind, config = model.config.model_type, model.config
    numbers = {name: number for number, name in gguf.MODEL_ARCH_NAMES.items()}
    names = gguf.get_tensor_name_map(numbers[ARCHITECTURES[kind]], config.num_hidden_layers)
    found: dict[str, torch.Tensor] = {}
    tied = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    for name, weight in model.state_dict().items():
        if tied and name == "lm_head.weight":
            continue
        if kind == "bloom":  # Converted from the body alone.
            name = name.removeprefix("transformer.")
        for changed, tensor in _changed(kind, name, weight, config):
            found[_named(names, changed)] = tensor
    if factors := _factors(config):
        found["rope_freqs.weight"] = torch.tensor(factors)
    return found


def _named(names: Any, name: str) -> str:
    if name.startswith("blk."):
        return name
    stem, ending = (name, "")
    for one in (".weight", ".bias"):
        stem, ending = (name.removesuffix(one), one) if name.endswith(one) else (stem, ending)
    found = names.get_name(stem) or names.get_name(name)
    assert found is not None, name
    bare = found.endswith(("ssm_a", "ssm_d"))
    return str(found) + ("" if bare else ending or (".bias" if stem.endswith("_bias") else ".weight"))


def _changed(kind: str, name: str, weight: torch.Tensor, config: Any) -> list[tuple[str, torch.Tensor]]:
    layer = next((part for part in name.split(".") if part.isdigit()), "")
    blk = f"blk.{layer}."
    if ".experts." in name:
        return _experts(kind, name, weight, blk)
    if kind in PERMUTED and ".q_proj." in name:
        return [(name, _permuted(weight, config.num_attention_heads))]
    if kind in PERMUTED and ".k_proj." in name:
        return [(name, _permuted(weight, config.num_key_value_heads))]
    if kind in SHIFTED and name.endswith("norm.weight") and "linear_attn" not in name:
        return [(name, weight + 1)]
    if kind == "nemotron" and name.endswith("norm.weight"):
        return [(name, weight + 1)]
    if kind == "gpt2" and name.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight")):
        return [(name, weight.T)]
    if kind in ("bloom", "gpt_neox") and "query_key_value" in name:
        heads = weight.reshape(config.num_attention_heads, 3, -1, *weight.shape[1:])
        return [(name, torch.cat([heads[:, part] for part in range(3)]).reshape(weight.shape))]
    if kind == "falcon" and "query_key_value" in name:
        return [(name, _regrouped(weight, config))]
    if name.endswith("A_log"):
        weight = -torch.exp(weight)
        return [(name, weight if kind == "mamba" else _tiled(weight, config, 1))]
    if name.endswith((".conv.weight", "conv1d.weight")):
        weight = weight.squeeze(1)
        return [(name, weight if kind in ("mamba", "lfm2", "lfm2_moe") else _mixed(weight, config))]
    if name.endswith(("router.bias", "router.weight")):
        return [(f"{blk}ffn_gate_inp.{name.rpartition('.')[2]}", weight)]
    if name.endswith(("expert_bias", "e_score_correction_bias")):
        return [(f"{blk}exp_probs_b.bias", weight)]
    if "linear_attn" in name:
        return _linear(name, weight, config, blk)
    return [(name, weight)]


def _experts(kind: str, name: str, weight: torch.Tensor, blk: str) -> list[tuple[str, torch.Tensor]]:
    end = ".bias" if name.endswith("_bias") else ".weight"
    if "gate_up_proj" not in name:
        turned = weight.transpose(1, 2) if kind == "gpt_oss" and end == ".weight" else weight
        return [(f"{blk}ffn_down_exps{end}", turned)]
    if kind == "gpt_oss":
        weight = weight.transpose(1, 2) if end == ".weight" else weight
        gate, up = weight[:, 0::2], weight[:, 1::2]
    else:
        gate, up = weight.chunk(2, dim=1)
    return [(f"{blk}ffn_gate_exps{end}", gate), (f"{blk}ffn_up_exps{end}", up)]


def _permuted(weight: torch.Tensor, heads: int) -> torch.Tensor:
    return (
        weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)
    )


def _regrouped(weight: torch.Tensor, config: Any) -> torch.Tensor:
    groups = config.num_kv_heads if config.new_decoder_architecture else 1
    width = config.hidden_size // config.num_attention_heads
    whole = weight.view(groups, config.num_attention_heads // groups + 2, width, config.hidden_size)
    parts = (whole[:, :-2], whole[:, [-2]], whole[:, [-1]])
    return torch.cat([part.reshape(-1, config.hidden_size) for part in parts])


def _tiled(weight: torch.Tensor, config: Any, width: int) -> torch.Tensor:
    keys = config.linear_num_key_heads
    heads = weight.reshape(keys, config.linear_num_value_heads // keys, width, *weight.shape[1:])
    return heads.transpose(0, 1).reshape(weight.shape)


def _mixed(weight: torch.Tensor, config: Any) -> torch.Tensor:
    fixed = 2 * config.linear_key_head_dim * config.linear_num_key_heads
    return torch.cat([weight[:fixed], _tiled(weight[fixed:], config, config.linear_value_head_dim)])


def _linear(name: str, weight: torch.Tensor, config: Any, blk: str) -> list[tuple[str, torch.Tensor]]:
    values = config.linear_value_head_dim
    match name.partition("linear_attn.")[2]:
        case "in_proj_qkv.weight":
            return [(name, _mixed(weight, config))]
        case "in_proj_z.weight":
            return [(name, _tiled(weight, config, values))]
        case "in_proj_a.weight":
            return [(f"{blk}ssm_alpha.weight", _tiled(weight, config, 1))]
        case "in_proj_b.weight":
            return [(f"{blk}ssm_beta.weight", _tiled(weight, config, 1))]
        case "dt_bias":
            return [(f"{blk}ssm_dt.bias", _tiled(weight, config, 1))]
        case "out_proj.weight":
            return [(name, _tiled(weight.T.contiguous(), config, values).T)]
    return [(name, weight)]


def _factors(config: Any) -> list[float]:
    """The factors of the frequencies that converters write as a tensor: of Llama 3, and of Gemma 4."""
    rope = getattr(config, "rope_parameters", None) or {}
    if config.model_type == "gemma4_text":
        width = config.per_layer_config[len(config.layer_types) - 1].head_dim // 2
        turned = int(width * rope["full_attention"]["partial_rotary_factor"])
        return [1.0] * turned + [1e30] * (width - turned)
    if rope.get("rope_type") != "llama3":
        return []
    found, width = [], config.head_dim
    low = rope["original_max_position_embeddings"] / rope["low_freq_factor"]
    high = rope["original_max_position_embeddings"] / rope["high_freq_factor"]
    for place in range(0, width, 2):
        length = 2 * math.pi * rope["rope_theta"] ** (place / width)
        smooth = (low / length - 1) / (low / high - 1)
        between = 1 / ((1 - smooth) / rope["factor"] + smooth)
        found.append(1.0 if length < high else rope["factor"] if length > low else between)
    return found


def keys(model: PreTrainedModel) -> dict[str, Any]:
    """What the converters say of a model, under its architecture."""
    config = model.config
    read = config.to_dict() | {name: getattr(config, name) for name in ("hidden_size", "num_hidden_layers")}

    def first(*names: str) -> Any:
        return next((read[name] for name in names if read.get(name) is not None), None)

    rope = read.get("rope_parameters") or {}
    whole = rope.get("full_attention", rope)
    heads = first("num_attention_heads", "n_head")
    width = first("head_dim") or (read["hidden_size"] // heads if heads else None)
    said: dict[str, Any] = {
        "block_count": read["num_hidden_layers"],
        "context_length": first("max_position_embeddings", "n_positions") or 2048,
        "embedding_length": read["hidden_size"],
        "feed_forward_length": first("intermediate_size", "n_inner", "ffn_hidden_size") or 4 * read["hidden_size"],
        "attention.head_count": heads,
        "attention.head_count_kv": first("num_key_value_heads", "num_kv_heads"),
        "attention.layer_norm_rms_epsilon": first("rms_norm_eps") or (read.get("norm_eps") or None),
        "attention.layer_norm_epsilon": first("layer_norm_eps", "layer_norm_epsilon", "norm_epsilon"),
        "rope.freq_base": whole.get("rope_theta"),
        "rope.freq_base_swa": rope.get("sliding_attention", {}).get("rope_theta"),
        "expert_count": first("num_local_experts", "num_experts"),
        "expert_used_count": first("num_experts_per_tok"),
        "attention.key_length": read.get("head_dim"),
        "attention.value_length": read.get("head_dim"),
        "logit_scale": first("logit_scale", "logits_scaling"),
    }
    if (part := whole.get("partial_rotary_factor", 1.0)) != 1.0 and width:
        said["rope.dimension_count"] = int(part * width)
    if whole.get("rope_type") in ("linear", "yarn"):
        said |= {"rope.scaling.type": whole["rope_type"], "rope.scaling.factor": float(whole["factor"])}
        said["rope.scaling.original_context_length"] = whole.get("original_max_position_embeddings")
    return said | _own(model, read)


def _own(model: PreTrainedModel, read: dict[str, Any]) -> dict[str, Any]:
    """What is of one family."""
    kind = model.config.model_type
    narrow = [one == "sliding_attention" for one in read.get("layer_types") or []]
    shared = {"expert_feed_forward_length": read.get("moe_intermediate_size")}
    match kind:
        case "gemma2":
            return {
                "attn_logit_softcapping": read["attn_logit_softcapping"],
                "final_logit_softcapping": read["final_logit_softcapping"],
                "attention.sliding_window": read["sliding_window"],
            }
        case "gemma3_text" | "cohere2":
            return {"attention.sliding_window": read["sliding_window"]}
        case "gemma4_text":
            wide = model.config.per_layer_config[len(narrow) - 1].head_dim
            return {
                "attention.sliding_window": read["sliding_window"],
                "attention.sliding_window_pattern": narrow,
                "attention.key_length": wide,
                "attention.value_length": wide,
                "attention.key_length_swa": read["head_dim"],
                "attention.value_length_swa": read["head_dim"],
                "attention.shared_kv_layers": read["num_kv_shared_layers"],
                "embedding_length_per_layer_input": read["hidden_size_per_layer_input"],
                "expert_count": None,
                "rope.dimension_count": wide,
                "rope.dimension_count_swa": read["head_dim"],
            }
        case "olmo3" | "exaone4":
            return {"attention.sliding_window": read["sliding_window"], "attention.sliding_window_pattern": narrow}
        case "olmo":
            return {"attention.layer_norm_epsilon": 1e-5}
        case "granite" | "granitemoe":
            return {
                "embedding_scale": float(read["embedding_multiplier"]),
                "residual_scale": float(read["residual_multiplier"]),
                "logit_scale": float(read["logits_scaling"]),
                "attention.scale": float(read["attention_multiplier"]),
            }
        case "gpt_oss":
            return {
                "attention.sliding_window": read["sliding_window"],
                "expert_feed_forward_length": read["intermediate_size"],
            }
        case "minimax_m2":
            return {"expert_feed_forward_length": read["intermediate_size"], "expert_gating_func": 2}
        case "qwen2_moe":
            return shared | {"expert_shared_feed_forward_length": read["shared_expert_intermediate_size"]}
        case "qwen3_moe":
            return shared
        case "phi3":
            return {"attention.sliding_window": read["sliding_window"] or 0}
        case "nemotron":
            return {"attention.layer_norm_epsilon": read["norm_eps"]}
        case "stablelm" | "gpt_neox":
            return {"use_parallel_residual": read["use_parallel_residual"]}
        case "mamba":
            return {
                "attention.layer_norm_epsilon": None,
                "attention.layer_norm_rms_epsilon": read["layer_norm_epsilon"],
                "ssm.conv_kernel": read["conv_kernel"],
                "ssm.inner_size": model.config.intermediate_size,
                "ssm.state_size": read["state_size"],
                "ssm.time_step_rank": read["time_step_rank"],
                "ssm.dt_b_c_rms": False,
                "feed_forward_length": 0,
                "attention.head_count": 0,
            }
        case "lfm2" | "lfm2_moe":
            full = [read["num_key_value_heads"] if one == "full_attention" else 0 for one in read["layer_types"]]
            width = model.state_dict()["model.layers.0.feed_forward.w1.weight"].shape[0]
            said = {"attention.head_count_kv": full, "shortconv.l_cache": read["conv_L_cache"]}
            said |= {"feed_forward_length": width}
            if kind == "lfm2_moe":
                said |= shared | {"leading_dense_block_count": read["num_dense_layers"], "expert_gating_func": 2}
            return said
        case "qwen3_5_text" | "qwen3_5_moe_text":
            said = {
                "ssm.conv_kernel": read["linear_conv_kernel_dim"],
                "ssm.state_size": read["linear_key_head_dim"],
                "ssm.group_count": read["linear_num_key_heads"],
                "ssm.time_step_rank": read["linear_num_value_heads"],
                "ssm.inner_size": read["linear_num_value_heads"] * read["linear_value_head_dim"],
                "full_attention_interval": 4,
                "rope.dimension_sections": [*read["rope_parameters"].get("mrope_section", [11, 11, 10]), 0],
            }
            if kind == "qwen3_5_moe_text":
                said |= shared | {"expert_shared_feed_forward_length": read["shared_expert_intermediate_size"]}
                said["feed_forward_length"] = None
            return said
    return {}


def stored_alike(model: PreTrainedModel, kind: Kind) -> None:
    """Put into a model the values that its weights have once they are stored in a type, in every matrix."""
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                packed = gguf.quantize(np.ascontiguousarray(weight.numpy()), kind)
                weight.copy_(torch.from_numpy(np.array(gguf.dequantize(packed, kind))))
