"""Row: the logits after one prefix, and what is computed from them once: the order of the tokens, sums over all.

Owns ranks and ties. Must not know samplers, nor where a row comes from.
"""

import math
from functools import cached_property

import torch

SHALLOW = 128
"""Tokens that are put in order at first: enough for a table, and hardly longer than finding the highest one."""

DEPTH = 2048
"""Tokens that are put in order where a setting cuts: a sort of a whole vocabulary is some twenty times as long."""

MANY = 64
"""Tokens whose ranks are read from the order of the whole vocabulary: one sort is less than counting for each."""

LEAST = -200.0
"""Below the logarithm of every probability of float32 that is not 0."""


class Row:
    """A row of logits [V], in the dtype of the model. Everything else is computed from it in float32, when asked."""

    def __init__(self, logits: torch.Tensor) -> None:
        self.logits = logits
        self._order: torch.Tensor | None = None

    @property
    def nbytes(self) -> int:
        """Of all that is held."""
        return self.logits.nbytes + (0 if self._order is None else self._order.nbytes)

    def order(self, count: int) -> torch.Tensor:
        """At least `count` token ids, or all, from the highest logit on; equal ones by id."""
        size = self.logits.numel()
        if self._order is None or len(self._order) < min(count, size):
            depth = next((depth for depth in (SHALLOW, DEPTH) if count <= depth), size)
            self._order = highest(comparable(self.logits.float())[None], depth)[0]
        return self._order

    def ranks(self, ids: torch.Tensor) -> list[int]:
        """The rank of each id [n]."""
        if len(ids) > MANY:
            order = self.order(self.logits.numel())
            ranks = torch.empty_like(order)
            ranks[order] = torch.arange(1, len(order) + 1, device=order.device)
            return list(map(int, ranks[ids].tolist()))
        for depth in (SHALLOW, DEPTH):
            found = self.order(depth)[None] == ids[:, None]
            places, known = found.int().argmax(-1).tolist(), found.any(-1).tolist()
            if all(known):
                return [place + 1 for place in places]
        scores = comparable(self.logits.float())
        pairs = zip(ids.tolist(), places, known, strict=True)
        return [place + 1 if listed else rank_of(scores, token_id) for token_id, place, listed in pairs]

    @cached_property
    def finite(self) -> int:
        """How many logits are finite."""
        if self.known and self.logits.min().item() > -math.inf:
            return self.logits.numel()
        return int(self.logits.isfinite().sum())

    @cached_property
    def entropy(self) -> float:
        """Of the softmax, in bits; NaN where it is not known."""
        return entropy(self.logits.float().log_softmax(-1)).item()

    @property
    def known(self) -> bool:
        """Whether the softmax is: not where a logit is NaN or infinite, or none is finite."""
        return math.isfinite(self.entropy)


def comparable(logits: torch.Tensor) -> torch.Tensor:
    """The logits with NaN below everything, as rank takes it."""
    return logits.nan_to_num(nan=-math.inf, posinf=math.inf, neginf=-math.inf)


def entropy(logprobs: torch.Tensor) -> torch.Tensor:
    """Of natural logarithms of probabilities [..., V], in bits [...]. A token of probability 0 adds nothing."""
    nats = (logprobs.exp() * logprobs.clamp(min=LEAST)).sum(-1)
    return (nats / -math.log(2)).clamp(min=0.0) + 0.0  # For a sum of 0 comes out as -0.


def highest(rows: torch.Tensor, count: int) -> torch.Tensor:
    """The ids [n, count], or all, of the highest scores of each row [n, V]; equal ones by id. Without NaN."""
    if count >= rows.shape[1]:
        return rows.sort(descending=True, stable=True).indices
    values, found = rows.topk(count + 1)
    ids = found[:, :count]
    tied = values[:, :-1] == values[:, 1:]
    if not bool(tied.any()):
        return ids
    for number in tied[:, -1].nonzero()[:, 0].tolist():
        # Which of the equal ones at the edge are found is left open.
        reaching = (rows[number] >= values[number, -1]).nonzero()[:, 0]
        ids[number] = reaching[rows[number, reaching].sort(descending=True, stable=True).indices[:count]]
    ids = ids.sort().values
    return ids.gather(1, rows.gather(1, ids).sort(descending=True, stable=True).indices)


def rank_of(row: torch.Tensor, token_id: int) -> int:
    """1 + tokens with a higher logit + tokens with the same logit and a smaller id."""
    logit = row[token_id]
    return 1 + int((row > logit).sum()) + int((row[:token_id] == logit).sum())
