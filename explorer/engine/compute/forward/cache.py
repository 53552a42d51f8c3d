"""PrefixCache: the logits after a prefix, with as few forward passes as can be.

Owns the state of one sequence, the ids that it holds and the way to another prefix; what is possible is told by
capabilities.py, states are copied by states.py, and the lengths that may share one are rope.py's affair. Must not know
samplers, tokens or tables.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any, TypeVar

import msgspec
import torch
from transformers import PreTrainedModel

from explorer.core.prefix import common_prefix
from explorer.engine.capabilities import Capabilities
from explorer.engine.compute import memory
from explorer.engine.compute.forward import passes
from explorer.engine.compute.forward.batch import Batch
from explorer.engine.compute.forward.forward import Cancelled
from explorer.engine.compute.forward.passes import FAILURES, ForwardPass
from explorer.engine.compute.forward.probe import capabilities_of, copies, copies_chunks, pads
from explorer.engine.compute.forward.recompute import NoCache
from explorer.engine.compute.forward.states import Snapshots, forked, new_cache

CHUNK = 512
"""Tokens of one forward pass of a long prefill: between two of them it can be cancelled."""

STEP_COST = 8
"""One step takes about as long as this many positions of one long pass. So where a model goes on by single tokens only,
the whole prefix is computed anew as soon as more than an eighth of it is missing."""

Answer = TypeVar("Answer")


class PrefixCache:
    """Keeps the state of the last sequence: a new one costs what it does not share with it.

    Where the model fails to go on from what is held, the prefix is computed anew, and the error goes to stderr.
    """

    def __init__(self, model: PreTrainedModel, capabilities: Capabilities | None = None) -> None:
        self.capabilities = capabilities or capabilities_of(model)
        self._model = model
        self._pass = ForwardPass(model)
        self.rope = self._pass.rope
        self._snapshots = Snapshots(model)
        self._cache: Any = None
        self._ids: list[int] = []
        self._reached = 0
        """The length whose factors the state has: where it was cropped, that of the longer sequence."""
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
        if not self._shares_factors(len(ids)):
            self._reset()
        common = common_prefix(self._ids, ids)
        looks_back = common == len(ids) < len(self._ids)
        # The last token is always computed: its logits are what is asked for.
        self._go_back(min(common, len(ids) - 1))
        end = len(self._ids)
        while True:
            if cancelled():
                raise Cancelled
            end = self._end_of_pass(end, len(ids), looks_back=looks_back)
            logits = self._extend(ids, end, self._pass)
            progress(end, len(ids))
            if end == len(ids):
                return logits[-1]

    @torch.inference_mode()
    def rows(
        self,
        ids: Sequence[int],
        begin: int = 0,
        cancelled: Callable[[], bool] = lambda: False,
        *,
        as_prefixes: bool = False,
    ) -> Iterator[torch.Tensor]:
        ids = list(ids)
        for end in self.rope.ends(begin, len(ids)) if as_prefixes else [len(ids)]:
            yield from self._rows(ids[:end], begin, cancelled)
            begin = end

    def _rows(self, ids: list[int], begin: int, cancelled: Callable[[], bool]) -> Iterator[torch.Tensor]:
        """The rows of one pass over all of the ids, from `begin` on."""
        if not begin:
            self._reset()
        earliest = self.rope.earliest(len(ids))
        while begin < len(ids):
            if cancelled():
                raise Cancelled
            chunk = self.capabilities.chunk
            last = self._last_stop(begin, len(ids))
            far = not chunk and begin + 1 < len(ids) < (len(ids) - begin) * STEP_COST
            if far or begin < earliest:
                # In one pass as far as it must be.
                self._reset()
                end = min(max(begin + passes.PART, earliest), last) if chunk else last
                for part in self._extend(ids, end, partial(self._pass.parts, first=begin)):
                    if cancelled():
                        raise Cancelled
                    yield part
            else:
                if not self._holds(ids[:begin]):
                    # Another prefix was asked for between two parts, or the first ones were not.
                    self.logits(ids[:begin], cancelled)
                end = min(begin + (passes.PART if chunk else 1), last)
                yield self._extend(ids, end, partial(self._pass, keep=end - begin))
            begin = end

    def let_go(self) -> None:
        self._reset()

    @torch.inference_mode()
    def fork(self, ids: Sequence[int], rows: int, cancelled: Callable[[], bool] = lambda: False) -> Batch | None:
        ids = list(ids)
        if not self._copies:
            return None
        if not self._holds(ids):
            self.logits(ids, cancelled)
        if not self._holds(ids):
            # Going on failed, and nothing is held.
            return None
        return Batch(self._pass, self.capabilities.kind, forked(self._model, self._cache, rows), [ids] * rows)

    @torch.inference_mode()
    def pad(
        self, prompts: Sequence[Sequence[int]], more: int, filler: int | None = None
    ) -> tuple[Batch, torch.Tensor] | None:
        if not self._pads or not self.rope.together([len(ids) for ids in prompts], more):
            return None
        if filler is not None:
            return Batch.padded_right(self._pass, self.capabilities.kind, prompts, filler)
        return Batch.padded(self._pass, self.capabilities.kind, prompts)

    # Tried when they are first asked for, so that loading does not wait for them.

    @cached_property
    def _copies(self) -> bool:
        return copies(self._model, self.capabilities.kind)

    @cached_property
    def chunks_of_forks(self) -> bool:
        return self.capabilities.chunk and self._copies and copies_chunks(self._model, self.capabilities.kind)

    @cached_property
    def _pads(self) -> bool:
        return pads(self._model, self.capabilities.kind)

    def _shares_factors(self, length: int) -> bool:
        """Whether what is held has the factors of a sequence of that length."""
        return not self._ids or self.rope.era(self._reached) == self.rope.era(length)

    def _holds(self, ids: list[int]) -> bool:
        """Whether this very prefix is held, and may be gone on from as it is."""
        return self._ids == ids and self._shares_factors(len(ids))

    def _last_stop(self, begin: int, length: int) -> int:
        """Up to where a pass from `begin` on may go, on the way to `length`.

        Where a state is gone back from by a copy, that is before the last token, so that another one in its place
        costs one position.
        """
        stops = self.capabilities.crop == "snapshot" and max(begin + 1, self.rope.earliest(length)) < length
        return length - 1 if stops else length

    def _end_of_pass(self, begin: int, length: int, *, looks_back: bool = False) -> int:
        """Where the pass ends that goes on at `begin`, on the way to `length`: each has the factors of that length.

        Whoever looks back through a text goes on to do so: then copies are left on the way, closer to its end.
        """
        earliest, last = self.rope.earliest(length), self._last_stop(begin, length)
        spaced = looks_back and self.capabilities.crop == "snapshot"
        if self.capabilities.chunk:
            step = min(max((last - begin) // 2, 1), CHUNK) if spaced else CHUNK
            return min(max(begin + step, earliest), last)
        near = begin + 1 == length or (length - begin) * STEP_COST <= length
        if near and begin + 1 >= earliest:
            return begin + 1
        self._reset()
        return max(last - length // (2 * STEP_COST), earliest, 1) if spaced else last

    def _extend(self, ids: list[int], end: int, run: Callable[..., tuple[Answer, Any]]) -> Answer:
        """What `run` gives at the end of `ids[:end]`, which is held afterwards if the model can hold it."""
        while True:
            held = len(self._ids)
            try:
                return self._advance(ids, end, run)
            except FAILURES as error:
                if memory.ran_out(error):
                    # That says nothing about the model.
                    raise
                _log(f"going on at position {held} failed, the prefix is computed anew: {error!r}")
            if not held:
                # Without a cache it is right, or the model itself fails.
                self.forward_tokens += end
                return run(ids[:end])[0]
            if end - held > 1:
                notes = (*self.capabilities.notes, "several tokens at once: failed once")
                self.capabilities = msgspec.structs.replace(self.capabilities, chunk=False, notes=notes)

    def _advance(self, ids: list[int], end: int, run: Callable[..., tuple[Answer, Any]]) -> Answer:
        """One forward pass from what is held up to `end`. After an error nothing is held."""
        held = len(self._ids)
        try:
            cache = self._cache if held else new_cache(self._model, self.capabilities.kind)
            answer, self._cache = run(ids[held:end], held, cache, use_cache=True)
            self._ids += ids[held:end]
            self._reached = end
            if self.capabilities.crop == "snapshot":
                self._snapshots.take(self._cache, end)
        except BaseException:
            self._reset()
            raise
        self.forward_tokens += end - held
        return answer

    def _go_back(self, length: int) -> None:
        """Hold the first `length` ids, or as many of them as there is a way back to."""
        held = len(self._ids)
        if length == held:
            return
        way = self.capabilities.crop
        if way == "snapshot":
            length = self._snapshots.nearest(length)
        if way == "recompute" or not length:
            self._reset()
            return
        try:
            if way == "snapshot":
                self._cache = self._snapshots.restore(self._cache, held, length)
            else:
                # In transformers 5 a negative number is how many positions to drop.
                self._cache.crop(length - held)
        except (*FAILURES, MemoryError) as error:
            _log(f"going back to position {length} failed, the prefix is computed anew: {error!r}")
            self._reset()
        del self._ids[length:]

    def _reset(self) -> None:
        self._cache, self._ids, self._reached = None, [], 0
        self._snapshots.clear()


def forward_for(model: PreTrainedModel) -> PrefixCache | NoCache:
    """The fastest scheme that is right for the model."""
    capabilities = capabilities_of(model)
    for note in capabilities.notes:
        _log(note)
    return PrefixCache(model, capabilities) if capabilities.incremental else NoCache(model, capabilities)


def _log(sentence: str) -> None:
    """To stderr, which is the log of the worker."""
    print(f"cache: {sentence}", file=sys.stderr)
