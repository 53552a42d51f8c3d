"""RowStore: the logits of prefixes that were visited.

Owns the names of prefixes, the bound in bytes and the order in which rows are forgotten. Must not know where rows come
from.
"""

import hashlib
from array import array
from collections import OrderedDict
from collections.abc import Sequence

import torch

from explorer.core.prefix import common_prefix
from explorer.engine.compute.tables.ranking import Row

LIMIT = 256 << 20
"""Bytes of all rows, with what was computed from them."""

BLOCK = 256
"""Ids between two hash states that are kept of the last prefix."""


class PrefixKeys:
    """The hash of all ids of a prefix: of the ids alone, whatever was asked before.

    Where a prefix begins as the last one did, hashing goes on from there: a step costs at most a block of ids.
    """

    def __init__(self, block: int = BLOCK) -> None:
        self._block = block
        self._ids: list[int] = []
        self._states = [hashlib.blake2b(digest_size=16)]
        """After 0, `block`, 2 * `block` ... of the ids."""

    def key(self, ids: Sequence[int]) -> bytes:
        """16 bytes, equal for equal ids."""
        ids = list(ids)
        del self._states[common_prefix(self._ids, ids) // self._block + 1 :]
        self._ids = ids
        while (begin := (len(self._states) - 1) * self._block) + self._block <= len(ids):
            self._states.append(_updated(self._states[-1], ids[begin : begin + self._block]))
        return _updated(self._states[-1], ids[begin:]).digest()


def _updated(state: "hashlib.blake2b", ids: list[int]) -> "hashlib.blake2b":
    state = state.copy()
    state.update(array("q", ids).tobytes())
    return state


class RowStore:
    """Rows by their prefixes: least recently used go first when `limit` bytes are full."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._keys = PrefixKeys()
        self._rows: OrderedDict[bytes, tuple[Row, int]] = OrderedDict()
        """With the bytes that each was last measured to hold."""
        self._bytes = 0

    def get(self, ids: Sequence[int]) -> Row | None:
        """What was kept for the prefix, if it is still there."""
        return self._touch(self._keys.key(ids))

    def put(self, ids: Sequence[int], logits: torch.Tensor) -> Row:
        """Keep logits [V], which nobody writes to afterwards; the row of them.

        The first row of a prefix stays, so that its digits never change.
        """
        key = self._keys.key(ids)
        row = self._touch(key)
        if row is None:
            row = Row(logits)
            self._keep(key, row)
        return row

    def clear(self) -> None:
        """Forget everything."""
        self._rows.clear()
        self._bytes = 0

    def _touch(self, key: bytes) -> Row | None:
        if key not in self._rows:
            return None
        row, measured = self._rows.pop(key)
        self._bytes -= measured
        # What was computed from it since it was last here is measured too.
        self._keep(key, row)
        return row

    def _keep(self, key: bytes, row: Row) -> None:
        size = row.nbytes
        self._rows[key] = (row, size)
        self._bytes += size
        while self._bytes > self._limit and len(self._rows) > 1:
            _, (_, dropped) = self._rows.popitem(last=False)
            self._bytes -= dropped
