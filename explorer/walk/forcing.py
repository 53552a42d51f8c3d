"""Forcing: tokens that a person wrote are appended, whatever the model thinks of them; without widgets.

Owns what a line means as tokens, and that one pass tells the numbers of all of them, before any is added. Must not
know where they come from.
"""

from collections.abc import Sequence
from itertools import takewhile

from explorer.core.figure import decimal
from explorer.core.query import Query
from explorer.core.score import Scored
from explorer.core.token import Token
from explorer.core.walk.snapshot import PathToken
from explorer.engine.base import Engine
from explorer.errors import ContextFull, UsageError
from explorer.walk.walk import Walk
from explorer.wording import WORDS, Wording


async def read(engine: Engine, typed: str, words: Wording = WORDS) -> list[Token]:
    """The tokens that a line means, in the notation of Query. Raises UsageError, EngineError."""
    query = Query.parse(typed, regex=False)
    if query.kind == "bytes":
        return await engine.spell(query.data)
    if query.kind == "text":
        return await engine.encode(query.text, special_tokens=False, first=False)
    size = engine.info.vocab_size if engine.info else 0
    if query.id >= size:
        raise UsageError(words("forcing.no_token", id=query.id, last=size - 1))
    return await engine.describe([query.id])


async def force(walk: Walk, typed: str) -> None:
    """Put a line after where the table stands; nothing is added where not all of it can be.

    Raises UsageError, ContextFull, EngineError.
    """
    tokens = await read(walk.engine, typed, walk.words)
    if not tokens:
        raise UsageError(walk.words("forcing.nothing"))
    append(walk, await numbers(walk, walk.prefix, tokens))


def told(words: Wording, path: Sequence[PathToken]) -> str:
    """What the model thought of the forced tokens at the end of a path, in words."""
    forced = list(takewhile(lambda place: place.choice is not None and place.choice.source == "forced", reversed(path)))
    bits = [place.surprisal for place in forced if place.surprisal is not None]
    if not forced or len(bits) < len(forced):
        return ""
    return words("forcing.told", n=len(forced), bits=decimal(sum(bits), 1))


async def numbers(walk: Walk, prefix: Sequence[int], tokens: Sequence[Token]) -> list[Scored]:
    """What the model thinks of each of the tokens after a prefix. Raises UsageError, ContextFull, EngineError."""
    walk.check_prefix()
    limit = walk.info.context_length if walk.info else None
    length = len(prefix) + len(tokens)
    if limit is not None and length > limit:
        raise ContextFull(walk.words("forcing.too_long", count=len(tokens), length=length, limit=limit))
    ids = [*prefix, *(token.id for token in tokens)]
    return [one async for part in walk.engine.score(ids, 0, len(prefix), report=walk.report) for one in part]


def append(walk: Walk, scored: Sequence[Scored], joined: bool = False) -> None:
    """Go to the tokens where the table stands, one after the other, as one act; `joined` to the act before."""
    session = walk.session
    assert session is not None
    session.learn(one.token for one in scored)
    joined = walk.arrive() or joined
    for number, one in enumerate(scored):
        walk.apply(session.force(one, joined or number > 0))
