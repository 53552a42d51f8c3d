"""The standard streams of the process, where some of them were closed before it began (`token-explorer … >&-`).

Python leaves None in their place, and the next file that is opened gets their number: what is meant for the terminal
would go into it. Must be asked before anything is opened.
"""

import contextlib
import os
import sys


def replace_closed() -> None:
    """Put a stream in the place of each that is closed.

    What is written to standard error is lost. Whoever reads standard input or writes standard output gets an OSError
    (EBADF), because what they ask for cannot be done.
    """
    if sys.stdin is None:
        _occupy(0, os.O_WRONLY)
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  (it stays open until the end)
    if sys.stdout is None:
        _occupy(1, os.O_RDONLY)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  (it stays open until the end)
    if sys.stderr is None:
        _occupy(2, os.O_WRONLY)
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115  (it stays open until the end)


def _occupy(number: int, way: int) -> None:
    """Open nothing under the number of a stream, unless something is there."""
    with contextlib.suppress(OSError):
        os.fstat(number)
        return
    nothing = os.open(os.devnull, way)
    if nothing != number:
        os.dup2(nothing, number)
        os.close(nothing)
