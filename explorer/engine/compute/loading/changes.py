"""Changes: what the converters of llama.cpp do to weights, undone.

Each is a function of the tensors that a row of a family names, in float32, and of the config. Owns nothing else. Must
not know files.
"""

from typing import Any

import torch


def _unturned(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """Rotary pairs half a head apart again, of a weight or a bias."""
    rest = weight.shape[1:]
    return weight.reshape(heads, -1, 2, *rest).transpose(1, 2).reshape(weight.shape)


def unturn_queries(tensors: list[torch.Tensor], config: Any) -> torch.Tensor:
    """Of the queries."""
    return _unturned(tensors[0], config.num_attention_heads)


def unturn_keys(tensors: list[torch.Tensor], config: Any) -> torch.Tensor:
    """Of the keys, of which there may be fewer heads."""
    return _unturned(tensors[0], config.num_key_value_heads)


CHANGES = {change.__name__: change for change in (unturn_queries, unturn_keys)}
