"""Which tensors of a file each weight of transformers is made of, a table for each layout of a decoder.

A row is a module or a weight in transformers and its source in the file; the sources are llama.cpp's names. Owns names
alone: what a change does is known where weights are loaded.
"""

from explorer.engine.gguf.family import Source, of

Table = dict[str, tuple[Source, ...]]


def rows(prefix: str = "", ending: str = "", change: str = "", **named: str) -> Table:
    """Rows of modules within a layer: `q_proj="attn_q"` is `{prefix}q_proj`, made of `blk.{}.attn_q`."""
    return {f"{prefix}{name}{ending}": (of(f"blk.{{}}.{tensor}", change=change),) for name, tensor in named.items()}


LAYER = "model.layers.{}."
OWN, MLP = LAYER + "self_attn.", LAYER + "mlp."

EMBEDDINGS: Table = {
    "model.embed_tokens": (of("token_embd"),),
    "model.norm": (of("output_norm"),),
    "lm_head": (of("output"),),
}
PROJECTIONS = rows(OWN, q_proj="attn_q", k_proj="attn_k", v_proj="attn_v", o_proj="attn_output")
NORMS = rows(LAYER, input_layernorm="attn_norm", post_attention_layernorm="ffn_norm")
FEED_FORWARD = rows(MLP, gate_proj="ffn_gate", up_proj="ffn_up", down_proj="ffn_down")
DECODER = EMBEDDINGS | PROJECTIONS | NORMS | FEED_FORWARD

HEAD_NORMS = rows(OWN, q_norm="attn_q_norm", k_norm="attn_k_norm")
NORMS_AFTER = rows(LAYER, post_attention_layernorm="post_attention_norm", post_feedforward_layernorm="post_ffw_norm")
FUSED = rows(MLP, gate_up_proj="ffn_up", down_proj="ffn_down")
WITHOUT_GATE = rows(MLP, up_proj="ffn_up", down_proj="ffn_down")

TURNED = rows(OWN, change="unturn_queries", q_proj="attn_q") | rows(OWN, change="unturn_keys", k_proj="attn_k")
"""Rotary pairs side by side, as the first Llama had them; transformers has them half a head apart."""

LLAMA = DECODER | TURNED
QWEN3 = DECODER | HEAD_NORMS
SEED = DECODER | rows(LAYER, post_attention_layernorm="post_attention_norm")
ARCEE = EMBEDDINGS | PROJECTIONS | NORMS | WITHOUT_GATE | TURNED
HUNYUAN = DECODER | rows(OWN, query_layernorm="attn_q_norm", key_layernorm="attn_k_norm")
OLMO = EMBEDDINGS | PROJECTIONS | FEED_FORWARD | TURNED
OLMO2 = EMBEDDINGS | PROJECTIONS | FEED_FORWARD | HEAD_NORMS | NORMS_AFTER
COMMAND_R = EMBEDDINGS | PROJECTIONS | FEED_FORWARD | HEAD_NORMS | rows(LAYER, input_layernorm="attn_norm")
PHI3 = EMBEDDINGS | NORMS | FUSED | rows(OWN, qkv_proj="attn_qkv", o_proj="attn_output")
GLM4 = (
    EMBEDDINGS
    | PROJECTIONS
    | NORMS
    | FUSED
    | rows(LAYER, post_self_attn_layernorm="post_attention_norm", post_mlp_layernorm="post_ffw_norm")
)
STARCODER2 = EMBEDDINGS | PROJECTIONS | NORMS | rows(MLP, c_fc="ffn_up", c_proj="ffn_down")

# Norms that are stored with the one in them that transformers adds.
NEMOTRON = (
    EMBEDDINGS
    | PROJECTIONS
    | WITHOUT_GATE
    | {
        "model.norm.weight": (of("output_norm.weight", change="less_one"),),
        "model.norm.bias": (of("output_norm.bias"),),
    }
    | rows(LAYER, ".weight", "less_one", input_layernorm="attn_norm.weight", post_attention_layernorm="ffn_norm.weight")
    | rows(LAYER, ".bias", input_layernorm="attn_norm.bias", post_attention_layernorm="ffn_norm.bias")
)
NEMOTRON.pop("model.norm")
GEMMA = (
    DECODER
    | {"model.norm": (of("output_norm", change="less_one"),)}
    | rows(LAYER, change="less_one", input_layernorm="attn_norm", post_attention_layernorm="ffn_norm")
)
GEMMA2 = GEMMA | rows(
    LAYER,
    change="less_one",
    post_attention_layernorm="post_attention_norm",
    pre_feedforward_layernorm="ffn_norm",
    post_feedforward_layernorm="post_ffw_norm",
)
GEMMA3 = GEMMA2 | rows(OWN, change="less_one", q_norm="attn_q_norm", k_norm="attn_k_norm")


def experts(prefix: str, gate: str, change: str = "beside") -> Table:
    """The router of a layer, and the stacked weights of its experts, whose gates and ups lie in one tensor."""
    return rows(prefix, **{gate: "ffn_gate_inp"}) | {
        f"{prefix}experts.gate_up_proj": (
            of("blk.{}.ffn_gate_exps.weight", "blk.{}.ffn_up_exps.weight", change=change),
            of("blk.{}.ffn_gate_up_exps.weight"),
        ),
        f"{prefix}experts.down_proj": (of("blk.{}.ffn_down_exps.weight"),),
    }


SPARSE = EMBEDDINGS | PROJECTIONS | NORMS
MIXTRAL = SPARSE | TURNED | experts(MLP, "gate")
QWEN3_MOE = SPARSE | HEAD_NORMS | experts(MLP, "gate")
OLMOE = QWEN3_MOE
SHARED_EXPERT = rows(
    MLP + "shared_expert.", gate_proj="ffn_gate_shexp", up_proj="ffn_up_shexp", down_proj="ffn_down_shexp"
) | rows(MLP, change="as_row", shared_expert_gate="ffn_gate_inp_shexp")
QWEN2_MOE = SPARSE | SHARED_EXPERT | experts(MLP, "gate")
GRANITE_MOE = SPARSE | TURNED | experts(LAYER + "block_sparse_moe.", "router")
MINIMAX_M2 = QWEN3_MOE | rows(MLP, e_score_correction_bias="exp_probs_b.bias")
GPT_OSS = (
    EMBEDDINGS
    | PROJECTIONS
    | rows(LAYER, input_layernorm="attn_norm", post_attention_layernorm="post_attention_norm")
    | rows(OWN, sinks="attn_sinks.weight")
    | rows(MLP, router="ffn_gate_inp")
    | {
        MLP + "experts.gate_up_proj": (
            of("blk.{}.ffn_gate_exps.weight", "blk.{}.ffn_up_exps.weight", change="woven_columns"),
        ),
        MLP + "experts.gate_up_proj_bias": (
            of("blk.{}.ffn_gate_exps.bias", "blk.{}.ffn_up_exps.bias", change="woven"),
        ),
        MLP + "experts.down_proj": (of("blk.{}.ffn_down_exps.weight", change="turned"),),
        MLP + "experts.down_proj_bias": (of("blk.{}.ffn_down_exps.bias"),),
    }
)
