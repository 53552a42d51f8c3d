"""Syncing: what was written to a file is brought to the disk, by a thread of its own, so that nobody waits for a disk.

Owns when that happens. Must not know what the file holds.
"""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

PAUSE = 0.5
"""Seconds between two syncs while more is written: what is older than this, and one sync, is on the disk."""

CANNOT_SYNC = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EROFS)
"""A pipe, a device, some file systems: nothing can be done there, and nothing is wrong."""


class Syncing:
    """Calls `sync` soon after each `touch`, and then not more often than every `pause` seconds."""

    def __init__(self, sync: Callable[[], None], pause: float = PAUSE) -> None:
        self.fault: OSError | None = None
        """Why nothing is synced any more: what was written since the last time may be lost with the machine."""
        self._sync = sync
        self._pause = pause
        self._dirty = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="syncing", daemon=True)
        self._thread.start()

    def touch(self) -> None:
        """Something was written. Returns at once."""
        self._dirty.set()

    def close(self) -> None:
        """Sync a last time, and wait for it."""
        self._ended.set()
        self._dirty.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                self._dirty.wait()
                self._dirty.clear()
                self._sync()
                self._ended.wait(self._pause)
            self._sync()
        except OSError as error:
            self.fault = error


def sync_file(descriptor: int) -> None:
    """Wait until the file is on the disk, where that can be asked for. Raises OSError."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in CANNOT_SYNC:
            raise


def sync_folder(folder: Path) -> None:
    """Wait until the names in the folder are on the disk, where that can be asked for. Raises OSError."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # One that may be written to but not looked into; any on Windows.
        return
    try:
        sync_file(descriptor)
    finally:
        os.close(descriptor)
