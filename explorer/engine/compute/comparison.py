"""Several continuations of one prefix, scored side by side as rows of a copy of its cache.

Owns which of them share a forward pass, and how much they may hold together. Where a model cannot go on side by side,
they go one after the other. Must not know text.
"""

from collections.abc import Callable, Iterator, Sequence

import torch

from explorer.core.score import Scored
from explorer.core.token import Token
from explorer.engine.compute import memory
from explorer.engine.compute.finiteness import check_rows
from explorer.engine.compute.forward import passes
from explorer.engine.compute.forward.batch import FILLER
from explorer.engine.compute.forward.forward import Cancelled, Forward
from explorer.engine.compute.forward.passes import FAILURES
from explorer.engine.compute.sequences import POSITIONS_AT_ONCE, ROWS_AT_ONCE
from explorer.engine.compute.tables import following


class Comparison:
    """Of one prefix: `row` is its logits [V], `token` gives the Token of an id."""

    def __init__(
        self,
        forward: Forward,
        ids: Sequence[int],
        row: torch.Tensor,
        token: Callable[[int], Token],
        cancelled: Callable[[], bool],
    ) -> None:
        self._forward = forward
        self._ids = list(ids)
        self._row = row
        self._token = token
        self._cancelled = cancelled

    @torch.inference_mode()
    def scored(self, continuations: Sequence[Sequence[int]]) -> list[list[Scored]]:
        """What the model thinks of each token of each. Raises Cancelled, NotFinite."""
        done = [self._score(self._row[None], continuation[:1], 0) for continuation in continuations]
        for part in _parts(continuations, len(self._ids)):
            members = [continuations[number] for number in part]
            rest = (self._together(members) if len(members) > 1 else None) or map(self._alone, members)
            for number, scored in zip(part, rest, strict=True):
                done[number] += scored
        return done

    def _score(self, rows: torch.Tensor, targets: Sequence[int], done: int) -> list[Scored]:
        """What rows say of the tokens that follow them; the first follows `done` tokens of a continuation."""
        check_rows(rows[: len(targets)], len(self._ids) + done)
        return following.scored(rows, targets, 0, self._token)

    def _together(self, continuations: list[Sequence[int]]) -> list[list[Scored]] | None:
        """What stands after the first token of each, the longest first; None where the model cannot do it."""
        try:
            return self._side_by_side(continuations)
        except FAILURES as error:
            if memory.ran_out(error):
                raise
            return None

    def _side_by_side(self, continuations: list[Sequence[int]]) -> list[list[Scored]] | None:
        batch = self._forward.fork(self._ids, len(continuations), self._cancelled)
        if batch is None:
            return None
        width = max(passes.PART // len(continuations), 1) if self._forward.chunks_of_forks else 1
        done: list[list[Scored]] = [[] for _ in continuations]
        running = len(continuations)
        for begin in range(0, len(continuations[0]) - 1, width):
            if self._cancelled():
                raise Cancelled
            here = [continuation for continuation in continuations if len(continuation) - 1 > begin]
            if len(here) < running:
                running = len(here)
                batch.select(range(running))
            fed = [continuation[begin : begin + width] for continuation in here]
            rows = batch.extend_all([[*tokens, *[FILLER] * (len(fed[0]) - len(tokens))] for tokens in fed])
            for number, continuation in enumerate(here):
                done[number] += self._score(rows[number], continuation[begin + 1 : begin + 1 + width], begin + 1)
        return done

    def _alone(self, continuation: Sequence[int]) -> list[Scored]:
        """What stands after the first token."""
        done: list[Scored] = []
        ids = [*self._ids, *continuation[:-1]]
        for rows in self._forward.rows(ids, len(self._ids), self._cancelled, as_prefixes=True):
            done += self._score(rows, continuation[1 + len(done) :][: len(rows)], 1 + len(done))
        return done


def _parts(continuations: Sequence[Sequence[int]], prefix: int) -> Iterator[list[int]]:
    """The indices of those with more than one token, the longest first, in parts small enough to go together."""
    longer = [number for number, continuation in enumerate(continuations) if len(continuation) > 1]
    longer.sort(key=lambda number: -len(continuations[number]))
    while longer:
        length = prefix + len(continuations[longer[0]])
        count = min(ROWS_AT_ONCE, max(POSITIONS_AT_ONCE // length, 1))
        yield longer[:count]
        longer = longer[count:]
