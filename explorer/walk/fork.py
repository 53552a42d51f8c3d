"""Fork: several sequences that are drawn side by side after the cursor, each token in the record as it comes.

Owns where each sequence ends in the tree. The sequences have a seed of their own, which follows from the session's and
the place, so that a walk with the same seed draws them again, and other ones when they are asked for a second time.
Must not know widgets.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing

import msgspec

from explorer.core.choice import Batch
from explorer.core.record.events import Move
from explorer.core.sampling.params import seed_after
from explorer.core.sampling.sequence import SampledSequence
from explorer.core.sampling.stopping import FinishReason, StopRules
from explorer.core.token import Token
from explorer.engine.base import Drawn, check_sampling
from explorer.errors import UsageError
from explorer.walk.walk import Walk
from explorer.wording import Wording

MOST = 256
"""Sequences at once."""


class Fork:
    """`rules` end each sequence; nobody is woken. They begin where the table stands.

    Raises UsageError where that many cannot be drawn.
    """

    def __init__(self, walk: Walk, count: int, rules: StopRules) -> None:
        session = walk.session
        assert session is not None
        if count > MOST:
            raise UsageError(walk.words("fork.most", most=MOST, count=count))
        check_sampling(session.params, count)
        self._walk = walk
        self._arrived = walk.arrive()
        """Whether going there is the beginning of this act."""
        self._rules = msgspec.structs.replace(rules, entropy_above=None, prob_below=None)
        node = session.cursor
        seed = session.params.seed
        if seed is not None:
            seed = seed_after(seed, session.root, node.number, len(node.batches))
        self._seed = None if session.params.temperature == 0 else seed
        self._params = session.params.replace(seed=seed)
        self._node = node.number
        # An unfinished character at the cursor is completed by the first tokens.
        begun = [Token.from_bytes(0, node.pending)] if node.pending else []
        self.sequences = [SampledSequence(index, seed, begun) for index in range(count)]
        self._ends = [node.number] * count

    @property
    def begun(self) -> int:
        """How many sequences have a token."""
        return sum(bool(sequence.drawn) for sequence in self.sequences)

    @property
    def finished(self) -> int:
        return sum(sequence.finish is not None for sequence in self.sequences)

    @property
    def tokens(self) -> int:
        return sum(len(sequence.drawn) for sequence in self.sequences)

    async def draw(self, grown: Callable[[], None]) -> None:
        """Draw all of them; `grown` is called when they have more tokens. Can be cancelled between two tokens.

        Raises EngineError.
        """
        walk, session = self._walk, self._walk.session
        assert session is not None
        steps = walk.engine.sample(
            [session.prefix()], self._params, num_sequences=len(self.sequences), stop=self._rules, report=walk.report
        )
        try:
            with walk.aside():
                async with aclosing(steps):
                    async for drawn in steps:
                        for one in drawn:
                            self._take(one)
                        grown()
                        # Steps may come faster than they are awaited, and a key wants its turn.
                        await asyncio.sleep(0)
        finally:
            for sequence in self.sequences:
                sequence.end()

    def _take(self, one: Drawn) -> None:
        session, sequence = self._walk.session, self.sequences[one.sequence]
        assert session is not None
        batch = Batch(self._seed, one.sequence, len(self.sequences))
        joined = self._arrived or self.tokens > 0
        session.learn([one.candidate.token])
        self._walk.apply(session.choose_in(batch, self._ends[one.sequence], one.candidate, len(sequence.drawn), joined))
        self._ends[one.sequence] = session.node
        sequence.add(one.candidate, one.finish)

    def go(self, index: int) -> None:
        """Go to the end of a sequence."""
        if self._ends[index] != self._node:
            self._walk.apply(Move(node=self._ends[index], joined=True))


def ended(words: Wording, finish: FinishReason | None) -> str:
    """Why a sequence ended, in two words; `Fork.draw` ends none as unsure, and one that is broken off with None."""
    return words(f"fork.why.{finish or 'broken'}")
