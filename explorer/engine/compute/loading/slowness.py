"""Slowness: whether the dtype that a model brings is slow on this processor, measured by one small product.

Owns the product, from which ratio on it is said, and the sentence. A processor without instructions for a 16-bit dtype
computes a row at a time about as fast, for that waits for the memory, but reads a text several times more slowly. Must
not know how a model is loaded.
"""

import time
from collections.abc import Callable

import torch
from torch.nn.functional import linear
from transformers import PreTrainedModel

from explorer.core.size import size_in_words
from explorer.engine.compute import memory
from explorer.engine.compute.loading import quantization
from explorer.engine.compute.loading.placement import device_map

HALVES = (torch.bfloat16, torch.float16)

ROWS, WIDTH, TIMES = 16, 512, 5
"""Of the product, which takes 0.1 ms in float32 on one core of today: rows by a square matrix, so many times."""

SLOW = 1.5
"""From how many times the time of float32 on a dtype is slow; with instructions for it, it takes 0.5 to 1.2."""

Slowdown = Callable[[torch.dtype], float]
"""How many times the time of float32 a dtype takes."""


def measured(dtype: torch.dtype) -> float:
    """The slowdown on this processor: the shortest of several times on one thread, turn by turn with float32."""
    threads, slow, fast = torch.get_num_threads(), [], []
    torch.set_num_threads(1)  # On a busy machine, a second thread that comes late is all that would be measured.
    try:
        with torch.inference_mode():
            for _ in range(TIMES):
                slow.append(_seconds(dtype))
                fast.append(_seconds(torch.float32))
    finally:
        torch.set_num_threads(threads)
    return min(slow) / min(fast)


def _seconds(dtype: torch.dtype) -> float:
    rows, weights = torch.ones(ROWS, WIDTH, dtype=dtype), torch.ones(WIDTH, WIDTH, dtype=dtype)
    began = time.perf_counter()
    linear(rows, weights)
    return time.perf_counter() - began


def slowness(model: PreTrainedModel, asked: str, slowdown: Slowdown = measured) -> str:
    """A sentence where float32 would be faster, with what that costs in memory; "" where nothing is to be said.

    `asked` is the dtype that a person names: only where that is `auto`, nobody has chosen. Nothing is measured where
    the model does not compute on the CPU, in 16 bits, with its weights as they are.
    """
    if asked != "auto" or model.dtype not in HALVES or quantization.in_words(model) is not None:
        return ""
    if not set(device_map(model).values()) <= {"cpu", "disk"} or slowdown(model.dtype) < SLOW:
        return ""
    more = sum(weight.nbytes for weight in model.parameters() if weight.dtype in HALVES)
    name, free = str(model.dtype).removeprefix("torch."), memory.free(torch.device("cpu"))
    if free is not None and more > free:
        return (
            f"{name} is slow on this processor, but float32 would take {size_in_words(more)} more memory, "
            f"and {size_in_words(free)} are free."
        )
    return f"Slow in {name}: --dtype float32 reads texts faster, for {size_in_words(more)} more memory."
