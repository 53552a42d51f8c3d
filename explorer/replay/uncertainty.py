"""Uncertainty: whether a rank, a cut or a draw is another one now because the logits are not quite the same.

Owns the questions that an engine is asked again with settings that lean to what was recorded. How uncertain the logits
are is seen from those that were compared so far, and is never more than the tolerance. Must not know records.
"""

import math
from collections.abc import Iterable

from explorer.core.asked import Asked
from explorer.engine.base import Engine
from explorer.replay.asked import drawn, table_of
from explorer.replay.tolerance import (
    Difference,
    Shaping,
    after_samplers,
    apart,
    loosened,
    shaping_differences,
)

SPARE = 32
"""Tokens below the last that top-k keeps, among which those are looked for that are as likely."""


class Uncertainty:
    """Of the logits of one engine; `tolerance` is of |Δlogprob|, in nats."""

    def __init__(self, engine: Engine, tolerance: float) -> None:
        self._engine = engine
        self.tolerance = tolerance
        self._noise = 0.0

    def take_error(self, error: float) -> None:
        """A |Δlogprob| that was found; one out of tolerance is a fault and no noise."""
        if error <= self.tolerance:
            self._noise = max(self._noise, error)

    @property
    def bound(self) -> float:
        """Of a logprob; 0 where every one was the same, and then so must be what follows from them."""
        return min(self.tolerance, 4 * self._noise)

    async def rank_holds(self, asked: Asked, token_id: int, recorded: int) -> bool:
        """Whether what stands at the recorded place now is as likely as the token."""
        if recorded < 1 or not self.bound:
            return False
        table = await table_of(self._engine, asked, [token_id], recorded)
        here, there = table.find(token_id), next((c for c in table.candidates if c.place == recorded), None)
        return (
            here is not None and there is not None and apart(here.sampling_prob, there.sampling_prob) <= 2 * self.bound
        )

    async def shaping(self, asked: Asked, recorded: Shaping, computed: Iterable[Shaping]) -> list[Difference]:
        """What the samplers did not make of it now, nor could make of logits that are as uncertain."""
        possible = list(computed)
        bound = after_samplers(asked.params, self.tolerance)
        wrong = shaping_differences(recorded, possible, bound)
        if not (wrong and self.bound):
            return wrong
        for other in await self._leaning(asked, recorded):
            possible.append(Shaping.of(await table_of(self._engine, other, recorded.shares)))  # noqa: PERF401  (it awaits)
        return shaping_differences(recorded, possible, bound)

    async def _leaning(self, asked: Asked, recorded: Shaping) -> list[Asked]:
        """The same with settings that keep a little less and a little more, or that take the token that was taken."""
        params, slack = asked.params, after_samplers(asked.params, self.bound)
        if params.temperature == 0:
            return [asked.raised(token_id, slack) for token_id, share in recorded.shares.items() if share]
        least, most = await self._counts(asked, slack) if params.top_k else (0, 0)
        return [
            asked.under(loosened(params, -slack).replace(top_k=least)),
            asked.under(loosened(params, slack).replace(top_k=most)),
        ]

    async def _counts(self, asked: Asked, slack: float) -> tuple[int, int]:
        """How many tokens top-k may keep, at the least and at the most."""
        count = asked.params.top_k
        table = await table_of(self._engine, asked.moved(), (), count + SPARE)
        shares = [math.log(c.sampling_prob) for c in table.candidates if c.sampling_prob > 0]
        if count > len(shares):
            return count, count
        last = shares[count - 1]
        surely, perhaps = (sum(share > last + side for share in shares) for side in (slack, -slack))
        return max(surely, 1), max(perhaps, count)

    async def draw_holds(self, asked: Asked, draw: int, token_id: int) -> bool:
        """Whether a draw takes the token once its logit is higher by as much as it is uncertain.

        `torch.multinomial` takes the token whose probability, divided by a random number of its own, is the greatest.
        """
        if not self.bound:
            return False
        taken = await drawn(self._engine, asked.raised(token_id, 2 * self.bound), draw)
        return taken is not None and taken.token.id == token_id
