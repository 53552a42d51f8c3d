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

GEMMA4 = (
    DECODER
    | HEAD_NORMS
    | rows(
        LAYER,
        post_attention_layernorm="post_attention_norm",
        pre_feedforward_layernorm="ffn_norm",
        post_feedforward_layernorm="post_ffw_norm",
        layer_scalar="layer_output_scale.weight",
        per_layer_input_gate="inp_gate",
        per_layer_projection="proj",
        post_per_layer_input_norm="post_norm",
    )
    | {
        "model.embed_tokens_per_layer": (of("per_layer_token_embd"),),
        "model.per_layer_model_projection": (of("per_layer_model_proj"),),
        "model.per_layer_projection_norm": (of("per_layer_proj_norm"),),
    }
)


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

H = "transformer.h.{}."
GPT2 = (
    {
        "transformer.wte": (of("token_embd"),),
        "transformer.wpe": (of("position_embd"),),
        "transformer.ln_f": (of("output_norm"),),
        "lm_head": (of("output"),),
    }
    | rows(H, ln_1="attn_norm", ln_2="ffn_norm")
    | rows(H + "attn.", ".weight", "turned", c_attn="attn_qkv.weight", c_proj="attn_output.weight")
    | rows(H + "attn.", ".bias", c_attn="attn_qkv.bias", c_proj="attn_output.bias")
    | rows(H + "mlp.", ".weight", "turned", c_fc="ffn_up.weight", c_proj="ffn_down.weight")
    | rows(H + "mlp.", ".bias", c_fc="ffn_up.bias", c_proj="ffn_down.bias")
)
STACKED = rows(H + "mlp.", dense_h_to_4h="ffn_up", dense_4h_to_h="ffn_down") | rows(
    H + "self_attention.", dense="attn_output"
)
BLOOM = (
    {
        "transformer.word_embeddings": (of("token_embd"),),
        "transformer.word_embeddings_layernorm": (of("token_embd_norm"),),
        "transformer.ln_f": (of("output_norm"),),
        "lm_head": (of("output"),),
    }
    | STACKED
    | rows(H, input_layernorm="attn_norm", post_attention_layernorm="ffn_norm")
    | rows(H + "self_attention.", change="by_head", query_key_value="attn_qkv")
)
FALCON = (
    {
        "transformer.word_embeddings": (of("token_embd"),),
        "transformer.ln_f": (of("output_norm"),),
        "lm_head": (of("output"),),
    }
    | STACKED
    | rows(H + "self_attention.", change="by_group", query_key_value="attn_qkv")
)
FALCON_7B = FALCON | rows(H, input_layernorm="attn_norm")
FALCON_LATER = FALCON | rows(H, ln_attn="attn_norm_2", ln_mlp="attn_norm")
NEOX = "gpt_neox.layers.{}."
GPT_NEOX = (
    {
        "gpt_neox.embed_in": (of("token_embd"),),
        "gpt_neox.final_layer_norm": (of("output_norm"),),
        "lm_head": (of("output"),),
    }
    | rows(NEOX, input_layernorm="attn_norm", post_attention_layernorm="ffn_norm")
    | rows(NEOX + "attention.", dense="attn_output")
    | rows(NEOX + "attention.", change="by_head", query_key_value="attn_qkv")
    | rows(NEOX + "mlp.", dense_h_to_4h="ffn_up", dense_4h_to_h="ffn_down")
)
PHI2 = (
    {
        "model.embed_tokens": (of("token_embd"),),
        "model.final_layernorm": (of("output_norm"),),
        "lm_head": (of("output"),),
    }
    | rows(LAYER, input_layernorm="attn_norm")
    | rows(OWN, q_proj="attn_q", k_proj="attn_k", v_proj="attn_v", dense="attn_output")
    | rows(MLP, fc1="ffn_up", fc2="ffn_down")
)

MIXER = "backbone.layers.{}.mixer."
MAMBA = (
    {
        "backbone.embeddings": (of("token_embd"),),
        "backbone.norm_f": (of("output_norm"),),
        "lm_head": (of("output"),),
    }
    | rows("backbone.layers.{}.", norm="attn_norm")
    | rows(MIXER, in_proj="ssm_in", x_proj="ssm_x", dt_proj="ssm_dt", out_proj="ssm_out", D="ssm_d")
    | rows(MIXER, change="log_of_decay", A_log="ssm_a")
    | rows(MIXER + "conv1d.", bias="ssm_conv1d.bias")
    | rows(MIXER + "conv1d.", change="one_channel", weight="ssm_conv1d.weight")
)
LFM2 = (
    {
        "model.embed_tokens": (of("token_embd"),),
        "model.embedding_norm": (of("token_embd_norm"), of("output_norm")),
        "lm_head": (of("output"),),
    }
    | rows(LAYER, operator_norm="attn_norm", ffn_norm="ffn_norm")
    | rows(OWN, q_proj="attn_q", k_proj="attn_k", v_proj="attn_v", out_proj="attn_output")
    | rows(OWN, q_layernorm="attn_q_norm", k_layernorm="attn_k_norm")
    | rows(LAYER + "feed_forward.", w1="ffn_gate", w2="ffn_down", w3="ffn_up")
    | rows(LAYER + "conv.", in_proj="shortconv.in_proj", out_proj="shortconv.out_proj")
    | rows(LAYER + "conv.conv.", change="one_channel", weight="shortconv.conv.weight")
    | rows(LAYER + "conv.conv.", bias="shortconv.conv.bias")
)
LFM2_MOE = (
    LFM2 | experts(LAYER + "feed_forward.", "gate") | rows(LAYER + "feed_forward.", expert_bias="exp_probs_b.bias")
)
LINEAR = LAYER + "linear_attn."
QWEN35 = (
    GEMMA3
    | rows(LAYER, change="less_one", input_layernorm="attn_norm", post_attention_layernorm="post_attention_norm")
    | rows(LINEAR, norm="ssm_norm")
    | rows(LINEAR, change="grouped_mixed", in_proj_qkv="attn_qkv")
    | rows(LINEAR, change="grouped_values", in_proj_z="attn_gate")
    | rows(LINEAR, change="grouped_heads", in_proj_a="ssm_alpha", in_proj_b="ssm_beta", dt_bias="ssm_dt.bias")
    | rows(LINEAR, change="grouped_decay", A_log="ssm_a")
    | rows(LINEAR + "conv1d.", change="grouped_channels", weight="ssm_conv1d.weight")
    | rows(LINEAR, change="grouped_inputs", out_proj="ssm_out")
)
for absent in ("pre_feedforward_layernorm", "post_feedforward_layernorm"):
    QWEN35.pop(LAYER + absent)
QWEN35_MOE = {name: source for name, source in QWEN35.items() if not name.startswith(MLP)} | (
    SHARED_EXPERT | experts(MLP, "gate")
)
