"""Forcing: tokens that a person wrote are appended, whatever the model thinks of them; without widgets.

Owns that one pass tells the numbers of all of them, before any is added. Must not know where they come from.
"""

from collections.abc import Sequence

from explorer.core.score import Scored
from explorer.core.token import Token
from explorer.errors import ContextFull
from explorer.ui.walk import Walk


async def numbers(walk: Walk, prefix: Sequence[int], tokens: Sequence[Token]) -> list[Scored]:
    """What the model thinks of each of the tokens after a prefix. Raises ContextFull, EngineError."""
    limit = walk.info.context_length if walk.info else None
    length = len(prefix) + len(tokens)
    if limit is not None and length > limit:
        raise ContextFull(f"With these {len(tokens):,} tokens the text has {length:,}; the context holds {limit:,}.")
    ids = [*prefix, *(token.id for token in tokens)]
    return [one async for part in walk.engine.score(ids, 0) for one in part][len(prefix) :]


def append(walk: Walk, scored: Sequence[Scored], joined: bool = False) -> None:
    """Go to the tokens at the cursor, one after the other, as one act; `joined` to the act before."""
    session = walk.session
    assert session is not None
    with walk.at_once():
        session.learn(one.token for one in scored)
        for number, one in enumerate(scored):
            walk.apply(session.force(one, joined or number > 0))
