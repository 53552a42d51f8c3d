"""Scored: what a model thought of a token that stands in a text (teacher forcing), and the sums over a text.

Owns the names and the formulas, and what a token of probability 0 is: its logprob is minus infinity and its surprisal
infinite, and a sum that it is in is infinite too, where one of a token that is not known is left out. JSON has no
infinite number: it has null there, and a probability of 0. Must not know how the numbers are computed.
"""

import math
from collections.abc import Sequence

import msgspec

from explorer.core.token import Token


class Alternative(msgspec.Struct, frozen=True):
    """A token that could have stood there."""

    token: Token
    rank: int
    logprob: float
    prob: float


class Scored(msgspec.Struct, frozen=True):
    """A token of a text, with the numbers of the distribution that it was chosen from.

    All of them are None for the first token of a sequence, which nothing precedes.
    """

    token: Token
    logprob: float | None = None
    """Natural logarithm; minus infinity where `prob` is 0."""
    prob: float | None = None
    rank: int | None = None
    entropy: float | None = None
    """Of the whole distribution, in bits."""
    top: tuple[Alternative, ...] = ()

    def __post_init__(self) -> None:
        if self.prob == 0 and self.logprob is None:  # As JSON has it.
            msgspec.structs.force_setattr(self, "logprob", -math.inf)

    @property
    def surprisal(self) -> float | None:
        """In bits: -log2 of the probability."""
        return surprisal(self.logprob)


LEAST = math.ulp(0.0)
"""What a probability is at the least that is not 0."""


def prob_of(logprob: float | None) -> float | None:
    """The probability of a natural logarithm; 0 only for a token that is impossible."""
    if logprob is None:
        return None
    return 0.0 if logprob == -math.inf else max(math.exp(logprob), LEAST)


def logprob_of(prob: float | None) -> float | None:
    """The natural logarithm of a probability; minus infinity for a token that is impossible."""
    if prob is None:
        return None
    return math.log(prob) if prob > 0 else -math.inf


def surprisal(logprob: float | None) -> float | None:
    """Bits of a natural logarithm."""
    return None if logprob is None else max(0.0, -logprob / math.log(2))


class Summary(msgspec.Struct, frozen=True):
    """A text as a whole."""

    logprob: float
    """Sum over the tokens that have one; minus infinity where one of them is impossible."""
    mean_nll: float | None
    """Mean negative log-likelihood in nats per token, which is the loss of training; None without any token."""
    perplexity: float | None
    """exp(mean_nll); infinite also where no float is as great."""
    count: int
    """Tokens that have a logprob."""
    impossible: int = 0
    """Those of them whose probability is 0."""


def summary(tokens: Sequence[Scored]) -> Summary:
    """The sums over the tokens of a text."""
    logprobs = [scored.logprob for scored in tokens if scored.logprob is not None]
    total = math.fsum(logprobs)
    if not logprobs:
        return Summary(0.0, None, None, 0)
    mean = 0.0 - total / len(logprobs)
    try:
        perplexity = math.exp(mean)
    except OverflowError:
        perplexity = math.inf
    return Summary(total, mean, perplexity, len(logprobs), logprobs.count(-math.inf))
