"""Tiny random models of the decoder architectures that transformers knows, for the tests of the cache.

A config gets those of SIZES that it has a field for, and what its type wants besides; of a model that also sees or
hears, the decoder is another type's. Windows, chunks and blocks are of 8 positions, so that a walk of some dozen tokens
goes beyond them.
"""

import copy
import dataclasses
import inspect
import warnings
from functools import cache
from typing import Any

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

V = 128
"""Ids of the vocabulary."""
WINDOW = 8
HEADS = 4
LAYERS = 4

SIZES: dict[str, Any] = {
    "vocab_size": V,
    "vocab_size_per_layer_input": V,
    "unpadded_vocab_size": V,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "max_position_embeddings": 256,
    "hidden_size": 64,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "intermediate_size": 96,
    "hidden_dropout": 0.0,
    "attention_dropout": 0.0,
    "sliding_window": WINDOW,
    # The names of older configs.
    "n_embd": 64,
    "d_model": 64,
    "n_layer": LAYERS,
    "n_layers": LAYERS,
    "n_head": HEADS,
    "n_heads": HEADS,
    "n_positions": 256,
    "n_inner": 96,
    "ffn_dim": 96,
    "word_embed_proj_dim": 64,
    # Experts.
    "num_experts": 4,
    "num_local_experts": 4,
    "n_routed_experts": 4,
    "n_shared_experts": 1,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 32,
    "shared_expert_intermediate_size": 32,
    "n_group": 1,
    "topk_group": 1,
    "first_k_dense_replace": 1,
    # Latent attention and its index.
    "q_lora_rank": 32,
    "kv_lora_rank": 16,
    "qk_rope_head_dim": 8,
    "qk_nope_head_dim": 16,
    "v_head_dim": 16,
    "index_topk": 16,
    "index_head_dim": 16,
    # Many heads: with few of them scores of exactly 0 are common, and which of equal ones is taken is left to chance.
    "index_n_heads": 16,
    # Linear attention and state spaces.
    "linear_key_head_dim": 16,
    "linear_value_head_dim": 16,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_head_dim": 16,
    "linear_num_heads": 4,
    "mamba_n_heads": 8,
    "mamba_d_head": 16,
    "mamba_n_groups": 1,
    "mamba_d_state": 8,
    "mamba_chunk_size": 8,
}

LATENT = {"num_key_value_heads": HEADS, "head_dim": 8}
SLIDING = {"layer_types": ["sliding_attention"] * 3 + ["full_attention"]}
LINEAR = {"layer_types": ["linear_attention"] * 3 + ["full_attention"]}
ROPE = {"rope_type": "default", "rope_theta": 10000.0}
VISION = {
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}
TOWER = {"depth": 1, "hidden_size": 32, "intermediate_size": 32, "num_heads": 2, "out_hidden_size": 64}
STATE = {"state_size": 8, "expand": 2, "time_step_rank": 8}

ARCHITECTURES: dict[str, dict[str, Any]] = {
    "afmoe": SLIDING | {"num_dense_layers": 1},
    "apertus": {},
    "arcee": {},
    "aria_text": {"moe_num_experts": 4, "moe_topk": 2},
    "axk1": LATENT,
    "axk2": LATENT,
    "bailing_hybrid": LATENT | {"layer_types": ["linear_attention"] * 3 + ["full_attention"]},
    "bamba": {"attn_layer_indices": [1, 3]},
    "beam": {},
    "biogpt": {},
    "bitnet": {},
    "bloom": {},
    "codegen": {"rotary_dim": 8},
    "cohere": {},
    "cohere2": SLIDING,
    "cohere2_moe": SLIDING,
    "cohere_compass_text": SLIDING | {"rope_parameters": {"full_attention": ROPE, "sliding_attention": ROPE}},
    "ctrl": {"dff": 96},
    "cwm": SLIDING,
    "dbrx": {
        "attn_config": {"kv_n_heads": 2, "clip_qkv": 8, "rope_theta": 10000.0},
        "ffn_config": {"ffn_hidden_size": 96, "moe_num_experts": 4, "moe_top_k": 2},
    },
    "deepseek_v2": LATENT,
    "deepseek_v3": LATENT | {"head_dim": None},
    "deepseek_v32": LATENT,
    "deepseek_v4": {
        "num_key_value_heads": 1,
        "o_groups": 2,
        "o_lora_rank": 16,
        "qk_rope_head_dim": 8,
    },
    "diffllama": {},
    "doge": {},
    "dots1": SLIDING,
    "ernie4_5": {},
    "ernie4_5_moe": {"moe_num_experts": 4, "moe_k": 2},
    "exaone4": SLIDING,
    "exaone_moe": SLIDING,
    "falcon": {"multi_query": True, "new_decoder_architecture": False, "alibi": False},
    "falcon_h1": {"mamba_d_ssm": 64, "mamba_n_heads": 4},
    "falcon_mamba": STATE,
    "flex_olmo": {},
    "flint": {},
    "fuyu": {"text_config": "persimmon"},
    "gemma": {},
    "gemma2": {},
    "gemma3": {"text_config": "gemma3_text", "vision_config": VISION},
    "gemma3_text": SLIDING,
    "gemma3n_text": {
        "layer_types": ["sliding_attention", "full_attention"] * 2,
        "num_kv_shared_layers": 2,
        "hidden_size_per_layer_input": 8,
        "laurel_rank": 8,
        "altup_num_inputs": 2,
        "activation_sparsity_pattern": None,
    },
    "gemma4": {"text_config": "gemma4_text", "vision_config": VISION, "audio_config": None},
    "gemma4_text": {
        "layer_types": ["sliding_attention", "full_attention"] * 2,
        "num_kv_shared_layers": 0,
        "hidden_size_per_layer_input": 8,
        "global_head_dim": 16,
    },
    "gemma4_unified": {"text_config": "gemma4_unified_text"},
    "gemma4_unified_text": {},
    "glm": {"partial_rotary_factor": 0.5},
    "glm4": {"partial_rotary_factor": 0.5},
    "glm4_moe": {},
    "glm4_moe_lite": LATENT | {"head_dim": None},
    "glm_moe_dsa": LATENT,
    "got_ocr2": {"text_config": "qwen2", "vision_config": VISION},
    "gpt-sw3": {},
    "gpt2": {"attn_pdrop": 0.0, "resid_pdrop": 0.0, "embd_pdrop": 0.0},
    "gpt_bigcode": {"multi_query": True},
    "gpt_neo": {
        "num_layers": LAYERS,
        "num_heads": HEADS,
        "attention_types": [[["global", "local"], 2]],
        "window_size": WINDOW,
    },
    "gpt_neox": {"rotary_pct": 0.5},
    "gpt_neox_japanese": {},
    "gpt_oss": {"layer_types": ["sliding_attention", "full_attention"] * 2},
    "gptj": {"rotary_dim": 8},
    "granite": {},
    "granite_swa": {},
    "granitemoe": {},
    "granitemoe_swa": {},
    "granitemoehybrid": {
        "layer_types": ["mamba", "attention"] * 2,
        "shared_intermediate_size": 32,
        "position_embedding_type": None,
    },
    "granitemoeshared": {},
    "helium": {},
    "hrm_text": {},
    "hunyuan_v1_dense": {},
    "hunyuan_v1_moe": {},
    "hy_v3": {},
    "hy_v4": LATENT,
    "hyperclovax": {},
    "inkling2_text": {"swa_num_attention_heads": HEADS, "swa_num_key_value_heads": 2, "swa_head_dim": 16},
    "inkling_text": {
        "swa_num_attention_heads": HEADS,
        "swa_num_key_value_heads": 2,
        "swa_head_dim": 16,
        "sliding_window_size": WINDOW,
    },
    "internlm3": {},
    "iquestcoder": {},
    "jais2": {},
    "jamba": {
        "mamba_dt_rank": 8,
        "use_mamba_kernels": False,
        "attn_layer_period": 2,
        "attn_layer_offset": 1,
        "expert_layer_period": 2,
        "expert_layer_offset": 1,
    },
    "jetmoe": {"kv_channels": 16},
    "kimi_linear": LATENT | {"layer_types": ["linear_attention"] * 3 + ["full_attention"]},
    "kolibri1": SLIDING,
    "laguna": SLIDING,
    "lfm2": {"layer_types": ["conv", "conv", "full_attention", "conv"], "block_ff_dim": 96, "block_multiple_of": 8},
    "lfm2_moe": {"layer_types": ["conv", "conv", "full_attention", "conv"]},
    "lfm3": {},
    "llama": {},
    "llama4": {
        "text_config": "llama4_text",
        "vision_config": VISION | {"vision_output_dim": 32, "projector_input_dim": 32, "projector_output_dim": 32},
    },
    "llama4_text": {"attention_chunk_size": WINDOW, "intermediate_size_mlp": 96},
    "longcat_flash": LATENT
    | {"zero_expert_num": 2, "moe_topk": 2, "ffn_hidden_size": 96, "expert_ffn_hidden_size": 32, "num_layers": 2},
    "mamba": STATE,
    "mamba2": {"state_size": 8, "num_heads": 8, "expand": 2, "n_groups": 2, "chunk_size": 8},
    "mellum": {},
    "mimo_v2_flash": SLIDING,
    "minicpm3": LATENT | {"head_dim": None},
    "minimax": {
        "block_size": 8,
        "layer_types": ["linear_attention", "full_attention"] * 2,
        # No MiniMax has a window; with one transformers goes on wrongly from its own cache.
        "sliding_window": None,
    },
    "minimax_m2": {},
    "minimax_m3_vl_text": {},
    "ministral": {},
    "ministral3": {},
    "mistral": {},
    "mixtral": {},
    "modernbert-decoder": {},
    "moshi": {},
    "mpt": {"max_seq_len": 256, "expansion_ratio": 2},
    "nanochat": {},
    "nemotron": {},
    "nemotron_h": {
        "mamba_num_heads": 8,
        "mamba_head_dim": 16,
        "ssm_state_size": 8,
        "n_groups": 1,
        "chunk_size": 8,
        "layers_block_type": ["mamba", "attention"] * 2,
    },
    "olmo": {},
    "olmo2": {},
    "olmo3": SLIDING,
    "olmo_hybrid": LINEAR | {"linear_num_key_heads": 4},
    "olmoe": {},
    "openai-gpt": {},
    "opt": {"dropout": 0.0, "do_layer_norm_before": True},
    "persimmon": {},
    "phi": {"partial_rotary_factor": 0.5},
    "phi3": {},
    "phimoe": {},
    "qwen2": {"use_sliding_window": True, "max_window_layers": 2},
    "qwen2_moe": {},
    "qwen3": {},
    "qwen3_5": {"text_config": "qwen3_5_text", "vision_config": TOWER},
    "qwen3_5_moe": {"text_config": "qwen3_5_moe_text", "vision_config": TOWER},
    "qwen3_5_moe_text": LINEAR,
    "qwen3_5_text": LINEAR,
    "qwen3_moe": {},
    "qwen3_next": LINEAR,
    "qwen4_exp_text": LINEAR
    | {
        "hc_count": 2,
        "hc_lowrank": 8,
        "ple_layer_ids": [],
        "ple_embed_dim": 16,
        "ngram_vocab_size_base": V,
        "indexer_n_heads": 16,
        "indexer_kv_heads": 1,
        "indexer_head_dim": 16,
        "indexer_budget": 16,
        "indexer_compress_ratio": 4,
    },
    "recurrent_gemma": {
        "lru_width": 64,
        "attention_window_size": WINDOW,
        "block_types": ("recurrent", "recurrent", "attention"),
        "num_hidden_layers": 3,
    },
    "rwkv": {"attention_hidden_size": 64},
    "seed_oss": {},
    "smollm3": {"no_rope_layer_interval": 2},
    "solar_open": {},
    "stablelm": {},
    "starcoder2": {},
    "vaultgemma": {},
    "xglm": {"num_layers": LAYERS, "attention_heads": HEADS},
    "xlstm": {
        "qk_dim_factor": 1.0,
        "v_dim_factor": 1.0,
        "num_heads": HEADS,
        "head_dim": None,
        "chunk_size": 8,
        "mode": "inference",
    },
    "youtu": LATENT,
    "zamba": {
        "attention_hidden_size": 128,
        "attention_head_dim": 32,
        "mamba_dt_rank": 8,
        "use_mamba_kernels": False,
        "num_key_value_heads": HEADS,
        "layers_block_type": ["mamba", "hybrid", "mamba", "hybrid"],
    },
    "zamba2": {
        "mamba_headdim": 16,
        "mamba_ngroups": 1,
        "n_mamba_heads": 8,
        "chunk_size": 8,
        "hybrid_layer_ids": [1, 3],
        "use_mem_rope": True,
        "layers_block_type": ["mamba", "hybrid"] * 2,
    },
    "zaya": {"num_experts_per_tok": 1},
}


def config(kind: str) -> Any:
    """The tiny config of a model type."""
    family = CONFIG_MAPPING[kind]
    if dataclasses.is_dataclass(family):
        names = {field.name for field in dataclasses.fields(family)}
    else:
        names = set(inspect.signature(family.__init__).parameters)
    aliases = getattr(family, "attribute_map", {})
    known = {name: value for name, value in SIZES.items() if name in names or name in aliases}
    wanted = known | ARCHITECTURES[kind]
    if isinstance(wanted.get("text_config"), str):
        wanted["text_config"] = config(wanted["text_config"])
    # Of two names of one size, the config's own is given.
    wanted = {name: value for name, value in wanted.items() if aliases.get(name) not in wanted}
    return family(**{name: value for name, value in wanted.items() if name != "head_dim" or value is not None})


@cache
def build(kind: str) -> PreTrainedModel:
    """A random model in float32, whose weights are large enough that every token of the context matters."""
    return build_from(config(kind), kind)


def build_from(tiny: Any, kind: str) -> PreTrainedModel:
    """The same of a config of that type."""
    torch.manual_seed(0)
    with warnings.catch_warnings():
        # What a config of an unusual size is warned of is not what is tested.
        warnings.simplefilter("ignore")
        with torch.device("meta"):
            size = AutoModelForCausalLM.from_config(copy.deepcopy(tiny)).num_parameters()
        if size > 20_000_000:
            raise ValueError(f"its config is not tiny: {size:,} parameters")
        return spread(kind, AutoModelForCausalLM.from_config(tiny, dtype=torch.float32).eval())


def spread(kind: str, model: PreTrainedModel) -> PreTrainedModel:
    """The model with weights that are large enough that every token of the context matters."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() >= 2 and not any(part in name for part in LEFT):
                deviation = 0.5 if "emb" in name or "wte" in name else SPREADS.get(kind, 0.08)
                weight.normal_(0, deviation, generator=generator)
    return model


SPREADS = {"muse_spark": 0.02, "zamba": 0.3}
"""Standard deviations of the weights of types that would look back too much, or hardly, with those of the others."""

LEFT = ("conv", "A_log", "time_decay", "time_mix", "router", "gate.weight")
"""Weights that keep their first values: decays, and what chooses experts."""

ENCODERS = """bert bert-generation big_bird camembert data2vec-text electra ernie megatron-bert rembert roberta
roberta-prelayernorm roc_bert roformer xlm xlm-roberta xlm-roberta-xl xlnet xmod""".split()
TRANSLATORS = """bart bigbird_pegasus blenderbot blenderbot-small marian mbart mvp pegasus plbart prophetnet trocr
whisper""".split()

NOT_BUILT: dict[str, str] = {
    **dict.fromkeys(ENCODERS, "an encoder, which is no language model by itself"),
    **dict.fromkeys(TRANSLATORS, "the decoder of a pair, which goes on from what an encoder has read"),
    "cpmant": "reads the whole prompt in both directions",
    "blt": "reads bytes in patches that a second model cuts",
    "dots3_note": "its decoder is dots3_note_text",
    "dots3_note_text": "its config is not tiny: the sizes of one kind of its layers are fixed",
    "emu3": "its config is not tiny without its coder of pictures",
    "gemma3n": "its tower needs timm and PIL; its decoder is gemma3n_text",
    "gemma4_assistant": "drafts for another model",
    "gemma4_unified_assistant": "drafts for another model",
    "git": "begins from a picture",
    "mllama": "its cross attention begins from a picture",
    "moss_transcribe_diarize": "begins from sound",
    "musicgen": "its tokens are sound",
    "musicgen_melody": "its tokens are sound",
    "phi4_multimodal": "its config is not tiny without its towers",
    "qwen4_exp": "its decoder is qwen4_exp_text",
    "reformer": "fails in transformers where positions are given and the length is no multiple of its chunks",
}
"""Model types of transformers' list of causal language models without a tiny config here, and why."""
