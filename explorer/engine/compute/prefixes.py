"""Prefixes: what one model says after each of them, on the thread that computes.

Owns the rows of logits that are kept, and what is made of one: a table, a draw, a step. Must not know calls or loops.
"""

from collections.abc import Callable, Sequence

import msgspec
import torch

from explorer.core.asked import Asked
from explorer.core.distribution import Distribution
from explorer.core.sampling.stopping import FinishReason
from explorer.core.token import Token
from explorer.engine.base import Progress, Reporter
from explorer.engine.calls import Step
from explorer.engine.compute.finiteness import check_rows
from explorer.engine.compute.forward.cache import CHUNK
from explorer.engine.compute.forward.forward import Forward
from explorer.engine.compute.tables import logits
from explorer.engine.compute.tables.drawing import Draws, drawable, sampling_probs
from explorer.engine.compute.tables.ranking import Row
from explorer.engine.compute.tables.rows import RowStore
from explorer.engine.compute.thread import Turn
from explorer.engine.limits import Limits


class Prefixes:
    """Of one model: `probe` is a row of its logits, `token` gives the Token of an id."""

    def __init__(
        self, forward: Forward, probe: torch.Tensor, limits: Limits, eos_ids: list[int], token: Callable[[int], Token]
    ) -> None:
        self.forward, self.limits = forward, limits
        self.rows = RowStore()
        self._draws = Draws(limits.vocab_size, probe.device)
        self._eos_ids, self._token = eos_ids, token

    def let_go(self) -> None:
        """Forget everything that can be computed again, for the sake of its memory."""
        self.forward.let_go()
        self.rows.clear()

    def row(self, ids: Sequence[int], turn: Turn) -> Row:
        """The logits after the prefix, computed once and kept, so that its digits never change.

        What has a row was checked before: looking at every id takes a while. Raises UsageError, ContextFull,
        NotFinite, Cancelled.
        """
        row = self.rows.get(ids)
        if row is None:
            self.limits.check(ids)

            def prefilled(done: int, total: int) -> None:
                if total > CHUNK:
                    turn.report(Progress("reading the prompt", done, total))

            found = self.forward.logits(ids, turn.cancelled, prefilled)
            check_rows(found[None], len(ids))
            row = self.rows.put(ids, found.clone())
        return row

    def reader(self, report: Reporter) -> Callable[[Sequence[int], Callable[[], bool]], torch.Tensor]:
        """What gives the logits [V] after a prefix to those who go on over several turns of one call."""

        def read(ids: Sequence[int], cancelled: Callable[[], bool]) -> torch.Tensor:
            return self.row(ids, Turn(cancelled, report)).logits

        return read

    def table(self, asked: Asked, top: int, include: Sequence[int], turn: Turn) -> Distribution:
        """The table of what was asked. Raises as `row` does."""
        row = self.row(asked.ids, turn)
        include = [token_id for token_id in include if 0 <= token_id < self.limits.vocab_size]
        with torch.inference_mode():
            return logits.distribution(row, asked, top, include, self._token)

    def step(self, asked: Asked, draw: int, top: int, turn: Turn) -> Step:
        """The token that the draw of that index takes, and the table after it. Raises as `row` does, EngineError."""
        drawn, prob = self._draw(asked, draw, turn)
        before = self.table(asked, 1, [drawn], turn).find(drawn)
        assert before is not None
        # Of tokens with equal logits at a cut, the table may have kept another than the draw did.
        before = msgspec.structs.replace(before, sampling_prob=prob, cut_by=None)
        after = asked.after([*asked.ids, drawn])
        finish: FinishReason | None = "stop" if drawn in self._eos_ids else None
        if finish is None and len(after.ids) == self.limits.context_length:
            finish = "context"
        return Step(before, draw, self.table(after, top, (), turn), finish)

    def _draw(self, asked: Asked, draw: int, turn: Turn) -> tuple[int, float]:
        """The token that is drawn after the prefix, and its sampling prob."""
        row = self.row(asked.ids, turn)
        with torch.inference_mode():
            scores = drawable(logits.sampling_scores(row.logits, asked))
            if asked.params.temperature == 0:
                return logits.greedy(scores[0]), 1.0
            probs = sampling_probs(scores)
            assert asked.params.seed is not None
            drawn = self._draws.draw(probs, asked.params.seed, draw)
            return drawn, probs[0, drawn].item()
