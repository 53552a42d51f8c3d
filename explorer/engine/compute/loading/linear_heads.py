"""Changes of the layers of Qwen 3.5 that have states, undone.

llama.cpp has the heads of values by turns, one of each key after the other; transformers has all of one key together.
Each function is as those of changes.py.
"""

from typing import Any

import torch


def _grouped(tensor: torch.Tensor, config: Any, width: int) -> torch.Tensor:
    """The rows of heads of so many rows each, those of a key together."""
    keys = config.linear_num_key_heads
    per_key, rest = config.linear_num_value_heads // keys, tensor.shape[1:]
    return tensor.reshape(per_key, keys, width, *rest).transpose(0, 1).reshape(tensor.shape)


def grouped_heads(tensors: list[torch.Tensor], config: Any) -> torch.Tensor:
    """A row for each head of values."""
    return _grouped(tensors[0], config, 1)


def grouped_values(tensors: list[torch.Tensor], config: Any) -> torch.Tensor:
    """As many rows for each head as a value is wide."""
    return _grouped(tensors[0], config, config.linear_value_head_dim)


def grouped_mixed(tensors: list[torch.Tensor], config: Any) -> torch.Tensor:
    """Queries and keys as they are, and then the values."""
    fixed = 2 * config.linear_key_head_dim * config.linear_num_key_heads
    whole = tensors[0]
    return torch.cat([whole[:fixed], _grouped(whole[fixed:], config, config.linear_value_head_dim)])


def grouped_channels(tensors: list[torch.Tensor], config: Any) -> torch.Tensor:
    """The same of the kernel of the convolution, whose channels are for themselves."""
    return grouped_mixed(tensors, config).unsqueeze(1)


def grouped_inputs(tensors: list[torch.Tensor], config: Any) -> torch.Tensor:
    """The columns of what reads the values."""
    return _grouped(tensors[0].T, config, config.linear_value_head_dim).T


def grouped_decay(tensors: list[torch.Tensor], config: Any) -> torch.Tensor:
    """The decays, as logarithms."""
    return torch.log(-_grouped(tensors[0], config, 1))
