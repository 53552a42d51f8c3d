"""Tolerance: how far a number that is computed again may be from the recorded one, by the dtype that computed it.

Owns the bounds, and what follows from them for the samplers. The bounds on |Δlogprob| lie well above what
docs/numbers.md measures between two ways to one prefix: 8e-6 in float32, 1e-2 in float16, 1e-1 in bfloat16. Must not
know records or engines.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from explorer.core.distribution import Distribution
from explorer.core.sampling.knob import Knob
from explorer.core.sampling.knobs import KNOB
from explorer.core.sampling.params import SamplingParams

BY_DTYPE = {"float64": 1e-6, "float32": 1e-3, "float16": 0.06}
"""Of |Δlogprob|, in nats."""

COARSE = 0.5
"""In every other dtype, and where weights are packed."""

SMALLEST = 1e-30
"""Of a probability: float32 has no digits left for one that is smaller."""

ROUNDED = 1e-12
"""Of a sum of probabilities that may have been told as a difference."""


def tolerance_of(dtype: str, loaded_with: Mapping[str, Any]) -> float:
    """The bound of |Δlogprob| of a model, in nats."""
    return COARSE if loaded_with.get("quantize") or loaded_with.get("packed") else BY_DTYPE.get(dtype, COARSE)


def apart(recorded: float, computed: float) -> float:
    """How far two probabilities are from each other, in nats; infinite where one of them alone is 0."""
    if recorded == computed:
        return 0.0
    if recorded <= 0 or computed <= 0:
        return math.inf
    return abs(math.log(recorded) - math.log(computed))


class Bound(NamedTuple):
    """How far a logprob may be off, and which other numbers are the same then."""

    nats: float

    def same_logit(self, recorded: float, computed: float) -> bool:
        """Logits may be shifted together, beside what the logprobs tell."""
        return abs(recorded - computed) <= 2 * self.nats

    def same_prob(self, recorded: float, computed: float) -> bool:
        return apart(recorded, computed) <= self.nats or max(recorded, computed) < SMALLEST

    def same_mass(self, recorded: float, computed: float) -> bool:
        """Sums of probabilities, one of which may have come out as 0."""
        return apart(recorded, computed) <= self.nats or abs(recorded - computed) <= ROUNDED

    def same_entropy(self, recorded: float, computed: float) -> bool:
        return abs(recorded - computed) <= self.slack(computed)

    def slack(self, bits: float) -> float:
        """Of an entropy in bits, where every logprob is off by the bound: |ΔH| <= bound · Σ p |ln p + H|."""
        return self.nats * (1 + 2 * abs(bits))


def after_samplers(params: SamplingParams, bound: float) -> float:
    """The bound of the logarithm of a sampling prob: a difference of two logits, stretched as the settings do."""
    penalty = max(params.repetition_penalty, 1 / params.repetition_penalty)
    return 2 * bound * penalty / (params.temperature or 1.0)


def loosened(params: SamplingParams, bound: float) -> SamplingParams:
    """Settings that keep what these may keep where probabilities are uncertain by a bound in nats; below 0, less."""
    looser = {name: loosen(KNOB[name], getattr(params, name), bound) for name, loosen in LOOSENED.items()}
    return params.replace(**looser)


FAR = 700.0
"""Nats: what is so far from a bound is nowhere near it, and no float is as great as its exponential."""


def _mass(knob: Knob, share: float, bound: float) -> float:
    """A sum of probabilities and the rest of it are both uncertain by the bound; one that is off stays off."""
    if share in (knob.off, 1.0):
        return share
    return share + math.copysign(min(abs(bound), 0.99), bound) * min(share, 1 - share)


def _least(knob: Knob, share: float, bound: float) -> float:
    """What the probability of a token must be at the least."""
    return min(share * math.exp(min(-bound, FAR)), knob.high)


LOOSENED: dict[str, Callable[[Knob, float, float], float]] = {
    "top_p": _mass,
    "typical_p": _mass,
    "top_h": _mass,
    "min_p": _least,
    "epsilon_cutoff": _least,
    "eta_cutoff": _least,
}
"""The settings that cut at a probability, and how far they give way."""

FIRM = {
    "temperature": "it scales; at 0, where one token is kept, the token itself is raised",
    "top_k": "it cuts at a count: the logits at its bound are looked at",
    "repetition_penalty": "it moves tokens, and cuts none",
    "logit_bias": "it moves tokens, and cuts none",
    "no_repeat_ngram_size": "it cuts by ids, whatever their logits are",
    "suppress_tokens": "it cuts by ids, whatever their logits are",
    "min_new_tokens": "it cuts by ids, whatever their logits are",
    "seed": "it decides on the draw, and not on the table",
}
"""Every other setting, with why it does not give way."""


class Shaping(NamedTuple):
    """What the samplers made of a distribution, as far as it is known."""

    shares: dict[int, float]
    """Sampling probs by token id."""
    cuts: dict[int, str | None]
    kept: int | None = None
    cut_mass: float | None = None
    entropy: float | None = None
    """In bits, after the samplers."""

    @classmethod
    def of(cls, table: Distribution) -> "Shaping":
        return cls(
            {c.token.id: c.sampling_prob for c in table.candidates},
            {c.token.id: c.cut_by for c in table.candidates},
            table.kept,
            table.cut_mass,
            table.sampling_entropy,
        )


class Difference(NamedTuple):
    """A number that is not what was recorded."""

    what: str
    recorded: str | float | None
    computed: str | float | None
    token: int | None = None
    """Whose number it is; None where it is the table's."""


def shaping_differences(recorded: Shaping, possible: Sequence[Shaping], bound: float) -> list[Difference]:
    """What is recorded and not within a bound in nats of what is possible; the first of those is the likeliest."""
    found, first, within = [], possible[0], Bound(bound)
    for token_id, share in recorded.shares.items():
        others = [one.shares[token_id] for one in possible if token_id in one.shares]
        if not _between(share, others, within.same_prob):
            found.append(Difference("sampling_prob", share, first.shares.get(token_id), token_id))
    for token_id, cut in recorded.cuts.items():
        if cut not in [one.cuts.get(token_id) for one in possible]:
            found.append(Difference("cut_by", cut, first.cuts.get(token_id), token_id))
    kept = [one.kept for one in possible if one.kept is not None]
    if recorded.kept is not None and not (kept and min(kept) <= recorded.kept <= max(kept)):
        found.append(Difference("kept", recorded.kept, first.kept))
    masses = [one.cut_mass for one in possible if one.cut_mass is not None]
    if recorded.cut_mass is not None and not _between(recorded.cut_mass, masses, within.same_mass):
        found.append(Difference("cut_mass", recorded.cut_mass, first.cut_mass))
    if recorded.entropy is not None:
        bits = [one.entropy for one in possible if one.entropy is not None]
        slack = within.slack(recorded.entropy)
        if not (bits and min(bits) - slack <= recorded.entropy <= max(bits) + slack):
            found.append(Difference("sampling_entropy", recorded.entropy, first.entropy))
    return found


def _between(recorded: float, others: Sequence[float], same: Callable[[float, float], bool]) -> bool:
    """Whether a probability is the same as one of the others, or lies between them."""
    return any(same(recorded, other) for other in others) or (len(others) > 1 and min(others) < recorded < max(others))
