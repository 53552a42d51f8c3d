"""The score of one text, part by part, from its beginning or from the end of a prefix.

Owns which rows of logits say something of which tokens, and which of them are kept. Must not know threads.
"""

import threading
from collections.abc import Callable, Iterator, Sequence

import torch

from explorer.core.score import Scored
from explorer.core.token import Token
from explorer.engine.compute.finiteness import check_rows, sound
from explorer.engine.compute.forward.forward import Cancelled, Forward
from explorer.engine.compute.tables import following
from explorer.engine.compute.tables.rows import RowStore

ROWS_KEPT = 64
"""Tokens of a text whose rows are all kept: one that was added to a walk, and that is gone back through."""


class Scoring:
    """`row` gives the logits [V] after a prefix, `token` the Token of an id; `begin` is the first token of interest.

    From the beginning, a text is scored as a whole, as the loss of training is computed. What follows a prefix is
    added to a walk, and gets the numbers of its tables. The two are one, unless the length of a text changes the
    factors of all positions.
    """

    def __init__(
        self,
        forward: Forward,
        store: RowStore,
        row: Callable[[Sequence[int], Callable[[], bool]], torch.Tensor],
        token: Callable[[int], Token],
        ids: Sequence[int],
        top: int,
        begin: int,
    ) -> None:
        self._forward, self._store, self._row, self._token = forward, store, row, token
        self._ids, self._top = list(ids), top
        self._keeps = 0 < len(self._ids) - begin <= ROWS_KEPT
        self._begin = self._done = begin
        self._as_prefixes = begin > 0
        self._chosen = begin == 0
        """Whether the token that stands at `begin` has its numbers; the first of a text has none."""
        self._rows: Iterator[torch.Tensor] | None = None
        self._stop = threading.Event()

    @property
    def ended(self) -> bool:
        return self._done >= len(self._ids)

    def stop(self) -> None:
        """End the pass that is under way; from any thread."""
        self._stop.set()

    @torch.inference_mode()
    def part(self, cancelled: Callable[[], bool]) -> list[Scored]:
        """What the next rows say of the tokens that follow them: nothing, where only the last row was left.

        May be called again after an error: it goes on where it stood. Raises Cancelled; NotFinite for a row that says
        nothing of a token that follows it.
        """
        if cancelled():
            raise Cancelled
        if not self._chosen:
            # By the row that was shown where the token was chosen, so that its digits are the same.
            row = self._row(self._ids[: self._begin], cancelled)
            self._chosen = True
            return self._score(row[None], self._ids[self._begin :])
        try:
            if self._rows is None:
                self._rows = self._forward.rows(self._ids, self._done, self._stop.is_set, as_prefixes=self._as_prefixes)
            rows = next(self._rows)
            fine, needed = sound(rows), len(self._ids) - 1 - self._done
            if fine < min(len(rows), needed):
                if fine == 0:
                    check_rows(rows, self._done + 1)
                # What stands before it is answered; the next part begins with the row that says nothing.
                rows, self._rows = rows[:fine], None
            for length, row in enumerate(rows[:fine], self._done + 1):
                if (self._keeps and self._is_of_prefix(length)) or length == len(self._ids):
                    self._store.put(self._ids[:length], row.clone())
            scored = self._score(rows, self._ids[self._done + 1 :])
        except Exception:
            self._rows = None  # An iterator that failed is at its end: the next one begins where this one stood.
            raise
        self._done += len(rows)
        return scored

    def _is_of_prefix(self, length: int) -> bool:
        """Whether the row after so many tokens is also that of the prefix alone."""
        era = self._forward.rope.era
        return self._as_prefixes or era(length) == era(len(self._ids))

    def _score(self, rows: torch.Tensor, targets: list[int]) -> list[Scored]:
        return following.scored(rows, targets[: len(rows)], self._top, self._token)
