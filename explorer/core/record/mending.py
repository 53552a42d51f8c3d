"""What is done to the file of a record before it goes on: locked, cut, brought to the present version.

Nothing of a file is changed before what it held is on the disk beside it. Must not know what an event is.
"""

import contextlib
import errno
import itertools
import os
import shutil
import time
from pathlib import Path

import msgspec

from explorer.core.record.syncing import sync_file, sync_folder

LOCK_TRIES = 10
LOCK_WAIT = 0.02
"""Seconds between two tries: whoever only looks whether a record is open has it for a moment."""
NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL}
"""How file systems without locks say so, those of a network among them."""


def lock(descriptor: int) -> None:
    """Keep the file for this process until it is closed, where the file system has locks.

    Raises BlockingIOError where another one has it. Without locks, the second to write is found by the file's length.
    """
    with contextlib.suppress(ImportError):  # Windows has no fcntl, and no lock.
        import fcntl

        for left in reversed(range(LOCK_TRIES)):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if not left:
                    raise
                time.sleep(LOCK_WAIT)
            except OSError as error:
                if error.errno not in NO_LOCKS:
                    raise
                return


def locked(descriptor: int) -> bool:
    """Whether an explorer writes the file."""
    with contextlib.suppress(ImportError):
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # A file system without locks.
            return False
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False


def unchanged(path: Path, descriptor: int, size: int) -> bool:
    """Whether the open file is still the one of that name, and as long as it was."""
    status = os.fstat(descriptor)
    return status.st_size == size and os.path.samestat(status, path.stat())


def cut(path: Path, size: int, torn: bytes) -> Path:
    """Cut the file after `size` bytes; the rest is added to FILE.torn. Raises OSError."""
    aside = Path(f"{path}.torn")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        _write(descriptor, torn + b"\n")
        sync_file(descriptor)
    finally:
        os.close(descriptor)
    sync_folder(path.parent)
    os.truncate(path, size)
    return aside


def renew(path: Path, descriptor: int, version: int) -> tuple[int, Path]:
    """Put a copy of another version in the place of a file that is locked, which gets the name FILE.vN.

    Returns the copy's descriptor, locked and for appending, and the name that the original has now; `descriptor` is
    closed. The copy differs in the header's `version`. Raises OSError, and changes nothing then.
    """
    new = Path(f"{path}.new")
    new.unlink(missing_ok=True)  # Left by a program that was killed here: the file itself was not touched yet.
    copy = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
    try:
        lock(copy)
        with open(path, "rb") as file:
            header = msgspec.json.decode(file.readline())
            before, header["version"] = header["version"], version
            _write(copy, msgspec.json.encode(header) + b"\n")
            while part := file.read(2**20):
                _write(copy, part)
        sync_file(copy)
        kept = _name_for_original(path, before)
        new.replace(path)
        sync_folder(path.parent)
    except OSError:
        os.close(copy)
        new.unlink(missing_ok=True)
        raise
    os.close(descriptor)
    return copy, kept


def _name_for_original(path: Path, version: int) -> Path:
    """Give the file a second name that is free: FILE.v1, or FILE.v1.2 and so on. Raises OSError."""
    for count in itertools.count(1):
        name = Path(f"{path}.v{version}" + (f".{count}" if count > 1 else ""))
        if not name.exists():
            try:
                os.link(path, name)
            except OSError:  # A file system without second names.
                shutil.copy2(path, name)
            return name
    raise AssertionError("names are endless")


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
