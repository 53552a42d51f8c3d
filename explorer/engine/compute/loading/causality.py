"""Causality: whether a loaded model goes on with a text, tried in one short pass.

What a config says of a model is not always so: the last word has the model itself. Two texts that begin alike go in
side by side; where the logits of what they share differ, a later token has moved an earlier position. Must not know
files.
"""

import torch
from transformers import PreTrainedModel

from explorer.engine.compute import memory
from explorer.engine.compute.forward.passes import FAILURES, ForwardPass
from explorer.errors import ModelError

SHARED, REST = 5, 3
"""Tokens that the two texts share, and those after them, in which they differ."""

TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-3}
ROUGH_TOLERANCE = 0.1
"""How far what is shared may differ, as a share of the range of the logits: by dtype, and for others and packed
weights, whose rounding may depend on the other rows."""


@torch.inference_mode()
def check_causal(model: PreTrainedModel, name: str) -> None:
    """Raises ModelError where a later token moves an earlier position, or where a text alone cannot be read.

    Raises OutOfMemoryError.
    """
    first, second = _texts(model.config.get_text_config(decoder=True).vocab_size)
    forward = ForwardPass(model)
    try:
        rows = _rows(forward, first, second)
    except (*FAILURES, ImportError) as error:
        if memory.ran_out(error):
            raise
        raise ModelError(_why_failed(name, model, error)) from error
    left, right = rows[0, :SHARED].float(), rows[1, :SHARED].float()
    finite = left.isfinite() & right.isfinite()
    if not finite.any():
        return
    left, right = left[finite], right[finite]
    packed = getattr(model, "hf_quantizer", None) is not None
    tolerance = ROUGH_TOLERANCE if packed else TOLERANCE.get(model.dtype, ROUGH_TOLERANCE)
    if float((left - right).abs().max()) > tolerance * float(left.max() - left.min()):
        raise ModelError(
            f"{name} is not a causal language model ({type(model).__name__}): a later token of a text changes what it "
            "says of an earlier one, so that it reads in both directions."
        )


def _texts(rows: int) -> tuple[list[int], list[int]]:
    """Spread over the low ids, where no model has the placeholders of pictures."""
    ids = [(10 + 37 * index) % min(rows, 1000) for index in range(SHARED + 2 * REST)]
    return ids[: SHARED + REST], [*ids[:SHARED], *ids[-REST:]]


def _rows(forward: ForwardPass, first: list[int], second: list[int]) -> torch.Tensor:
    """The logits [2, n, V] of the two texts; one after the other where the model takes no two at once."""
    tokens = torch.tensor([first, second], device=forward.device)
    positions = torch.arange(len(first), device=forward.device).expand(2, -1)
    try:
        return forward.batch(tokens, positions, use_cache=False, keep=len(first))[0]
    except FAILURES as error:
        if memory.ran_out(error):
            raise
        return torch.stack([forward(ids, keep=len(ids))[0] for ids in (first, second)])


def _why_failed(name: str, model: PreTrainedModel, error: Exception) -> str:
    said = (str(error).strip() or type(error).__name__).splitlines()[0][:200].rstrip(". :")
    return f"{name} ({type(model).__name__}) cannot go on with a text alone: {said}."
