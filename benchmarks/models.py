"""Models of random weights, as folders that the explorer loads; the figures do not depend on what the weights say."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

QWEN_VOCABULARY = 151_936
QWEN = {"model_type": "qwen2", "vocab_size": QWEN_VOCABULARY, "max_position_embeddings": 32_768}

SHAPES: dict[str, dict[str, Any]] = {
    # Qwen2.5-0.5B and -1.5B.
    "0.5b": QWEN
    | {
        "hidden_size": 896,
        "num_hidden_layers": 24,
        "num_attention_heads": 14,
        "num_key_value_heads": 2,
        "intermediate_size": 4864,
    },
    "1.5b": QWEN
    | {
        "hidden_size": 1536,
        "num_hidden_layers": 28,
        "num_attention_heads": 12,
        "num_key_value_heads": 2,
        "intermediate_size": 8960,
    },
    # Llama-3.1-8B.
    "8b": {
        "model_type": "llama",
        "vocab_size": 128_256,
        "max_position_embeddings": 131_072,
        "hidden_size": 4096,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "intermediate_size": 14_336,
        "tie_word_embeddings": False,
    },
    # To see whether a benchmark runs.
    "tiny": {
        "model_type": "qwen2",
        "vocab_size": 4096,
        "max_position_embeddings": 4096,
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 128,
    },
    # Almost nothing but a vocabulary.
    "llama": {
        "model_type": "llama",
        "vocab_size": QWEN_VOCABULARY,
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "intermediate_size": 128,
        "max_position_embeddings": 65_536,
    },
    # Goes on by single tokens only: a text is one pass.
    "mamba": {
        "model_type": "mamba",
        "vocab_size": QWEN_VOCABULARY,
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "state_size": 8,
    },
}

QWEN_SIZED = sorted(name for name, shape in SHAPES.items() if shape["vocab_size"] == QWEN_VOCABULARY)
"""The shapes with Qwen's vocabulary."""


def random_model(
    shape: str, folder: Path, *, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu"
) -> Path:
    """Write a model of one of SHAPES, made on the device, and a tokenizer of bytes; the folder of both."""
    config = AutoConfig.for_model(**{"tie_word_embeddings": True, "bos_token_id": 1, "eos_token_id": 2} | SHAPES[shape])
    torch.manual_seed(0)
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(config, dtype=dtype)
    model.save_pretrained(folder)
    tokenizer = byte_level([])
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>").save_pretrained(folder)
    return folder


def byte_level(pieces: Iterable[str]) -> Tokenizer:
    """A tokenizer of `<pad>`, `<bos>`, `<eos>`, all bytes, and the pieces, numbered in this order."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    every = dict.fromkeys(["<pad>", "<bos>", "<eos>", *alphabet, *pieces])
    tokenizer = Tokenizer(models.BPE(vocab={piece: index for index, piece in enumerate(every)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer
