"""Tensors: whether those of a GGUF file lie in it, each in a place of its own and as long as its shape says.

Owns the checks that need the table alone. Must not know what the weights are for.
"""

import sys
from itertools import pairwise
from math import prod

from explorer.core.reading import reason
from explorer.core.size import size_in_words
from explorer.core.token import visible
from explorer.engine.gguf.cursor import broken
from explorer.engine.gguf.header import Header, Tensor
from explorer.engine.gguf.kinds import KINDS
from explorer.errors import ModelError

NATIVE = "<" if sys.byteorder == "little" else ">"
"""The order in which this processor has the bytes of a number."""

SHOWN = 80
"""Characters of a name in a sentence."""


def check_tensors(header: Header) -> None:
    """Raises ModelError for a file that ends before its weights do, and for what makes no sense here."""
    if header.order != NATIVE:
        raise ModelError(
            f"{header.path} was written for processors that have the bytes of a number in the other order: its weights "
            "would be other numbers here. Download the file that was made for this kind of machine."
        )
    ends = sorted(
        (tensor.offset, tensor.offset + length(header, tensor), visible(tensor.name)[:SHOWN])
        for tensor in header.tensors
    )
    if len({tensor.name for tensor in header.tensors}) < len(header.tensors):
        names = sorted(tensor.name for tensor in header.tensors)
        double = next(one for one, other in pairwise(names) if one == other)
        raise broken(header.path, f"it holds its tensor {visible(double)[:SHOWN]} twice")
    _check_end(header, header.weights_start + max((end for _, end, _ in ends), default=0))
    for (_, end, name), (start, _, other) in pairwise(ends):
        if start < end:
            raise broken(header.path, f"its tensors {name} and {other} lie in the same bytes")


def _check_end(header: Header, end: int) -> None:
    try:
        size = header.path.stat().st_size
    except OSError as error:
        raise ModelError(f"{header.path} cannot be read: {reason(error)}.") from error
    if size < end:
        raise ModelError(
            f"{header.path} is not whole: it has {size_in_words(size)} of {size_in_words(end)}. Wait until its "
            "download or its copy is done; where none is under way any more, fetch it again."
        )


def length(header: Header, tensor: Tensor) -> int:
    """Bytes of a tensor. Raises ModelError for an unknown type, and for rows that are no whole blocks."""
    name = visible(tensor.name)[:SHOWN]
    if tensor.kind not in KINDS:
        raise ModelError(
            f"{header.path} packs its tensor {name} in a way that the explorer does not know (type {tensor.kind} of "
            "ggml). Take another quantisation of the model, such as Q4_K_M or Q8_0."
        )
    _, block, size = KINDS[tensor.kind]
    count = prod(tensor.shape)
    if not count:
        raise broken(header.path, f"its tensor {name} holds no numbers")
    if tensor.shape and tensor.shape[-1] % block:
        raise broken(header.path, f"the rows of its tensor {name} are no whole blocks of {block}")
    return count // block * size
