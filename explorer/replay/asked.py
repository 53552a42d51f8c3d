"""Asked: a place of a walk and the settings that held there, as a question to an engine.

Owns how an engine is asked of a place of a record. Must not know what the answer is compared with.
"""

from collections.abc import Iterable, Sequence
from contextlib import aclosing
from typing import NamedTuple

from explorer.core.distribution import Candidate, Distribution
from explorer.core.sampling.params import SamplingParams
from explorer.engine.base import Engine


class Asked(NamedTuple):
    """A distribution: the prefix, how many of its tokens the samplers take for the prompt, and the settings."""

    ids: Sequence[int]
    prompt_length: int
    params: SamplingParams

    def plain(self) -> "Asked":
        """The model's own."""
        return self._replace(params=SamplingParams())

    def moved(self) -> "Asked":
        """With those settings alone that move tokens: the order of the table is that of its sampling probs."""
        params = self.params
        return self._replace(
            params=SamplingParams(logit_bias=params.logit_bias, repetition_penalty=params.repetition_penalty)
        )

    def raised(self, token_id: int, by: float) -> "Asked":
        """With a token's logit raised, as far as a bias may be."""
        bias = dict(self.params.logit_bias).get(token_id, 0.0)
        return self._replace(params=self.params.biasing(token_id, min(bias + by, 100.0)))


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
