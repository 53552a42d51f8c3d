"""Batch: what a model holds of several sequences, one row each, that get tokens side by side.

Owns padding, and that all rows are computed anew where a token more changes the factors of their positions. A shorter
prompt is padded on its left, where its mask and its positions leave the padding out. On the right it is for a
demonstration alone: the next token is read from the last column, and what is drawn is written after it, so that a row
goes on from its padding. Must not know who draws, or from what.
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
    """`rows`: the ids that `cache`, of that kind, holds of each, without padding; `mask` [R, T] is None without any."""

    def __init__(
        self,
        forward: ForwardPass,
        kind: CacheKind,
        cache: Any,
        rows: Sequence[Sequence[int]],
        mask: torch.Tensor | None = None,
    ) -> None:
        self._pass = forward
        self._kind = kind
        self._cache = cache
        self._rows = [list(ids) for ids in rows]
        self._positions = torch.tensor([len(ids) for ids in rows], device=forward.device)[:, None]
        self._mask = mask
        self._era = forward.rope.era(self._longest)

    @classmethod
    def padded(
        cls, forward: ForwardPass, kind: CacheKind, prompts: Sequence[Sequence[int]]
    ) -> tuple["Batch", torch.Tensor]:
        """The prompts after one pass, and the logits [R, V] after each."""
        batch = cls(forward, kind, None, prompts)
        return batch, batch._anew(1)[:, -1]

    @classmethod
    def padded_right(
        cls, forward: ForwardPass, kind: CacheKind, prompts: Sequence[Sequence[int]], filler: int
    ) -> tuple["Batch", torch.Tensor]:
        """As `padded`, with the id `filler` after each shorter prompt, as `generate()` goes on from such a batch.

        The next token is that after the last filler, and the positions of what is drawn begin anew from its position.
        """
        longest = max(map(len, prompts))
        rows = [[*ids, *[filler] * (longest - len(ids))] for ids in prompts]
        batch, device = cls(forward, kind, None, rows), forward.device
        columns = torch.arange(longest, device=device)[None]
        mask = (columns < torch.tensor([len(ids) for ids in prompts], device=device)[:, None]).long()
        positions = columns * mask
        batch._positions = positions[:, -1:] + 1
        batch._mask = mask if min(map(len, prompts)) < longest else None
        empty = new_cache(forward.model, kind)
        logits, batch._cache = forward.batch(torch.tensor(rows, device=device), positions, empty, batch._mask, keep=1)
        return batch, logits[:, -1]

    @property
    def _longest(self) -> int:
        return max(len(ids) for ids in self._rows)

    def _anew(self, keep: int) -> torch.Tensor:
        """The logits [R, keep, V] of the last tokens, after one pass over all of the rows."""
        device, longest = self._pass.device, self._longest
        tokens = torch.tensor([[FILLER] * (longest - len(ids)) + ids for ids in self._rows], device=device)
        columns = torch.arange(longest, device=device)[None]
        begin = longest - torch.tensor([len(ids) for ids in self._rows], device=device)[:, None]
        self._mask = (columns >= begin).long() if min(len(ids) for ids in self._rows) < longest else None
        positions = (columns - begin).clamp(min=0)
        self._positions = positions[:, -1:] + 1
        self._era = self._pass.rope.era(longest)
        # What is held has other factors, and its memory goes before the new one is needed.
        self._cache = None
        empty = new_cache(self._pass.model, self._kind)
        logits, self._cache = self._pass.batch(tokens, positions, empty, self._mask, keep=keep)
        return logits

    def extend(self, tokens: Sequence[int]) -> torch.Tensor:
        """The logits [R, V] after one more token of each row."""
        return self.extend_all([[token] for token in tokens])[:, -1]

    def extend_all(self, columns: Sequence[Sequence[int]]) -> torch.Tensor:
        """The logits [R, n, V] after each of n more tokens of each row: in one pass, while the factors stay the same.

        A row with fewer is filled at its end, and is not gone on from.
        """
        held = self._longest
        ends = list(self._pass.rope.ends(held, held + len(columns[0])))
        pieces = zip([held, *ends], ends, strict=False)
        done = [self._extend([row[begin - held : end - held] for row in columns]) for begin, end in pieces]
        return done[0] if len(done) == 1 else torch.cat(done, 1)

    def _extend(self, columns: Sequence[Sequence[int]]) -> torch.Tensor:
        for ids, more in zip(self._rows, columns, strict=True):
            ids += more
        if self._pass.rope.era(self._longest) != self._era:
            return self._anew(len(columns[0]))
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
        self._rows = [list(self._rows[row]) for row in rows]
        self._positions = self._positions[index]
        if self._mask is not None:
            self._mask = self._mask[index]
