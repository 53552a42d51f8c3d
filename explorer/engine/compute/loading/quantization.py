"""Weights of four or eight bits: how they are asked for while loading, and what a model says of its own.

Owns the settings of bitsandbytes and the sentence where it is missing. Must not know devices.
"""

import importlib.util
from typing import Any

import torch
from transformers import BitsAndBytesConfig, PreTrainedModel

from explorer.errors import ModelError

INSTALL = "pip install 'token-explorer[quant]'"


def quantization(wanted: str | None, name: str, config: Any, dtype: str) -> BitsAndBytesConfig | None:
    """What `from_pretrained` is given to quantise with; None for nothing.

    `4bit` is nf4 with double quantisation (Dettmers et al., 2023), `8bit` is LLM.int8 (Dettmers et al., 2022). Raises
    ModelError where bitsandbytes is missing, or the weights are already quantised.
    """
    if wanted is None:
        return None
    own = method(config)
    if own:
        raise ModelError(f"{name} is already quantised ({own}): leave out --quantize.")
    if importlib.util.find_spec("bitsandbytes") is None:
        raise ModelError(f"--quantize {wanted} needs the package bitsandbytes. Install it with: {INSTALL}")
    if wanted == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute_dtype(config, dtype),
    )


def compute_dtype(config: Any, wanted: str) -> torch.dtype:
    """The dtype that computes with unpacked weights: the wanted one, else the model's own if it has 16 bits."""
    if wanted != "auto":
        named: torch.dtype = getattr(torch, wanted)
        return named
    own = getattr(config, "dtype", None)
    return own if own in (torch.bfloat16, torch.float16) else torch.bfloat16


def method(config: Any) -> str:
    """How the weights in the files are quantised, by the name of the method; empty where they are not."""
    said = getattr(config, "quantization_config", None)
    if said is None:
        return ""
    found = said.get("quant_method") if isinstance(said, dict) else getattr(said, "quant_method", None)
    return str(getattr(found, "value", found) or "unknown method")


def in_words(model: PreTrainedModel) -> str | None:
    """`bitsandbytes 4bit, nf4, double quantisation, computes in bfloat16`; None where nothing is quantised."""
    said = getattr(model.config, "quantization_config", None)
    if said is None:
        return None
    if getattr(said, "load_in_4bit", False):
        double = ", double quantisation" if said.bnb_4bit_use_double_quant else ""
        computes = str(said.bnb_4bit_compute_dtype).removeprefix("torch.")
        return f"bitsandbytes 4bit, {said.bnb_4bit_quant_type}{double}, computes in {computes}"
    if getattr(said, "load_in_8bit", False):
        return "bitsandbytes 8bit, LLM.int8"
    return method(model.config)
