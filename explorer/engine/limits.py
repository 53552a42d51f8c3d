"""Limits: which ids a model has, and how many of them its context holds.

Owns the sentences for what is beyond them. Must not know how anything is computed.
"""

from collections.abc import Iterable, Sequence

import msgspec

from explorer.core.sampling.params import SamplingParams
from explorer.errors import ContextFull, UsageError


class Limits(msgspec.Struct, frozen=True):
    """Of one model."""

    vocab_size: int
    context_length: int | None
    """None where there is no limit."""

    def check(self, ids: Sequence[int]) -> None:
        """Raises UsageError where there is no id or one that the model lacks, ContextFull where there are too many."""
        if not ids:
            raise UsageError("There is no token to go on from: give a prompt of at least one token.")
        self._check_range(ids)
        if self.context_length is not None and len(ids) > self.context_length:
            raise ContextFull(
                f"The text has {len(ids):,} tokens, but the model's context holds {self.context_length:,}. Shorten it."
            )

    def check_room(self, ids: Sequence[int]) -> None:
        """Raises as `check` does, and ContextFull where no token can follow."""
        self.check(ids)
        if len(ids) == self.context_length:
            raise ContextFull(f"The model's context of {self.context_length:,} tokens is full: no token can be added.")

    def check_params(self, params: SamplingParams) -> None:
        """Raises UsageError for settings that name a token which the model lacks."""
        self._check_range(params.token_ids)

    def _check_range(self, ids: Iterable[int]) -> None:
        wrong = next((i for i in (min(ids, default=0), max(ids, default=0)) if not 0 <= i < self.vocab_size), None)
        if wrong is not None:
            raise UsageError(f"There is no token {wrong}: the model has the ids 0 to {self.vocab_size - 1}.")
