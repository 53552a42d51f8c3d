"""Batch: what a model holds of several sequences, one row each, that get tokens side by side.

Owns padding. A shorter prompt is padded on its left, where its mask and its positions leave the padding out. On the
right it never is: the next token is read from the last column, and what is drawn is written after it, so that a row
would go on from its padding, with a gap before each new token. Must not know who draws, or from what.
"""

from collections.abc import Sequence
from typing import Any

import torch

from explorer.engine.capabilities import CacheKind
from explorer.engine.compute.forward.passes import ForwardPass
from explorer.engine.compute.forward.states import new_cache

FILLER = 0
"""The id that stands where a row is padded. Any would do, because it is masked: no pad token is needed."""


class Batch:
    """`lengths`: how many tokens of each row `cache` holds, without padding; `mask` [R, T] is None without any."""

    def __init__(
        self, forward: ForwardPass, cache: Any, lengths: Sequence[int], mask: torch.Tensor | None = None
    ) -> None:
        self._pass = forward
        self._cache = cache
        self._positions = torch.tensor(lengths, device=forward.device)[:, None]
        self._mask = mask

    @classmethod
    def padded(
        cls, forward: ForwardPass, kind: CacheKind, prompts: Sequence[Sequence[int]]
    ) -> tuple["Batch", torch.Tensor]:
        """The prompts after one pass, and the logits [R, V] after each."""
        lengths = [len(ids) for ids in prompts]
        longest = max(lengths)
        tokens = torch.tensor([[FILLER] * (longest - len(ids)) + list(ids) for ids in prompts], device=forward.device)
        columns = torch.arange(longest, device=forward.device)[None]
        begin = longest - torch.tensor(lengths, device=forward.device)[:, None]
        mask = (columns >= begin).long() if min(lengths) < longest else None
        positions = (columns - begin).clamp(min=0)
        logits, cache = forward.batch(tokens, positions, new_cache(forward.model, kind), mask)
        return cls(forward, cache, lengths, mask), logits[:, -1]

    def extend(self, tokens: Sequence[int]) -> torch.Tensor:
        """The logits [R, V] after one more token of each row."""
        return self.extend_all([[token] for token in tokens])[:, -1]

    def extend_all(self, columns: Sequence[Sequence[int]]) -> torch.Tensor:
        """The logits [R, n, V] after each of n more tokens of each row, in one pass.

        A row with fewer is filled at its end, and is not gone on from.
        """
        tokens = torch.tensor([list(row) for row in columns], device=self._pass.device)
        if self._mask is not None:
            self._mask = torch.cat([self._mask, torch.ones_like(tokens)], 1)
        count = tokens.shape[1]
        positions = self._positions + torch.arange(count, device=self._pass.device)
        logits, self._cache = self._pass.batch(tokens, positions, self._cache, self._mask, keep=count)
        self._positions = self._positions + count
        return logits

    def select(self, rows: Sequence[int]) -> None:
        """Keep these rows, in this order; one may be taken several times."""
        index = torch.tensor(rows, device=self._pass.device)
        self._cache.reorder_cache(index)
        self._positions = self._positions[index]
        if self._mask is not None:
            self._mask = self._mask[index]
