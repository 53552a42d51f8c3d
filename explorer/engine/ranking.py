"""Row: the logits after one prefix, and what is computed from them once: the order of the tokens, sums over all.

Owns ranks and ties. Must not know samplers, nor where a row comes from.
"""

import math
from collections.abc import Sequence
from functools import cached_property

import torch

DEPTH = 2048
"""Tokens that are put in order at first: a sort of a whole vocabulary is some twenty times as long."""


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
            scores = comparable(self.logits.float())
            self._order = highest(scores, DEPTH if count <= DEPTH else size)
        return self._order

    def ranks(self, ids: torch.Tensor) -> list[int]:
        """The rank of each id [n]."""
        order = self.order(DEPTH)
        found = order[None] == ids[:, None]
        places = found.int().argmax(-1).tolist()
        if bool(found.any(-1).all()):
            return [place + 1 for place in places]
        scores = comparable(self.logits.float())
        known = found.any(-1).tolist()
        pairs = zip(ids.tolist(), places, known, strict=True)
        return [place + 1 if listed else rank_of(scores, token_id) for token_id, place, listed in pairs]

    @cached_property
    def logsumexp(self) -> float:
        """Natural logarithm; not finite where a logit is NaN or infinite, or none is finite."""
        return self.logits.float().logsumexp(-1).item()

    @cached_property
    def finite(self) -> int:
        """How many logits are finite."""
        return int(self.logits.isfinite().sum())

    @cached_property
    def entropy(self) -> float:
        """Of the softmax, in bits; not finite where the logsumexp is not."""
        return entropy(self.logits.float().softmax(-1))


def comparable(logits: torch.Tensor) -> torch.Tensor:
    """The logits with NaN below everything, as rank takes it."""
    return logits.nan_to_num(nan=-math.inf, posinf=math.inf, neginf=-math.inf)


def entropy(probs: torch.Tensor) -> float:
    """Of probabilities [V], in bits. A token of probability 0 adds nothing."""
    nats: float = torch.special.entr(probs).sum().item()
    return max(nats / math.log(2), 0.0)


def highest(scores: torch.Tensor, count: int) -> torch.Tensor:
    """The ids of the `count` highest scores [V], and of those equal to the last; equal ones by id. Without NaN."""
    if count >= scores.numel():
        return scores.sort(descending=True, stable=True).indices
    lowest = scores.topk(count).values[-1]
    reaching = (scores >= lowest).nonzero()[:, 0]
    return reaching[scores[reaching].sort(descending=True, stable=True).indices]


def ranked(row: torch.Tensor, top: int, include: Sequence[int] = ()) -> list[tuple[int, int]]:
    """(rank, id) of the `top` highest logits and of the ids in `include`, by rank.

    Equal logits are ranked by id. `row` is float32 without NaN.
    """
    ranks = list(enumerate(highest(row, max(top, 1))[: max(top, 1)].tolist(), 1))
    listed = {token_id for _, token_id in ranks}
    others = [token_id for token_id in dict.fromkeys(include) if token_id not in listed]
    return ranks + sorted((rank_of(row, token_id), token_id) for token_id in others)


def rank_of(row: torch.Tensor, token_id: int) -> int:
    """1 + tokens with a higher logit + tokens with the same logit and a smaller id."""
    logit = row[token_id]
    return 1 + int((row > logit).sum()) + int((row[:token_id] == logit).sum())
