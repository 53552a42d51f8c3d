"""How an engine is asked of a place of a record.

Owns the two questions: the table there, and what a draw takes there. Must not know what the answer is compared with.
"""

from collections.abc import Iterable
from contextlib import aclosing

from explorer.core.asked import Asked
from explorer.core.distribution import Candidate, Distribution
from explorer.engine.base import Engine


async def table_of(engine: Engine, asked: Asked, listed: Iterable[int], top: int = 1) -> Distribution:
    """The `top` first tokens and those of `listed`. Raises EngineError."""
    return await engine.next(asked.ids, asked.params, top, list(listed), prompt_length=asked.prompt_length)


async def drawn(engine: Engine, asked: Asked, draw: int) -> Candidate | None:
    """What a draw of the settings' seed takes; None where there is no seed. Raises EngineError."""
    if asked.params.temperature and asked.params.seed is None:
        return None
    steps = engine.generate(
        asked.ids, asked.params, draws=draw, max_new_tokens=1, top=1, prompt_length=asked.prompt_length
    )
    async with aclosing(steps):
        async for step in steps:
            return step.drawn
    return None
