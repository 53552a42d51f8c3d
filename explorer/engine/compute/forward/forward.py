"""Forward: what gives the logits after a prefix, whatever it keeps of the one before.

Owns the interface that PrefixCache and NoCache share. Must not know how a model is run.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import torch

from explorer.engine.capabilities import Capabilities
from explorer.engine.compute.forward.batch import Batch
from explorer.engine.compute.forward.rope import Rope


class Cancelled(Exception):
    """The caller does not want the answer any more."""


class Forward(Protocol):
    """What gives the logits after a prefix."""

    capabilities: Capabilities
    rope: Rope
    """Which prefixes have the same factors in all positions."""

    @property
    def chunks_of_forks(self) -> bool:
        """Whether several tokens at once can follow in each row of a fork."""
        ...

    def logits(
        self,
        ids: Sequence[int],
        cancelled: Callable[[], bool] = lambda: False,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> torch.Tensor:
        """The logits [V] after the prefix, in the model's dtype.

        `progress` gets tokens done and in all. Raises Cancelled between two chunks.
        """
        ...

    def rows(
        self,
        ids: Sequence[int],
        begin: int = 0,
        cancelled: Callable[[], bool] = lambda: False,
        *,
        as_prefixes: bool = False,
    ) -> Iterator[torch.Tensor]:
        """The logits after every position of a sequence from `begin` on, in parts [n, V] of at most passes.PART rows.

        They are those of one pass over the whole sequence. Where its length changes the factors of all positions
        (rope.py), these differ from what each prefix alone gives, which is had by `as_prefixes`. Afterwards the
        sequence is in the cache, if there is one. Raises Cancelled between two parts.
        """
        ...

    def let_go(self) -> None:
        """Forget the sequence that is held, for the sake of its memory."""
        ...

    def fork(self, ids: Sequence[int], rows: int, cancelled: Callable[[], bool] = lambda: False) -> Batch | None:
        """So many sequences that go on from the prefix side by side; None where its state cannot be copied."""
        ...

    def pad(
        self, prompts: Sequence[Sequence[int]], more: int, filler: int | None = None
    ) -> tuple[Batch, torch.Tensor] | None:
        """Prompts of any lengths side by side, and the logits [R, V] after each.

        With a `filler`, it stands after the shorter ones, for a demonstration: Batch.padded_right. None where padding
        would move them, or the length of one the others while `more` tokens follow in each. What is held of other
        sequences stays as it is.
        """
        ...
