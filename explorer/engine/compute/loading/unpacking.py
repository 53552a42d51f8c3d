"""Unpacking: what the weights of a GGUF file need in memory once they are numbers of a dtype, said before it is done.

Owns the sentence for a device that plainly does not hold them. Must not unpack anything.
"""

from typing import Any

import psutil
import torch

from explorer.core.size import size_in_words
from explorer.engine.base import Progress, Reporter
from explorer.engine.compute import memory
from explorer.engine.description import ModelSettings
from explorer.engine.gguf.header import Header
from explorer.engine.gguf.kinds import quantisation
from explorer.errors import ModelError

SMALLER = torch.bfloat16
"""The dtype that is proposed where another one needs too much."""


def announce(
    header: Header, settings: ModelSettings, dtype: torch.dtype, device: torch.device, report: Reporter
) -> None:
    """Report what the numbers need. Raises ModelError where that is plainly more than a device has left.

    Where the model is laid over several devices or packed again, nobody knows it before.
    """
    needed = header.parameters * dtype.itemsize
    stored = quantisation(header.metadata, header.tensors) or "numbers"
    words = str(dtype).removeprefix("torch.")
    report(Progress(f"unpacking {size_in_words(on_disk(header))} of {stored} into {size_in_words(needed)} of {words}"))
    if settings.device_map is not None or settings.quantize is not None:
        return
    left = free(device)
    if left is None or needed <= left:
        return
    smaller = header.parameters * SMALLER.itemsize
    ways = [f"--dtype bfloat16, for {size_in_words(smaller)}"] if smaller <= left else []
    where = "this machine" if device.type == "cpu" else str(device)
    raise ModelError(
        f"{settings.name} does not fit into the memory of {where}: its numbers, unpacked to {words}, need "
        f"{size_in_words(needed)}, and {size_in_words(left)} are free. Try "
        f"{', '.join([*ways, '--device-map auto (which uses several devices)', 'a smaller model'])}; llama-server of "
        "llama.cpp runs the file as it is packed."
    )


def on_disk(header: Header) -> int:
    """Bytes of the file; 0 where it cannot be looked at."""
    try:
        return header.path.stat().st_size
    except OSError:
        return 0


def free(device: torch.device) -> int | None:
    """What a device has left, with what a processor may put aside on the disk; None where it is not known."""
    left = memory.free(device)
    swap: Any = psutil.swap_memory()
    return left if left is None or device.type != "cpu" else left + int(swap.free)
