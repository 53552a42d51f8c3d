"""Short cuts: temperature, top-k, top-p and min-p told from the order of a row, for the tables of a stored row.

These settings leave the order of the tokens as it is, so that what they keep is the beginning of the order, which is
computed once: each is a count. The counts are those of transformers' processors; among tokens with equal scores where
top-p cuts, those with smaller ids are kept, which transformers leaves to its sort. Must not draw.
"""

import math

import msgspec
import torch

from explorer.core.sampling.knobs import KNOB
from explorer.core.sampling.params import SamplingParams
from explorer.engine.compute.tables.ranking import DEPTH, SHALLOW, Row
from explorer.engine.compute.tables.samplers import MOVES, tempered

SHORT = {"temperature", "top_k", "top_p", "min_p"}

HARMLESS = {*SHORT, "seed", *MOVES}
"""What moves tokens is in the row already."""

DOUBT = 1e-5
"""Where a float32 is as near to its bound as this share of it, only the sum that transformers makes, in its order,
decides on which side it is."""


class Beginning(msgspec.Struct, frozen=True):
    """The beginning of a row's order that the samplers keep, and its softmax."""

    counts: list[tuple[str, int]]
    """How many tokens each step leaves, by the step's name, in order."""
    kept: int
    entropy: float
    """In bits."""
    temperature: float
    first: torch.Tensor
    """The highest logit [1]."""
    highest: float
    """The first score after the temperature."""
    weight: float
    """Sum over the kept tokens of the exponential of their score less the highest."""

    def cut_by(self, place: int) -> str | None:
        """The step that cut the token at a place, from 1."""
        return next((name for name, count in self.counts if place > count), None)

    def shares(self, logits: torch.Tensor) -> list[float]:
        """The sampling probs of tokens that are kept, from their logits [n]."""
        scores = tempered(logits.float(), self.temperature, self.first)
        weights: list[float] = ((scores - self.highest).exp() / self.weight).tolist()
        return weights


def beginning(row: Row, params: SamplingParams) -> Beginning | None:
    """What the settings keep of a row; None where the order does not tell, and the chain of processors must."""
    names = params.settings.keys()
    if not SHORT & names or names - HARMLESS or row.logits.numel() <= DEPTH or not row.known:
        return None
    if params.temperature == 0:
        first = row.logits[row.order(1)[:1]].float()
        return Beginning([("temperature", 1)], 1, 0.0, 1.0, first, first.item(), 1.0)
    for depth in (SHALLOW, DEPTH, row.logits.numel()):
        found = _Counting(row, params, depth).result()
        if found is not None:
            return found
    return None


class _Counting:
    """One look at the order of a row, as deep as `depth`."""

    def __init__(self, row: Row, params: SamplingParams, depth: int) -> None:
        self._row, self._params = row, params
        order = row.order(depth)[: row.finite]
        self._first = row.logits[order[:1]].float()
        self._scores = self._scaled(row.logits[order])
        self._kept = row.finite
        self._order = order

    def _scaled(self, logits: torch.Tensor) -> torch.Tensor:
        return tempered(logits.float(), self._params.temperature, self._first)

    @property
    def _known(self) -> bool:
        """Whether the order reaches the last token that is kept."""
        return self._kept <= len(self._scores)

    def _everything(self) -> torch.Tensor:
        """The scores of the whole vocabulary [V]; minus infinity where they are cut."""
        scores = self._scaled(self._row.logits)
        if self._kept == self._row.finite:
            return scores
        kept = self._order[: self._kept]
        return torch.full_like(scores, -math.inf).index_copy(0, kept, scores[kept])

    def _below(self) -> torch.Tensor:
        """The scores that are kept, less the highest: [n] where the order knows them, else of the vocabulary."""
        return (self._scores[: self._kept] if self._known else self._everything()) - self._scores[0]

    def result(self) -> Beginning | None:
        """None where a deeper order is needed."""
        counts = []
        for name, count in (("top_k", self._top_k), ("top_p", self._top_p), ("min_p", self._min_p)):
            if getattr(self._params, name) == KNOB[name].off:
                continue
            found = count()
            if found is None:
                return None
            self._kept = found
            counts.append((name, found))
        below = self._below()
        weights = below.exp()
        weight = weights.sum().item()
        spread = torch.where(weights == 0, 0.0, weights * below).sum().item() / weight
        bits = max(0.0, (math.log(weight) - spread) / math.log(2))
        return Beginning(
            counts, self._kept, bits, self._params.temperature, self._first, self._scores[0].item(), weight
        )

    def _top_k(self) -> int | None:
        k = self._params.top_k
        if k >= self._kept:
            return self._kept
        if k > len(self._scores):
            return None
        # Scores equal to the last one are kept with it; after the temperature, there may be more of them.
        count = int((self._scores >= self._scores[k - 1]).sum())
        return count if count < len(self._scores) or len(self._scores) == self._row.finite else None

    def _top_p(self) -> int | None:
        bound = 1 - self._params.top_p
        first = self._scores[: self._kept]
        # Not a softmax, whose sum over a long row loses what is small beside what is large.
        weights = (first - first[0]).exp()
        whole = weights.sum() if self._known else self._below().exp().sum()
        # The mass of each token but the first together with all that follow.
        beyond = 1 - weights.double().cumsum(-1)[:-1] / whole
        cut = int((beyond <= bound).sum())
        doubt = (beyond - bound).abs() <= DOUBT * bound + DOUBT / 10
        if not bool(doubt.any()) and (cut or self._known):
            return len(first) - cut
        if not self._known:
            return None
        # The sum that transformers makes: over the same scores in the same order.
        ascending = torch.full((1, self._row.logits.numel()), -math.inf, device=first.device)
        ascending[0, -len(first) :] = first.flip(0)
        mass = ascending.softmax(-1).cumsum(-1)[0, -len(first) :]
        return max(len(first) - int((mass <= bound).sum()), 1)

    def _min_p(self) -> int | None:
        share = self._params.min_p
        ratios = (self._scores[: self._kept] - self._scores[0]).exp()
        count = int((ratios >= share).sum())
        doubt = ((ratios - share).abs() <= DOUBT * share) & (ratios < 1)
        if not bool(doubt.any()) and (count < len(ratios) or self._known):
            return count
        scores = self._everything()
        probs = scores.softmax(-1)
        count = int(((probs >= share * probs.max()) & (scores > -math.inf)).sum())
        return count if self._known or count <= len(ratios) or count == self._kept else None
