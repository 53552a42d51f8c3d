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


def less_one(tensors: list[torch.Tensor], config: Any) -> torch.Tensor:
    """Of a norm that is stored with the one that the model adds to it."""
    return tensors[0] - 1


def beside(tensors: list[torch.Tensor], config: Any) -> torch.Tensor:
    """The gates of experts and what they let through, in one tensor, expert by expert."""
    return torch.cat(tensors, dim=1)


def as_row(tensors: list[torch.Tensor], config: Any) -> torch.Tensor:
    """A single output, whose weights some files have as a list."""
    return tensors[0].reshape(1, -1)


def turned(tensors: list[torch.Tensor], config: Any) -> torch.Tensor:
    """Rows and columns changed, as in the linear layers of GPT-2 and the experts of gpt-oss."""
    return tensors[0].transpose(-2, -1)


def woven(tensors: list[torch.Tensor], config: Any) -> torch.Tensor:
    """The biases of gates and of what they let through, by turns."""
    return torch.stack(tensors, dim=-1).flatten(-2)


def woven_columns(tensors: list[torch.Tensor], config: Any) -> torch.Tensor:
    """The same of the weights, as columns."""
    return woven([one.transpose(-2, -1) for one in tensors], config)


CHANGES = {
    change.__name__: change
    for change in (unturn_queries, unturn_keys, less_one, beside, as_row, turned, woven, woven_columns)
}
