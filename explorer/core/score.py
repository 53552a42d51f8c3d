"""Scored: what a model thought of a token that stands in a text (teacher forcing), and the sums over a text.

Owns the names and the formulas. Must not know how the numbers are computed.
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
    """Natural logarithm."""
    prob: float | None = None
    rank: int | None = None
    entropy: float | None = None
    """Of the whole distribution, in bits."""
    top: tuple[Alternative, ...] = ()

    @property
    def surprisal(self) -> float | None:
        """In bits: -log2 of the probability."""
        return surprisal(self.logprob)


def surprisal(logprob: float | None) -> float | None:
    """Bits of a natural logarithm."""
    return None if logprob is None else max(0.0, -logprob / math.log(2))


class Summary(msgspec.Struct, frozen=True):
    """A text as a whole."""

    logprob: float
    """Sum over the tokens that have one."""
    mean_nll: float | None
    """Mean negative log-likelihood in nats per token, which is the loss of training; None without any token."""
    perplexity: float | None
    """exp(mean_nll)."""
    count: int
    """Tokens that have a logprob."""


def summary(tokens: Sequence[Scored]) -> Summary:
    """The sums over the tokens of a text."""
    logprobs = [scored.logprob for scored in tokens if scored.logprob is not None]
    total = math.fsum(logprobs)
    if not logprobs:
        return Summary(0.0, None, None, 0)
    mean = -total / len(logprobs)
    try:
        perplexity = math.exp(mean)
    except OverflowError:
        perplexity = None
    return Summary(total, mean, perplexity, len(logprobs))
