"""The families of GGUF that the explorer reads, by the name of their architecture in a file."""

from collections.abc import Mapping

from explorer.engine.gguf import dense, gemma, older, sparse, states, weights
from explorer.engine.gguf.family import Family
from explorer.engine.gguf.header import Header

FAMILIES: Mapping[str, Family] = {
    "arcee": Family(dense.arcee, weights.ARCEE),
    "bloom": Family(older.bloom, weights.BLOOM),
    "cohere2": Family(dense.cohere2, weights.COMMAND_R),
    "command-r": Family(dense.command_r, weights.COMMAND_R),
    "ernie4_5": Family(dense.ernie, weights.DECODER),
    "exaone4": Family(dense.exaone4, weights.OLMO2),
    "falcon": Family(older.falcon, weights.FALCON_7B),
    "gemma": Family(gemma.gemma, weights.GEMMA),
    "gemma2": Family(gemma.gemma2, weights.GEMMA2),
    "gemma3": Family(gemma.gemma3, weights.GEMMA3),
    "gemma4": Family(gemma.gemma4, weights.GEMMA4),
    "glm4": Family(dense.glm4, weights.GLM4),
    "gpt2": Family(older.gpt2, weights.GPT2),
    "gptneox": Family(older.gpt_neox, weights.GPT_NEOX),
    "gpt-oss": Family(sparse.gpt_oss, weights.GPT_OSS),
    "granite": Family(dense.granite, weights.LLAMA),
    "granitemoe": Family(sparse.granite_moe, weights.GRANITE_MOE),
    "hunyuan-dense": Family(dense.hunyuan, weights.HUNYUAN),
    "lfm2": Family(states.lfm2, weights.LFM2),
    "lfm2moe": Family(states.lfm2_moe, weights.LFM2_MOE),
    "llama": Family(dense.llama, weights.LLAMA),
    "mamba": Family(states.mamba, weights.MAMBA),
    "minimax-m2": Family(sparse.minimax_m2, weights.MINIMAX_M2),
    "nemotron": Family(dense.nemotron, weights.NEMOTRON),
    "olmo": Family(dense.olmo, weights.OLMO),
    "olmo2": Family(dense.olmo2, weights.OLMO2),
    "olmoe": Family(sparse.olmoe, weights.OLMOE),
    "phi2": Family(older.phi2, weights.PHI2),
    "phi3": Family(dense.phi3, weights.PHI3),
    "qwen2": Family(dense.qwen2, weights.DECODER),
    "qwen2moe": Family(sparse.qwen2_moe, weights.QWEN2_MOE),
    "qwen3": Family(dense.qwen3, weights.QWEN3),
    "qwen35": Family(states.qwen35, weights.QWEN35),
    "qwen35moe": Family(states.qwen35_moe, weights.QWEN35_MOE),
    "qwen3moe": Family(sparse.qwen3_moe, weights.QWEN3_MOE),
    "seed_oss": Family(dense.seed_oss, weights.SEED),
    "smollm3": Family(dense.smollm3, weights.LLAMA),
    "stablelm": Family(dense.stablelm, weights.DECODER),
    "starcoder2": Family(dense.starcoder2, weights.STARCODER2),
}

LLAMA_WITH_EXPERTS = Family(sparse.mixtral, weights.MIXTRAL)
FALCON_WITH_TWO_NORMS = Family(older.falcon, weights.FALCON_LATER)


def family(header: Header) -> Family | None:
    """The family of a file; None for one that is not known."""
    if header.architecture == "llama" and header.metadata.get("llama.expert_count"):
        return LLAMA_WITH_EXPERTS
    if header.architecture == "falcon" and any(tensor.name == "blk.0.attn_norm_2.weight" for tensor in header.tensors):
        return FALCON_WITH_TWO_NORMS
    return FAMILIES.get(header.architecture)
