"""Changes: what the converters of llama.cpp do to weights, undone.

Each is a function of the tensors that a row of a family names, in float32, and of the config. Owns nothing else. Must
not know files.
"""

from typing import Any

import torch

from explorer.engine.compute.loading import linear_heads


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


def by_head(tensors: list[torch.Tensor], config: Any) -> torch.Tensor:
    """Query, key and value of each head one after the other, in place of all queries first."""
    whole = tensors[0]
    return whole.reshape(3, config.num_attention_heads, -1, *whole.shape[1:]).transpose(0, 1).reshape(whole.shape)


def by_group(tensors: list[torch.Tensor], config: Any) -> torch.Tensor:
    """The queries of a group, then its key and its value, group by group, as Falcon has them."""
    whole, heads = tensors[0], config.num_attention_heads
    groups = config.num_kv_heads if config.new_decoder_architecture else 1
    width = whole.shape[0] // (heads + 2 * groups)
    queries, keys, values = torch.split(whole, [heads * width, groups * width, groups * width])
    rest = whole.shape[1:]
    parts = [queries.reshape(groups, -1, *rest), keys.reshape(groups, -1, *rest), values.reshape(groups, -1, *rest)]
    return torch.cat(parts, dim=1).reshape(whole.shape)


def log_of_decay(tensors: list[torch.Tensor], config: Any) -> torch.Tensor:
    """A decay, as the logarithm that a state space is trained with."""
    return torch.log(-tensors[0])


def one_channel(tensors: list[torch.Tensor], config: Any) -> torch.Tensor:
    """The kernel of a convolution that has each channel for itself."""
    return tensors[0].unsqueeze(1)


CHANGES = {
    change.__name__: change
    for change in (
        unturn_queries,
        unturn_keys,
        less_one,
        beside,
        as_row,
        turned,
        woven,
        woven_columns,
        by_head,
        by_group,
        log_of_decay,
        one_channel,
        linear_heads.grouped_heads,
        linear_heads.grouped_values,
        linear_heads.grouped_mixed,
        linear_heads.grouped_channels,
        linear_heads.grouped_inputs,
        linear_heads.grouped_decay,
    )
}
"""By the name that a row of a family has for it."""
