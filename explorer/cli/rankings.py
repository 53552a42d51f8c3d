"""The shapes of `search --json` and `options --json`: what could come next, each in its place. As those of `shapes`."""

from collections.abc import Sequence

import msgspec

from explorer.core.distribution import CandidateRow
from explorer.core.query import Query
from explorer.core.sampling.params import SamplingParams
from explorer.core.token import Token
from explorer.engine.base import Engine, Reporter, ready, silent
from explorer.walk.ranking import Option, ranks, shares


class FoundTable(msgspec.Struct, frozen=True):
    """The tokens that match a query, at their places after `ids`."""

    model: str
    dtype: str
    device: str
    ids: list[int]
    total: int
    """How many tokens match."""
    hits: list[CandidateRow]
    """The first of them, by their places."""


async def found_table(
    engine: Engine, ids: Sequence[int], query: Query, params: SamplingParams, top: int, report: Reporter = silent
) -> FoundTable:
    """The `top` first tokens that match. Raises UsageError, ContextFull, EngineError."""
    found = await engine.search(ids, query, params, top, report=report)
    info, hits = ready(engine), [CandidateRow.of(candidate) for candidate in found.hits]
    return FoundTable(info.model, info.dtype, info.device, list(ids), found.total, hits)


class OptionToken(msgspec.Struct, frozen=True):
    """A token of an option, with the numbers that it has after those before it."""

    id: int
    text: str | None
    bytes: str
    logprob: float | None
    prob: float | None
    rank: int | None


class OptionRow(msgspec.Struct, frozen=True):
    """A text that could come next, and how likely it is by three measures; they are null where it cannot come."""

    index: int
    """Its place among those that were given, from 0."""
    text: str | None
    bytes: str
    logprob: float | None
    """Nats, the sum over its tokens."""
    logprob_per_token: float | None
    logprob_per_byte: float | None
    rank: int
    """Among the options, by the sum: 1 is the likeliest; equal ones have the same."""
    rank_per_token: int
    rank_per_byte: int
    share: float | None
    """Its probability, if one of the options comes and no other text."""
    tokens: list[OptionToken]


class OptionsTable(msgspec.Struct, frozen=True):
    """Several texts that could follow `ids`, in the order in which they were given."""

    model: str
    dtype: str
    device: str
    ids: list[int]
    options: list[OptionRow]


async def options_table(
    engine: Engine, ids: Sequence[int], options: Sequence[Sequence[Token]], report: Reporter = silent
) -> OptionsTable:
    """What the model thinks of each option, of at least one token each, in one batched pass.

    Raises UsageError, ContextFull, EngineError.
    """
    found = await engine.compare(ids, [[token.id for token in option] for option in options], report=report)
    compared = [Option(tuple(scored)) for scored in found]
    totals = [option.total for option in compared]
    by_total = ranks(totals)
    by_token = ranks([option.per_token for option in compared])
    by_byte = ranks([option.per_byte for option in compared])
    rows = [
        OptionRow(
            index,
            Token.from_bytes(0, spelt := b"".join(one.token.bytes for one in option.scored)).text,
            spelt.hex(),
            option.total,
            option.per_token,
            option.per_byte,
            by_total[index],
            by_token[index],
            by_byte[index],
            share,
            [
                OptionToken(one.token.id, one.token.text, one.token.bytes.hex(), one.logprob, one.prob, one.rank)
                for one in option.scored
            ],
        )
        for index, (option, share) in enumerate(zip(compared, shares(totals), strict=True))
    ]
    info = ready(engine)
    return OptionsTable(info.model, info.dtype, info.device, list(ids), rows)
