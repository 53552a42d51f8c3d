"""RowStore: the logits of prefixes that were visited.

Owns the bound in bytes and the order in which rows are forgotten. Must not know where rows come from.
"""

import hashlib
from array import array
from collections import OrderedDict
from collections.abc import Sequence

import torch

from explorer.engine.ranking import Row


class RowStore:
    """The logits of visited prefixes: least recently used go first when `limit` bytes are full."""

    def __init__(self, limit: int = 256 << 20) -> None:
        self._limit = limit
        self._rows: OrderedDict[bytes, tuple[Row, int]] = OrderedDict()
        """With the bytes that each was last measured to hold."""
        self._bytes = 0

    @staticmethod
    def _key(ids: Sequence[int]) -> bytes:
        return hashlib.blake2b(array("q", ids).tobytes(), digest_size=16).digest()

    def get(self, ids: Sequence[int]) -> Row | None:
        key = self._key(ids)
        if key not in self._rows:
            return None
        row, measured = self._rows.pop(key)
        self._bytes -= measured
        # What was computed from it since it was last here is measured too.
        self._keep(key, row)
        return row

    def put(self, ids: Sequence[int], logits: torch.Tensor) -> Row:
        """Keep logits [V], which nobody writes to afterwards. The row that is there already stays, and is given."""
        row = self.get(ids)
        if row is None:
            row = Row(logits)
            self._keep(self._key(ids), row)
        return row

    def _keep(self, key: bytes, row: Row) -> None:
        self._rows[key] = (row, row.nbytes)
        self._bytes += row.nbytes
        while self._bytes > self._limit and len(self._rows) > 1:
            _, (_, dropped) = self._rows.popitem(last=False)
            self._bytes -= dropped
