"""Packed: the weights of a GGUF file left in their blocks, which the loader of transformers does for few architectures.

It computes with them by kernels that the package `kernels` fetches. Where anything lacks, transformers unpacks all of
them and goes on; here it is said instead, before anything is loaded. Must not know how blocks become numbers.
"""

from pathlib import Path
from typing import Any

import torch
from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, GgufConfig, PreTrainedModel
from transformers.utils import is_kernels_available

from explorer.engine.gguf.header import Header
from explorer.errors import ModelError

UNPACKED = "Leave out --packed: the weights are unpacked then, with the same numbers and more memory."


def load_packed(
    header: Header, name: str, config: Any, dtype: torch.dtype, placed: dict[str, Any]
) -> tuple[PreTrainedModel, dict[str, Any]]:
    """The model of a config, and what transformers says of its weights.

    Raises ModelError where they would be unpacked.
    """
    if why := why_not_packed(header):
        raise ModelError(f"{name} cannot be kept packed: {why}. {UNPACKED}")
    model, loaded = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)].from_pretrained(
        Path(header.path).parent,
        gguf_file=str(header.path),
        config=config,
        dtype=dtype,
        quantization_config=GgufConfig(),
        local_files_only=True,
        output_loading_info=True,
        **placed,
    )
    if model.hf_quantizer.quantization_config.dequantize:
        raise ModelError(f"{name} cannot be kept packed: transformers has unpacked it. {UNPACKED}")
    return model, loaded


def why_not_packed(header: Header) -> str:
    """What stands against it, in words that go after a colon; "" where nothing does."""
    from transformers.integrations.gguf.gguf_conversion_mapping import GGUF_ARCHS
    from transformers.integrations.gguf.kernels import get_gguf_kernel

    if header.architecture not in GGUF_ARCHS:
        return f"transformers does that for the architectures {', '.join(sorted(GGUF_ARCHS))}, and not for this one"
    if not is_kernels_available():
        return "that needs the package kernels, of a version that this transformers takes"
    if not get_gguf_kernel():
        return "no kernel for packed weights is published for this device, or it could not be fetched"
    return ""
