"""Short cuts: top-k, top-p and min-p without a sort of the whole vocabulary, for the tables of a stored row.

Owns the same cuts as transformers' processors make, from the order of the row's tokens, which is computed once and
which temperature does not change. The kept scores and their number are equal to the last bit; among tokens with equal
scores where top-p cuts, those with smaller ids are kept, which transformers leaves to its sort. Must not draw.
"""

import math

import torch
from transformers import MinPLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from explorer.engine.ranking import DEPTH, Row
from explorer.engine.samplers import Chain

CUTS = ("no_repeat_ngram_size", "min_new_tokens", "suppress_tokens", "temperature", "top_k", "top_p", "min_p")
"""The steps after which the tokens that are left still stand in the order of the row."""

DOUBT = (1e-5, 1e-6)
"""Where the mass beyond a cut is as near to the bound as this share of it and this mass, only the sum that transformers
makes decides on which side it is."""


def shortened(steps: Chain, row: Row) -> Chain:
    """The steps with short cuts where there are some; `row` holds the scores that the first step is given."""
    if row.logits.numel() <= DEPTH or not math.isfinite(row.logsumexp) or any(name not in CUTS for name, _ in steps):
        return steps
    return [(name, _shortcut(processor, row) or processor) for name, processor in steps]


def _shortcut(processor: object, row: Row) -> "TopK | TopP | MinP | None":
    match processor:
        case TopKLogitsWarper():
            return TopK(row, processor.top_k)
        case TopPLogitsWarper():
            return TopP(row, processor.top_p)
        case MinPLogitsWarper():
            return MinP(processor.min_p)
    return None


def standing(row: Row, scores: torch.Tensor, count: int) -> tuple[torch.Tensor, bool]:
    """The ids [n] of the first tokens of the row that are not cut from the scores [1, V] yet, at least `count` or all.

    And whether they are all.
    """
    whole = int((scores > -math.inf).sum())
    for depth in (count, scores.shape[1]):
        order = row.order(depth)
        left = order[scores[0, order] > -math.inf]
        if len(left) >= min(count, whole):
            break
    return left, len(left) == whole


class TopK:
    """Keeps the scores that reach the one at the place k."""

    def __init__(self, row: Row, k: int) -> None:
        self._row, self._k = row, k

    def __call__(self, history: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        order, _ = standing(self._row, scores, self._k)
        if len(order) < self._k:
            return scores
        return scores.masked_fill(scores < scores[0, order[self._k - 1]], -math.inf)


class TopP:
    """Cuts from the end what has, together, no more than the mass 1 - p."""

    def __init__(self, row: Row, p: float) -> None:
        self._row, self._bound = row, 1 - p

    def __call__(self, history: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        order, whole = standing(self._row, scores, DEPTH)
        if not len(order):
            return scores
        count = self._from_the_top(scores, order, whole)
        if count is None:
            order, _ = standing(self._row, scores, scores.shape[1])
            count = self._from_the_end(scores, order)
        kept = order[:count]
        return torch.full_like(scores, -math.inf).index_copy(1, kept, scores[:, kept])

    def _from_the_top(self, scores: torch.Tensor, order: torch.Tensor, whole: bool) -> int | None:
        """How many are kept, where that can be told by the first tokens alone."""
        weights = (scores[0] - scores[0, order[0]]).exp()
        # Not a softmax, whose sum over a long row loses what is small beside what is large.
        above = weights[order].double().cumsum(-1) / weights.sum()
        # The mass of each token but the first together with all that follow.
        beyond = 1 - above[:-1]
        cut = beyond <= self._bound
        doubt = (beyond - self._bound).abs() <= DOUBT[0] * self._bound + DOUBT[1]
        if bool(doubt.any()) or not (whole or bool(cut.any())):
            return None
        return 1 + int((~cut).sum())

    def _from_the_end(self, scores: torch.Tensor, order: torch.Tensor) -> int:
        """How many are kept, by the sum that transformers makes: over the same scores in the same order."""
        ascending = torch.full_like(scores, -math.inf)
        ascending[0, scores.shape[1] - len(order) :] = scores[0, order.flip(0)]
        mass = ascending.softmax(-1).cumsum(-1)[0, -len(order) :]
        return max(len(order) - int((mass <= self._bound).sum()), 1)


class MinP:
    """Cuts what has less than this share of the highest probability, which is never cut."""

    def __init__(self, share: float) -> None:
        self._share = share

    def __call__(self, history: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        probs = scores.softmax(-1)
        return scores.masked_fill(probs < self._share * probs.amax(-1, keepdim=True), -math.inf)
