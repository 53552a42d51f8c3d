"""What a model can do with its cache, found by trying: a dozen short passes, compared with passes without a cache.

Owns the trials and their tolerance. Most models keep keys and values alone, and one step proves that they may be gone
on from; the trials are for the others. Must not know prefixes that a person visits.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import torch
import transformers
from transformers import PreTrainedModel

from explorer.engine.capabilities import NO_CACHE, NO_CHUNK, NO_CROP, NOTHING_KEPT, CacheKind, Capabilities, WayBack
from explorer.engine.compute import memory
from explorer.engine.compute.forward.batch import FILLER, Batch
from explorer.engine.compute.forward.passes import FAILURES, ForwardPass
from explorer.engine.compute.forward.rope import Rope
from explorer.engine.compute.forward.states import Snapshots, forked, layout, new_cache, unknown_layers

HELD, GAP = 6, 5
"""Tokens of a trial's first pass, and of those that follow at once."""

TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-3, torch.float16: 0.05}
ROUGH_TOLERANCE = 0.2
"""How far the logits of one prefix may differ when they are computed in two ways, as a share of their range: by dtype,
and for bfloat16 and quantised weights."""


@torch.inference_mode()
def capabilities_of(model: PreTrainedModel) -> Capabilities:
    """What the model can do; nothing, where it fails in every trial. Raises what means that memory ran out."""
    kind_of_model = model.config.get_text_config(decoder=True).model_type
    trial = _Trial(model)
    if kind_of_model in NO_CACHE:
        return _nothing(NO_CACHE[kind_of_model])
    if trial.forward.cache_argument is None:
        return _nothing("the model takes no state")
    layers = layout(model)
    kinds: tuple[CacheKind, ...] = ("typed", "own")
    if trial.forward.cache_argument == "state":
        kinds = ("own",)
    elif layers == "attention":
        kinds = ("plain", "typed", "own")
    if kind_of_model in NO_CROP and trial.forward.rope != Rope():
        # Its compressed layers see positions of their own, and change their factors at another length.
        return _nothing(*trial.forward.rope.notes)
    notes: list[str] = []
    kind = next((kind for kind in kinds if _holds(notes, f"{kind} cache", partial(trial.steps, kind))), None)
    if kind is None:
        return _nothing(*notes)
    unknown = unknown_layers(model)
    usual = kind == "plain" and layers == "attention" and kind_of_model not in NO_CHUNK | NO_CROP
    if usual:
        return Capabilities(kind, incremental=True, chunk=True, crop="crop", notes=tuple(trial.forward.rope.notes))
    # A kind that failed before the right one was found says nothing about the model.
    notes[:] = trial.forward.rope.notes
    if unknown:
        version = transformers.__version__
        notes.append(
            f"layers of transformers {version} that are not known here, and copied whole: {', '.join(unknown)}"
        )
    if kind_of_model in NO_CHUNK:
        chunk = False
        notes.append(NO_CHUNK[kind_of_model])
    else:
        chunk = _holds(notes, "several tokens at once", partial(trial.chunk, kind))
    ways: tuple[WayBack, ...] = ("snapshot",)
    if kind_of_model in NO_CROP:
        notes.append(NO_CROP[kind_of_model])
    elif layers in ("attention", "indexed") and kind != "own":
        ways = ("crop", "snapshot")
    way = next((way for way in ways if _holds(notes, way, partial(trial.back, kind, way))), None)
    return Capabilities(kind, incremental=True, chunk=chunk, crop=way or "recompute", notes=tuple(notes))


def _nothing(*notes: str) -> Capabilities:
    return Capabilities(NOTHING_KEPT.kind, incremental=False, chunk=False, crop=NOTHING_KEPT.crop, notes=notes)


def _holds(notes: list[str], name: str, trial: Callable[[], bool]) -> bool:
    """Whether a trial succeeds; what is wrong otherwise goes into the notes."""
    try:
        if trial():
            return True
        notes.append(f"{name}: the logits differ")
    except FAILURES as error:
        if memory.ran_out(error):
            raise
        notes.append(f"{name}: {type(error).__name__}: {str(error).splitlines()[0][:100] if str(error) else ''}")
    return False


@torch.inference_mode()
def copies(model: PreTrainedModel, kind: CacheKind) -> bool:
    """Whether the state of a sequence can be copied, and its copies go on side by side. Raises OutOfMemoryError."""
    return kind != "none" and _holds([], "copies", partial(_Trial(model).copies, kind))


@torch.inference_mode()
def copies_chunks(model: PreTrainedModel, kind: CacheKind) -> bool:
    """Whether several tokens at once can follow each of such copies. Raises OutOfMemoryError."""
    return _holds([], "chunks of copies", partial(_Trial(model).copied_chunks, kind))


@torch.inference_mode()
def pads(model: PreTrainedModel, kind: CacheKind) -> bool:
    """Whether a row of a batch is not moved by padding on its left. Raises OutOfMemoryError.

    States that every token passes through take the padding in, a little at a time: they are not tried.
    """
    usual = kind == "plain" and layout(model) == "attention"
    return usual and _holds([], "padding", partial(_Trial(model).padding, kind))


class _Trial:
    """One model and the sequences that it is tried with."""

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model
        self.forward = ForwardPass(model)
        rows = model.config.get_text_config(decoder=True).vocab_size
        # Spread over the low ids, where no model has the placeholders of pictures.
        self.ids = [(10 + 37 * index) % min(rows, 1000) for index in range(HELD + 1 + GAP)]
        self.other = (self.ids[HELD + 1] + 5) % min(rows, 1000)
        self.expected = cache(self._expected)

    def _expected(self, ids: tuple[int, ...]) -> torch.Tensor:
        return self.forward(ids)[0][-1].float()

    def _agrees(self, logits: torch.Tensor, *ids: int) -> bool:
        row, expected = logits[-1].float(), self.expected(ids)
        finite = expected.isfinite()
        if not bool((finite == row.isfinite()).all()):
            return False
        row, expected = row[finite], expected[finite]
        if not row.numel():
            return True
        tolerance = TOLERANCE.get(self.model.dtype, ROUGH_TOLERANCE)
        if getattr(self.model, "hf_quantizer", None) is not None:
            tolerance = ROUGH_TOLERANCE
        return bool((row - expected).abs().max() <= tolerance * (expected.max() - expected.min()))

    def _held(self, kind: CacheKind) -> Any:
        """A cache after the first tokens."""
        return self.forward(self.ids[:HELD], 0, new_cache(self.model, kind), use_cache=True)[1]

    def steps(self, kind: CacheKind) -> bool:
        """Whether single tokens can follow."""
        held = self._held(kind)
        if held is None:
            return False
        logits, held = self.forward(self.ids[HELD : HELD + 1], HELD, held, use_cache=True)
        return held is not None and self._agrees(logits, *self.ids[: HELD + 1])

    def chunk(self, kind: CacheKind) -> bool:
        """Whether several tokens can follow at once."""
        logits, _ = self.forward(self.ids[HELD:], HELD, self._held(kind), use_cache=True)
        return self._agrees(logits, *self.ids)

    def back(self, kind: CacheKind, way: WayBack) -> bool:
        """Whether another token can follow where one had followed."""
        held, snapshots = self._held(kind), Snapshots(self.model)
        if way == "snapshot":
            snapshots.take(held, HELD)
        _, held = self.forward(self.ids[HELD : HELD + 1], HELD, held, use_cache=True)
        if way == "snapshot":
            held = snapshots.restore(held, HELD + 1, HELD)
        else:
            held.crop(-1)
        logits, _ = self.forward([self.other], HELD, held, use_cache=True)
        return self._agrees(logits, *self.ids[:HELD], self.other)

    def copies(self, kind: CacheKind) -> bool:
        """Whether two tokens can follow side by side, one of them further, and another where they came from."""
        begin, (one, *more), other = self.ids[:HELD], self.ids[HELD:], self.other
        held = self._held(kind)
        batch = Batch(self.forward, kind, forked(self.model, held, 2), [begin, begin])
        logits = batch.extend([one, other])
        if not (self._agrees(logits[:1], *begin, one) and self._agrees(logits[1:], *begin, other)):
            return False
        batch.select([1])
        if not self._agrees(batch.extend(more[:1]), *begin, other, more[0]):
            return False
        logits, _ = self.forward([one], HELD, held, use_cache=True)
        return self._agrees(logits, *begin, one)

    def copied_chunks(self, kind: CacheKind) -> bool:
        """Whether several tokens can follow at once side by side, and one, which is filled at its end."""
        begin, more = self.ids[:HELD], self.ids[HELD:]
        batch = Batch(self.forward, kind, forked(self.model, self._held(kind), 2), [begin, begin])
        logits = batch.extend_all([more, [self.other, *[FILLER] * GAP]])
        return self._agrees(logits[0], *begin, *more) and self._agrees(logits[1, :1], *begin, self.other)

    def padding(self, kind: CacheKind) -> bool:
        """Whether prompts of two lengths and their next tokens are what each is alone."""
        prompts = [self.ids[:HELD], self.ids]
        batch, logits = Batch.padded(self.forward, kind, prompts)
        if not all(self._agrees(logits[row : row + 1], *ids) for row, ids in enumerate(prompts)):
            return False
        logits = batch.extend([self.other, self.other])
        return all(self._agrees(logits[row : row + 1], *ids, self.other) for row, ids in enumerate(prompts))
