"""Folders that live as long as the process that made them, and not much longer where it was killed.

Owns their names, which say whose they are: whoever makes the next one takes away those of processes that are gone. Must
not know what is in them.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import psutil

NAME = "token-explorer-gguf-"
"""How they are called; the number of the process follows."""

MADE: list[Path] = []


def temporary_folder() -> Path:
    """A new one. Raises OSError."""
    for left in Path(tempfile.gettempdir()).glob(f"{NAME}*"):
        number = left.name.removeprefix(NAME).partition("-")[0]
        if number.isdecimal() and not psutil.pid_exists(int(number)):
            shutil.rmtree(left, ignore_errors=True)  # Another user's stays.
    MADE.append(Path(tempfile.mkdtemp(prefix=f"{NAME}{os.getpid()}-")))
    return MADE[-1]


def remove_temporary() -> None:
    """Take away those of this process; what cannot be removed stays for the next one."""
    while MADE:
        shutil.rmtree(MADE.pop(), ignore_errors=True)


atexit.register(remove_temporary)  # Of an engine that is in no process of its own.
