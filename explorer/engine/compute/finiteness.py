"""Finiteness: whether a softmax over a row of logits exists, and what is said where it does not.

A logit of minus infinity is a token that cannot come, which is a fine answer; a logit that is NaN or plus infinity, and
a row that is minus infinity throughout, leave nothing to tell or to draw. Owns the sentences. Must not know who asks.
"""

import contextlib
import math
from collections.abc import Iterator

import torch
from transformers import PreTrainedModel

from explorer.errors import NotFinite

SHORT = {
    torch.float16: "The model computes in float16, which holds no number above 65,504: "
    "try --dtype bfloat16 or --dtype float32.",
    torch.bfloat16: "The model computes in bfloat16, which has few digits: try --dtype float32.",
}
"""What may help a model that computes in a type of two bytes."""


def check_rows(rows: torch.Tensor, length: int) -> None:
    """Raises NotFinite for the first of the rows [n, V] that says nothing; the first follows `length` tokens."""
    count = sound(rows)
    if count < len(rows):
        raise NotFinite(f"{_seen(rows[count])} {_after(length + count)}, so that nothing is known of what follows.")


def sound(rows: torch.Tensor) -> int:
    """How many of the rows [n, V] stand before the first one that says nothing."""
    # NaN is the maximum wherever it stands, so that one pass finds all three cases.
    bad = (~rows.amax(-1).isfinite()).nonzero()
    return int(bad[0]) if len(bad) else len(rows)


def _seen(row: torch.Tensor) -> str:
    highest = row.amax().item()
    if highest == -math.inf:
        return "The model gives no token any probability: every logit is minus infinity"
    return f"The model's logits are not finite ({'NaN' if math.isnan(highest) else 'infinity'})"


def _after(length: int) -> str:
    return "after the first token" if length == 1 else f"after the first {length:,} tokens"


@contextlib.contextmanager
def explained(model: PreTrainedModel) -> Iterator[None]:
    """Adds to a NotFinite what can be done about it with this model."""
    try:
        yield
    except NotFinite as error:
        raise NotFinite(f"{error} {_way_out(model)}") from error


def _way_out(model: PreTrainedModel) -> str:
    # An infinite weight may be one that its type cannot hold; NaN was in the file.
    broken = torch.isnan if model.dtype in SHORT else lambda weight: ~weight.isfinite()
    for name, weight in model.named_parameters():
        # A weight that is packed, or is on a disk, is taken for sound.
        if weight.device.type != "meta" and weight.is_floating_point() and bool(broken(weight).any()):
            return f"Some of its weights are no finite numbers, for example those of {name}: its files are damaged."
    return SHORT.get(model.dtype, "Try another prompt: the model cannot go on from this one.")
