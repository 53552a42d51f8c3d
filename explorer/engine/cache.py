"""PrefixCache and NoCache: the logits after a prefix, with as few forward passes as can be.

Owns the key-value cache of one sequence and what it holds; RowStore keeps the logits of prefixes that were visited.
NoCache computes everything anew and is the oracle of the tests. Must not know samplers, tokens or tables.
"""

import hashlib
import inspect
import sys
from array import array
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from explorer.engine.wire import common_prefix

CHUNK = 512
"""Tokens of one forward pass of a long prefill: between two of them it can be cancelled."""


class Cancelled(Exception):
    """The caller does not want the answer any more."""


class Forward(Protocol):
    """What gives the logits after a prefix."""

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


class NoCache:
    """Recomputes the whole prefix, every time."""

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model
        self._arguments = _forward_arguments(model)

    @torch.inference_mode()
    def logits(
        self,
        ids: Sequence[int],
        cancelled: Callable[[], bool] = lambda: False,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> torch.Tensor:
        if cancelled():
            raise Cancelled
        output = self._model(**_inputs(self._model, self._arguments, ids, 0), use_cache=False)
        logits: torch.Tensor = output.logits
        return logits[0, -1]


class PrefixCache:
    """Keeps the keys and values of the last sequence: a new one costs what it does not share with it.

    `DynamicCache()` without a config holds every position in every layer, also of models with sliding windows, whose
    window then comes from the mask alone; so that any prefix can be gone back to.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model
        self._arguments = _forward_arguments(model)
        self._fallback = NoCache(model)
        self._ids: list[int] = []
        self._cache = DynamicCache()
        self.forward_tokens = 0
        """Positions computed so far, for the tests and the benchmarks."""

    @torch.inference_mode()
    def logits(
        self,
        ids: Sequence[int],
        cancelled: Callable[[], bool] = lambda: False,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> torch.Tensor:
        ids = list(ids)
        # The last token is always computed: its logits are what is asked for.
        shared = min(common_prefix(self._ids, ids), len(ids) - 1)
        self._crop(shared)
        output = None
        for begin in range(shared, len(ids), CHUNK):
            if cancelled():
                raise Cancelled
            output = self._extend(ids[begin : begin + CHUNK])
            if output is None:
                self._reset()
                return self._fallback.logits(ids, cancelled)
            progress(len(self._ids), len(ids))
        assert output is not None
        return output[0, -1]

    def _extend(self, ids: list[int]) -> torch.Tensor | None:
        """One forward pass over new tokens; None where the model cannot continue from its cache."""
        begin = len(self._ids)
        inputs = _inputs(self._model, self._arguments, ids, begin)
        try:
            output = self._model(**inputs, past_key_values=self._cache, use_cache=True)
        except (RuntimeError, ValueError, IndexError, AttributeError, TypeError) as error:
            self._reset()
            if isinstance(error, torch.OutOfMemoryError) or not begin:
                raise
            print(f"cache: continuing failed, the prefix is computed anew: {error!r}", file=sys.stderr)
            return None
        self._ids += ids
        self.forward_tokens += len(ids)
        logits: torch.Tensor = output.logits
        return logits

    def _crop(self, length: int) -> None:
        surplus = len(self._ids) - length
        if not length:
            self._reset()
        elif surplus:
            # In transformers 5 a negative number is how many positions to drop.
            self._cache.crop(-surplus)
            del self._ids[length:]

    def _reset(self) -> None:
        self._cache, self._ids = DynamicCache(), []


def forward_for(model: PreTrainedModel) -> Forward:
    """The fastest scheme that is right for the model."""
    parameters = inspect.signature(model.forward).parameters
    if "past_key_values" not in parameters:
        return NoCache(model)
    # Recurrent, convolution, compressed and indexed states cannot be held by a plain cache, or cropped; the layers that
    # keep them beside keys and values are subclasses of DynamicLayer.
    layers = DynamicCache(config=model.config).layers
    if not all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers):
        return NoCache(model)
    return PrefixCache(model)


def _forward_arguments(model: PreTrainedModel) -> frozenset[str]:
    return frozenset(inspect.signature(model.forward).parameters)


def _inputs(model: PreTrainedModel, arguments: frozenset[str], ids: Sequence[int], begin: int) -> dict[str, Any]:
    """The arguments as `generate()` gives them: positions always, an attention mask of ones never."""
    device = model.device
    inputs: dict[str, Any] = {"input_ids": torch.tensor([list(ids)], device=device)}
    if "position_ids" in arguments:
        inputs["position_ids"] = torch.arange(begin, begin + len(ids), device=device)[None]
    if "logits_to_keep" in arguments:
        inputs["logits_to_keep"] = 1
    return inputs


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
