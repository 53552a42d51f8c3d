"""RowStore: the logits of prefixes that were visited.

Owns the bound in bytes and the order in which rows are forgotten. Must not know where rows come from.
"""

import hashlib
from array import array
from collections import OrderedDict
from collections.abc import Sequence

import torch


class RowStore:
    """The logits of visited prefixes: least recently used go first when `limit` bytes are full."""

    def __init__(self, limit: int = 256 << 20) -> None:
        self._limit = limit
        self._rows: OrderedDict[bytes, torch.Tensor] = OrderedDict()
        self._bytes = 0

    @staticmethod
    def _key(ids: Sequence[int]) -> bytes:
        return hashlib.blake2b(array("q", ids).tobytes(), digest_size=16).digest()

    def get(self, ids: Sequence[int]) -> torch.Tensor | None:
        row = self._rows.get(key := self._key(ids))
        if row is not None:
            self._rows.move_to_end(key)
        return row

    def put(self, ids: Sequence[int], row: torch.Tensor) -> None:
        key = self._key(ids)
        if key in self._rows:
            return
        self._rows[key] = row
        self._bytes += row.nbytes
        while self._bytes > self._limit and len(self._rows) > 1:
            _, dropped = self._rows.popitem(last=False)
            self._bytes -= dropped.nbytes
