"""Dense decoders of today: Llama and what is built like it. Must not know experts or states."""

from typing import Any

from explorer.engine.gguf.family import DECODER, TURNED, Family, attention_of, shape_of
from explorer.engine.gguf.keys import Keys
from explorer.engine.gguf.rope import rope_of


def llama(keys: Keys) -> dict[str, Any]:
    """Llama, and every model that llama.cpp takes for one: Mistral, SmolLM, TinyLlama, Yi."""
    attention = attention_of(keys)
    return {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        **shape_of(keys),
        **attention,
        "intermediate_size": keys.count("feed_forward_length"),
        "rms_norm_eps": keys.real("attention.layer_norm_rms_epsilon"),
        "rope_parameters": rope_of(keys, attention["head_dim"]),
        "attention_bias": keys.shape("blk.0.attn_q.bias") is not None,
        "mlp_bias": keys.shape("blk.0.ffn_up.bias") is not None,
        "hidden_act": "silu",
    }


DENSE = {
    "llama": Family(llama, DECODER | TURNED),
}
