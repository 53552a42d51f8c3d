"""Stored: the weights of a GGUF file, unpacked when the loader of transformers asks for them, one tensor at a time.

Owns how blocks become numbers, and the sentence for a type that nothing here unpacks; that the tensors lie in the file
was seen before. What weights are called in transformers is the family's affair. Must not know models.
"""

import mmap
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from gguf.constants import GGMLQuantizationType
from gguf.quants import dequantize

from explorer.core.token import visible
from explorer.engine.gguf.header import Header, Tensor
from explorer.engine.gguf.kinds import KINDS
from explorer.engine.gguf.tensors import length
from explorer.errors import ModelError

PLAIN = {0: torch.float32, 1: torch.float16, 28: torch.float64, 30: torch.bfloat16}
"""Types of ggml whose values torch reads as they are."""

AT_ONCE = 1 << 22
"""Numbers that are unpacked at once, so that no tensor needs more memory than itself and a little."""

Change = Callable[[list[torch.Tensor]], torch.Tensor]


class Content:
    """The bytes of a file, mapped; they are read when they are looked at."""

    def __init__(self, header: Header) -> None:
        self.header = header
        try:
            with header.path.open("rb") as file:
                self._bytes = np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
        except (OSError, ValueError) as error:
            raise ModelError(f"{header.path} cannot be read: {error}.") from error
        for tensor in header.tensors:
            _check_kind(header, tensor)

    def unpacked(self, tensor: Tensor, dtype: torch.dtype) -> torch.Tensor:
        """The numbers of a tensor in a dtype, as torch has its shape."""
        start = self.header.weights_start + tensor.offset
        data = self._bytes[start : start + length(self.header, tensor)]
        made = torch.empty(tensor.shape, dtype=dtype)
        rows = made.view(-1, tensor.shape[-1]) if tensor.shape else made.view(1, 1)
        packed = data.reshape(len(rows), -1)
        count = max(AT_ONCE // rows.shape[1], 1)
        for begin in range(0, len(rows), count):
            rows[begin : begin + count] = _numbers(packed[begin : begin + count], tensor.kind)
        return made


def _numbers(packed: Any, kind: int) -> torch.Tensor:
    """The numbers of some rows of bytes."""
    if kind in PLAIN:
        return torch.from_numpy(packed.copy()).view(PLAIN[kind])
    with np.errstate(all="ignore"):  # What is no number in the file is none here: the first pass says so.
        return torch.from_numpy(dequantize(packed, GGMLQuantizationType(kind)))


def _check_kind(header: Header, tensor: Tensor) -> None:
    """Raises ModelError for a type that the package gguf does not unpack."""
    if tensor.kind in PLAIN or _is_unpacked(tensor.kind):
        return
    name = KINDS[tensor.kind][0] if tensor.kind in KINDS else str(tensor.kind)
    raise ModelError(
        f"{header.path} stores {visible(tensor.name)[:80]} in the type {name} of ggml, which nothing here unpacks. "
        "Take another quantisation of the model, or a newer package gguf: pip install -U gguf"
    )


@cache
def _is_unpacked(kind: int) -> bool:
    try:
        dequantize(np.zeros((1, KINDS[kind][2]), np.uint8), GGMLQuantizationType(kind))
    except (KeyError, ValueError, NotImplementedError):  # Unknown here, unknown to the package, or not unpacked by it.
        return False
    return True


class Stored:
    """One weight of a model, of one tensor of the file or of several; indexing gives it, as with safetensors."""

    def __init__(
        self, content: Content, tensors: tuple[Tensor, ...], change: Change | None, dtype: torch.dtype
    ) -> None:
        self._content, self._tensors, self._change, self._dtype = content, tensors, change, dtype

    def __getitem__(self, _: Any) -> torch.Tensor:
        if self._change is None:
            return self._content.unpacked(self._tensors[0], self._dtype)
        # What moves values or computes with them does so before anything is rounded.
        return (
            self._change([self._content.unpacked(one, torch.float32) for one in self._tensors])
            .to(self._dtype)
            .contiguous()
        )
