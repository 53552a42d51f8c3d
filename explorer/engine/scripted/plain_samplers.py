"""The samplers in plain Python, for an engine without torch: the same steps under the same names, written out.

Owns what each setting means, a few lines each; samplers.py does the same with transformers' own classes. Must not
know tokens or tables.
"""

import math
import sys
from collections.abc import Iterable, Sequence

import msgspec

from explorer.core.sampling.params import SamplingParams


class Shaped(msgspec.Struct):
    """What the samplers made of a row of logits."""

    moved: list[float]
    """The logits after the logit bias and the repetition penalty, which may change the order of the tokens."""
    scores: list[float]
    """Their softmax is drawn from; minus infinity for a token that was cut."""
    cuts: dict[int, str]
    """Token id -> the first step that cut it."""

    def cut(self, name: str, ids: Iterable[int]) -> None:
        for token_id in ids:
            if self.scores[token_id] > -math.inf:
                self.scores[token_id] = -math.inf
                self.cuts[token_id] = name

    @property
    def kept(self) -> list[int]:
        """The ids that are not cut, from the highest score on; equal ones by id."""
        return [i for i in order(self.scores) if self.scores[i] > -math.inf]


def shape(
    row: Sequence[float], ids: Sequence[int], params: SamplingParams, prompt_length: int, eos_ids: Iterable[int]
) -> Shaped:
    """The samplers applied to the logits [V] after the prefix `ids`, in the order of `generate()`."""
    moved = list(row)
    for token_id, bias in params.logit_bias:
        moved[token_id] += bias
    if params.repetition_penalty != 1:
        for token_id in set(ids):
            up = moved[token_id] < 0
            moved[token_id] *= params.repetition_penalty if up else 1 / params.repetition_penalty
    shaped = Shaped(moved, list(moved), {})
    if params.no_repeat_ngram_size:
        shaped.cut("no_repeat_ngram_size", _repeats(ids, params.no_repeat_ngram_size))
    if len(ids) - prompt_length < params.min_new_tokens:
        shaped.cut("min_new_tokens", eos_ids)
    shaped.cut("suppress_tokens", params.suppress_tokens)
    if params.temperature == 0:
        shaped.cut("temperature", shaped.kept[1:])
    else:
        _warp(shaped, params)
    return shaped


def _repeats(ids: Sequence[int], size: int) -> list[int]:
    """What followed, earlier in the text, on its last `size - 1` tokens."""
    end = list(ids[len(ids) - size + 1 :]) if size > 1 else []
    return [ids[i + size - 1] for i in range(len(ids) - size + 1) if list(ids[i : i + size - 1]) == end]


def _warp(shaped: Shaped, params: SamplingParams) -> None:
    # Lowered by the highest, so that a tiny temperature leaves no infinite one.
    top, least = max(shaped.scores), -sys.float_info.max
    if top > -math.inf:
        shaped.scores = [
            max((score - top) / params.temperature, least) if score > -math.inf else score for score in shaped.scores
        ]
    if params.top_h:
        likeliest = shaped.kept[:100]
        terms = [-p * math.log(p) if p else 0.0 for p in softmax([shaped.scores[i] for i in likeliest])]
        bound = params.top_h * sum(terms)
        held = {token_id for n, token_id in enumerate(likeliest) if n == 0 or sum(terms[: n + 1]) <= bound}
        shaped.cut("top_h", (i for i in shaped.kept if i not in held))
    kept = shaped.kept
    if params.top_k and params.top_k < len(kept):
        lowest = shaped.scores[kept[params.top_k - 1]]
        shaped.cut("top_k", (i for i in kept if shaped.scores[i] < lowest))
    if params.top_p < 1:
        shaped.cut("top_p", _beyond(shaped, shaped.kept, params.top_p))
    probs = softmax(shaped.scores)
    if params.min_p:
        shaped.cut("min_p", (i for i in shaped.kept if probs[i] < params.min_p * max(probs)))
    if params.typical_p < 1:
        _cut_untypical(shaped, params.typical_p)
    probs = softmax(shaped.scores)
    if params.epsilon_cutoff:
        shaped.cut("epsilon_cutoff", (i for i in shaped.kept[1:] if probs[i] < params.epsilon_cutoff))
    if params.eta_cutoff:
        probs = softmax(shaped.scores)
        bound = min(params.eta_cutoff, math.sqrt(params.eta_cutoff) * math.exp(-nats(probs)))
        shaped.cut("eta_cutoff", (i for i in shaped.kept[1:] if probs[i] < bound))


def _beyond(shaped: Shaped, ranked: Sequence[int], mass: float) -> list[int]:
    """The ids after those whose probabilities, in the order given, first reach the mass."""
    probs = softmax(shaped.scores)
    reached = 0.0
    for count, token_id in enumerate(ranked):
        if count and reached >= mass:
            return list(ranked[count:])
        reached += probs[token_id]
    return []


def _cut_untypical(shaped: Shaped, mass: float) -> None:
    probs = softmax(shaped.scores)
    entropy = nats(probs)
    distance = {i: abs(-math.log(probs[i]) - entropy) if probs[i] else math.inf for i in shaped.kept}
    shaped.cut("typical_p", _beyond(shaped, sorted(distance, key=distance.__getitem__), mass))


def order(row: Sequence[float]) -> list[int]:
    """The ids from the highest value on; equal ones by id."""
    return sorted(range(len(row)), key=lambda i: (-row[i], i))


def softmax(row: Sequence[float]) -> list[float]:
    """Zeros where every value is minus infinity."""
    top = max(row, default=0.0)
    if top == -math.inf:
        return [0.0] * len(row)
    shares = [math.exp(value - top) for value in row]
    total = sum(shares)
    return [share / total for share in shares]


def nats(probs: Iterable[float]) -> float:
    """The entropy, by the natural logarithm."""
    return 0.0 - sum(p * math.log(p) for p in probs if p)
