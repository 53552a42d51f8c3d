"""Sequences: what was drawn side by side from one node, drawn again together.

Owns which tokens of a record are of the same sequences, from what they say: seed, rows, and the node that they follow.
Must not know how they are compared.
"""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import aclosing

from explorer.core.distribution import Candidate
from explorer.core.record.events import Add, Move
from explorer.core.sampling.stopping import StopRules
from explorer.core.walk.session import Session
from explorer.engine.base import Engine
from explorer.errors import EngineError, UsageError
from explorer.replay.claims import Claim

Together = tuple[int, int, int | None, int]
"""Root, the node that the sequences follow, seed and rows."""


class Sequences:
    """Those of some claims; each lot is drawn once, when it is first asked for."""

    def __init__(self, session: Session, claims: Iterable[Claim], engine: Engine) -> None:
        self._session, self._engine = session, engine
        self._longest: dict[Together, int] = defaultdict(int)
        self._drawn: dict[Together, list[list[Candidate]]] = {}
        for claim in claims:
            if (lot := self._lot(claim)) is not None:
                self._longest[lot] = max(self._longest[lot], _draw(claim) + 1)

    def prompt_length(self, claim: Claim) -> int | None:
        """What the samplers took for the prompt: all that the sequences follow. None for any other claim."""
        lot = self._lot(claim)
        return None if lot is None else self._session.trees[lot[0]].nodes[lot[1]].length

    async def drawn(self, claim: Claim) -> Candidate | None:
        """The token that is drawn there now; None where the sequence has gone another way before."""
        lot = self._lot(claim)
        assert lot is not None
        if lot not in self._drawn:
            self._drawn[lot] = await self._draw(claim, lot)
        event, draw = claim.event, _draw(claim)
        assert isinstance(event, Add | Move)
        row = event.batch.row if event.batch is not None else 0
        sequence = self._drawn[lot][row] if row < lot[3] else []
        before = [node.token.id for node in self._session.trees[lot[0]].path(claim.place.node) if node.token]
        before = before[len(before) - draw :] if draw else []
        same = [candidate.token.id for candidate in sequence[:draw]] == before
        return sequence[draw] if same and draw < len(sequence) else None

    async def _draw(self, claim: Claim, lot: Together) -> list[list[Candidate]]:
        root, start, seed, rows = lot
        ids = self._session.trees[root].prefix(start)
        found: list[list[Candidate]] = [[] for _ in range(rows)]
        rules = StopRules(max_new_tokens=self._longest[lot], eos=False)
        try:
            steps = self._engine.sample([ids], claim.params.replace(seed=seed), num_sequences=rows, stop=rules)
            async with aclosing(steps):
                async for drawn in steps:
                    for one in drawn:
                        found[one.sequence].append(one.candidate)
        except (UsageError, EngineError):
            return found  # What cannot be drawn was not drawn so: its tokens differ.
        return found

    def _lot(self, claim: Claim) -> Together | None:
        event = claim.event
        if not isinstance(event, Add | Move) or event.batch is None:
            return None
        nodes = self._session.trees[claim.root].nodes
        number = claim.place.node
        for _ in range(_draw(claim)):
            number = nodes[number].parent or 0
        return claim.root, number, event.batch.seed, event.batch.rows


def _draw(claim: Claim) -> int:
    event = claim.event
    assert isinstance(event, Add | Move)
    return event.drawn or 0
