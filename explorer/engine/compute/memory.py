"""Memory that runs out: how it is recognised, what is tried, and what the person is told.

Owns the many errors that mean it, and the figures: how much was asked for, how much is free. Must not know what is
kept, nor what can be let go of: its caller does.
"""

import contextlib
import errno
import gc
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import psutil
import torch

from explorer.core.size import size_in_words
from explorer.errors import ModelError, OutOfMemory

Answer = TypeVar("Answer")

MESSAGES = re.compile(
    r"out of memory"  # CUDA, MPS
    r"|can't allocate memory|not enough memory"  # torch's allocator on a CPU: POSIX, Windows
    r"|cannot allocate memory|os error 12\b"  # the system, also through Rust
    r"|ALLOC_FAILED|bad_alloc",  # cuBLAS, C++
    re.IGNORECASE,
)

ASKED = re.compile(r"tried to allocate ([\d.]+) ?(bytes|[KMGT]i?B)", re.IGNORECASE)
UNITS = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def ran_out(error: BaseException | None) -> bool:
    """Whether an error, or the one that it was raised from, means that memory ran out."""
    while error is not None:
        if isinstance(error, torch.OutOfMemoryError | MemoryError):
            return True
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            return True
        if isinstance(error, RuntimeError | OSError) and MESSAGES.search(str(error)):
            return True
        error = error.__cause__
    return False


def asked(error: BaseException | None) -> int | None:
    """The bytes that could not be had; None where the error does not say."""
    while error is not None:
        if found := ASKED.search(str(error)):
            return int(float(found[1]) * UNITS[found[2][0].lower()])
        error = error.__cause__
    return None


def free(device: torch.device) -> int | None:
    """The bytes that a process may still have on a device; None where it is not known."""
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + unused
    if device.type == "mps":
        return max(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory(), 0)
    if device.type != "cpu":
        return None
    return min([int(psutil.virtual_memory().available), *_limits()])


def _limits() -> Iterator[int]:
    """What the limits of the process (`ulimit -v`) and of its container leave."""
    with contextlib.suppress(ImportError):
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            yield max(limit - int(psutil.Process().memory_info().vms), 0)
    with contextlib.suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        limit = int((group / "memory.max").read_text())
        yield max(limit - int((group / "memory.current").read_text()), 0)


def shortage(error: BaseException, device: torch.device) -> str:
    """What was needed and what there is, as the end of a sentence: `2.0 GB more were needed, 1.1 GB are free`."""
    needed, left = asked(error), free(device)
    parts = [] if needed is None else [f"{size_in_words(needed)} more were needed at once"]
    return ", ".join(parts if left is None else [*parts, f"{size_in_words(left)} are free"])


def retried(work: Callable[[], Answer], let_go: Callable[[], None], device: torch.device) -> Answer:
    """What `work` gives. Where memory runs out, `let_go` is called and it is tried once more. Raises OutOfMemory."""
    try:
        return work()
    except Exception as error:
        if not ran_out(error):
            raise
        print(f"memory: what was kept is let go of, and it is tried once more: {error!r}", file=sys.stderr)
    # Not before the error is gone: its traceback holds the tensors of the pass.
    let_go()
    release(device)
    with said(device):
        return work()


@contextlib.contextmanager
def said(device: torch.device) -> Iterator[None]:
    """Raises OutOfMemory, which says how much was needed, for the error of whatever runs out of memory."""
    try:
        yield
    except Exception as error:
        if not ran_out(error):
            raise
        end = shortage(error, device)
        where = "this machine" if device.type == "cpu" else str(device)
        raise OutOfMemory(
            f"The memory of {where} is not enough for this text" + (f": {end}" if end else "") + ". "
            "Go back to a shorter one, or load the model with --dtype bfloat16."
        ) from error


def release(device: torch.device) -> None:
    """Give what nothing refers to any more back to the device."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


@contextlib.contextmanager
def fitting(name: str, device: torch.device) -> Iterator[None]:
    """Around a part of loading: where memory runs out there, ModelError says that the model does not fit."""
    try:
        yield
    except Exception as error:
        if ran_out(error):
            raise does_not_fit(name, device, error) from error
        raise


def does_not_fit(name: str, device: torch.device, error: BaseException) -> ModelError:
    """What to raise where a model cannot be loaded for want of memory."""
    end = shortage(error, device)
    where, way = ("this machine", "") if device.type == "cpu" else (str(device), "--device cpu, ")
    return ModelError(
        f"{name} does not fit into the memory of {where}" + (f": {end}" if end else "") + ". "
        f"Try {way}--dtype bfloat16, --quantize 4bit, --device-map auto (which uses the disk too) or a smaller model."
    )
