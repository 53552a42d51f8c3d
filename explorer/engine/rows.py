"""RowStore: what was computed for prefixes that were visited.

Owns the bound in bytes, the order in which is forgotten, and the keys: the hash of a prefix goes on from the one of the
last prefix where both begin alike. Must not know where values come from.
"""

import hashlib
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from explorer.engine.wire import common_prefix

LIMIT = 256 << 20
"""Bytes of all values."""

BLOCK = 256
"""Ids between two hash states that are kept of the last prefix."""


class Sized(Protocol):
    """A value that says how many bytes it holds: a tensor, or one with what was derived from it."""

    @property
    def nbytes(self) -> int: ...


Value = TypeVar("Value", bound=Sized)


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


class RowStore(Generic[Value]):
    """Values by their prefixes: least recently used go first when `limit` bytes are full."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._keys = PrefixKeys()
        self._values: OrderedDict[bytes, Value] = OrderedDict()
        self._bytes = 0

    def get(self, ids: Sequence[int]) -> Value | None:
        """What was kept for the prefix, if it is still there."""
        value = self._values.get(key := self._keys.key(ids))
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, ids: Sequence[int], value: Value) -> None:
        """Keep a value; the first one of a prefix stays, so that its digits never change."""
        key = self._keys.key(ids)
        if key in self._values:
            return
        self._values[key] = value
        self._bytes += value.nbytes
        while self._bytes > self._limit and len(self._values) > 1:
            _, dropped = self._values.popitem(last=False)
            self._bytes -= dropped.nbytes

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
        self._bytes = 0
