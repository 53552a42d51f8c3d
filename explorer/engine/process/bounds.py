"""Bounds: how much memory and processor time this process may take before the system ends it.

Owns the limits for work that is done inside a library and never asks whether to stop: a file of a stranger can make it
run for ever, or take all the memory there is. Where the system knows no such limits, there are none.
"""

import contextlib
import math
import resource
import time

import psutil

MOST_MEMORY = 8 << 30
"""Bytes; the largest tokenizers take half a gigabyte."""


def bound_memory() -> None:
    """No more than MOST_MEMORY beyond what is mapped now, or half of the machine's memory."""
    mapped = psutil.Process().memory_info().vms
    _set(resource.RLIMIT_AS, mapped + min(MOST_MEMORY, psutil.virtual_memory().total // 2))


def allow_processor(seconds: float) -> None:
    """From now on, so many seconds of a processor; a process that goes on is ended by SIGXCPU."""
    _set(resource.RLIMIT_CPU, math.ceil(time.process_time() + seconds))


def _set(kind: int, limit: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (limit, hard))
