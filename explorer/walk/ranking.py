"""Options: several texts that could come next, and what the model thinks of each; without widgets.

Owns the measures by which they are compared. Must not know how they are shown.
"""

import math
from collections.abc import Sequence

import msgspec

from explorer.core.score import Scored
from explorer.errors import UsageError
from explorer.walk import forcing
from explorer.walk.walk import Walk

MOST = 1_000
"""Texts that are compared at once: each is a row of a pass, and of the table."""


class Option(msgspec.Struct, frozen=True):
    """One of them, of at least one token."""

    scored: tuple[Scored, ...]

    @property
    def bytes(self) -> int:
        return sum(len(one.token.bytes) for one in self.scored)

    @property
    def total(self) -> float | None:
        """Natural logarithm of its probability; None where that is 0 or not known."""
        known = [one.logprob for one in self.scored if one.logprob is not None]
        return sum(known) if len(known) == len(self.scored) else None

    @property
    def per_token(self) -> float | None:
        return None if self.total is None else self.total / len(self.scored)

    @property
    def per_byte(self) -> float | None:
        """Does not depend on how the text is split; None of tokens without bytes."""
        return self.total / self.bytes if self.total is not None and self.bytes else None


def ranks(logprobs: Sequence[float | None]) -> list[int]:
    """1 + how many are greater; one that is not known comes last. Equal ones have the same rank."""
    known = [_ordered(logprob) for logprob in logprobs]
    return [1 + sum(other > logprob for other in known) for logprob in known]


def shares(logprobs: Sequence[float | None]) -> list[float | None]:
    """The probability of each, if one of them comes and nothing else; None for all where none of them can come."""
    known = [_ordered(logprob) for logprob in logprobs]
    top = max(known)
    if not math.isfinite(top):
        return [None] * len(known)
    weights = [math.exp(logprob - top) for logprob in known]
    return [weight / sum(weights) for weight in weights]


def _ordered(logprob: float | None) -> float:
    return -math.inf if logprob is None or math.isnan(logprob) else logprob


async def compare(walk: Walk, text: str) -> list[Option]:
    """What the model thinks of each line of a text, where the table stands; an empty line is none.

    Raises UsageError, ContextFull, EngineError.
    """
    texts = [line for line in text.split("\n") if line]
    if not texts:
        raise UsageError(walk.words("ranking.nothing"))
    if len(texts) > MOST:
        raise UsageError(walk.words("ranking.too_many", n=len(texts), most=MOST))
    lines = [await forcing.read(walk.engine, line, walk.words) for line in texts]
    walk.check_prefix()
    continuations = [[token.id for token in tokens] for tokens in lines]
    found = await walk.engine.compare(walk.prefix, continuations, report=walk.report)
    return [Option(tuple(scored)) for scored in found]
