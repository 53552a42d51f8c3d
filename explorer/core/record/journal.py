"""Journal: the file of a record, a header and events as JSON lines, append-only.

Owns its reading and its writing; a torn last line is tolerated, and a file that another program changed behind its back
is not written to any more. Must not know what the events do.
"""

import io
import os
import stat
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from explorer.core.reading import reason
from explorer.core.record import mending
from explorer.core.record.events import VERSION, AnyEvent, Header
from explorer.core.record.lines import LINE_LIMIT, take_as_far
from explorer.core.record.record import Record
from explorer.core.record.syncing import Syncing, sync_file, sync_folder
from explorer.errors import RecordError

_encode = msgspec.json.Encoder().encode


def parse(data: bytes, name: str = "the record") -> Record:
    """The record in the bytes. Raises RecordError, which names the line, for anything but a torn last line."""
    return _take(io.BytesIO(data), name, LINE_LIMIT)


def read(path: Path, line_limit: int = LINE_LIMIT) -> Record:
    """The record in a file, which is read line by line. Raises RecordError."""
    with opened(path) as file:
        return _take(file, str(path), line_limit)


def opened(path: Path) -> BinaryIO:
    """The file of a record, for reading. Raises RecordError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | NO_WAIT)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return open(descriptor, "rb", buffering=2**20)
        os.close(descriptor)
    except OSError as error:
        raise RecordError(f"The record {path} cannot be read: {reason(error)}.") from error
    raise RecordError(f"The record {path} cannot be read: it is not a file.")


NO_WAIT = getattr(os, "O_NONBLOCK", 0)
"""A pipe without a writer is opened at once, and then refused."""


def read_as_far(path: Path) -> tuple[Record, str]:
    """The record in a file as far as it can be read, and why no further, in a sentence; empty where all of it is read.

    Raises RecordError where even the header cannot be.
    """
    with opened(path) as file:
        record, problem = take_as_far(file, str(path), LINE_LIMIT)
    return record, "" if problem is None else str(problem)


def _take(file: BinaryIO, name: str, line_limit: int) -> Record:
    record, problem = take_as_far(file, name, line_limit)
    if problem is not None:
        raise problem
    return record


class Journal:
    """Appends to one file: each event is with the operating system before `append` returns, and soon on the disk."""

    def __init__(self, path: Path, descriptor: int, started: str, sync: Callable[[int], None] = sync_file) -> None:
        self.path = path
        self.mended: list[str] = []
        """What was changed in the file before it went on, in sentences."""
        self._file: int | None = descriptor
        self._size = os.fstat(descriptor).st_size
        """Bytes, as far as this journal wrote or found them."""
        self._syncing = Syncing(lambda: sync(descriptor))
        since = time.time() - datetime.fromisoformat(started).timestamp()
        self._began = time.monotonic() - max(since, 0.0)  # The clock may have been set back, or be far off.

    @classmethod
    def create(cls, path: Path, header: Header) -> "Journal":
        """A new file that only its owner may read. Raises RecordError, also where the file exists."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        except ValueError as error:
            raise RecordError("The name of a record cannot hold the character of the code 0.") from error
        except OSError as error:
            named = isinstance(error, FileExistsError | IsADirectoryError)
            if named and path.is_dir():
                raise RecordError(f"The record {path} cannot be written: it is a folder.") from error
            if named and path.exists():
                raise RecordError(
                    f"The record {path} exists already and is not overwritten. Choose another name, or go on with it: "
                    f"token-explorer resume {path}"
                ) from error
            raise RecordError(f"The record {path} cannot be written: {reason(error)}.") from error
        journal = cls(path, descriptor, header.started)
        try:
            mending.lock(descriptor)
            journal._put(header)
            sync_folder(path.parent)
        except OSError as error:
            journal._drop()
            path.unlink(missing_ok=True)  # Its name is free for another try.
            raise RecordError(f"The record {path} cannot be written: {reason(error)}.") from error
        return journal

    @classmethod
    def reopen(cls, path: Path, record: Record) -> "Journal":
        """Go on with a file that was read. Raises RecordError, also where it was changed since.

        A torn last line is moved to FILE.torn; a record of an older version is kept as FILE.v1, since what is added to
        it is of the present one.
        """
        mended = []
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
            try:
                mending.lock(descriptor)
                if not mending.unchanged(path, descriptor, record.size + len(record.torn)):
                    raise RecordError(f"The record {path} was changed while it was being opened. Resume it again.")
                if record.torn:
                    aside = mending.cut(path, record.size, record.torn)
                    mended.append(f"The last line of {path} was torn: it was cut off, and is kept in {aside}.")
                if record.header.version != VERSION:
                    descriptor, kept = mending.renew(path, descriptor, VERSION)
                    mended.append(f"The record {path} was of version {record.header.version}: it is kept as {kept}.")
            except (OSError, RecordError):
                os.close(descriptor)
                raise
        except BlockingIOError as error:
            raise RecordError(in_use(path)) from error
        except OSError as error:
            raise RecordError(f"The record {path} cannot be written: {reason(error)}.") from error
        journal = cls(path, descriptor, record.header.started)
        journal.mended = mended
        return journal

    def now(self) -> float:
        """Seconds since the start of the record."""
        return round(time.monotonic() - self._began, 3)

    def append(self, event: AnyEvent) -> None:
        """Write one event.

        Raises RecordError, also where what was written before did not come to the disk, and where the file is not as
        it was left; the file is closed then, and its last line may be torn.
        """
        if self._file is None:
            return
        self.look()
        try:
            if self._syncing.fault is not None:
                raise self._syncing.fault
            self._put(event)
        except OSError as error:
            self._drop()
            raise RecordError(f"The record {self.path} cannot be written any more: {reason(error)}.") from error

    def look(self) -> None:
        """Raises RecordError where another program took the file away or changed it; it is closed then, as it is."""
        if self._file is None:
            return
        try:
            ours = os.fstat(self._file)
            if not stat.S_ISREG(ours.st_mode):
                return
            named = self.path.stat()
        except FileNotFoundError:
            fault = "is gone: it was deleted or moved while the walk went on"
        except OSError as error:
            fault = f"cannot be found any more: {reason(error)}"
        else:
            if not os.path.samestat(ours, named):
                fault = "is another file now: something else was put in its place"
            elif ours.st_size != self._size:
                fault = f"was changed by another program: it has {ours.st_size:,} bytes in place of {self._size:,}"
            else:
                return
        self._drop()
        raise RecordError(f"The record {self.path} {fault}.")

    def _put(self, line: Header | AnyEvent) -> None:
        assert self._file is not None
        data = _encode(line) + b"\n"
        while data:
            written = os.write(self._file, data)
            self._size += written
            data = data[written:]
        self._syncing.touch()

    @property
    def open(self) -> bool:
        return self._file is not None

    def close(self) -> None:
        """Raises RecordError where not everything came to the disk; the file is closed all the same."""
        if self._file is None:
            return
        self._drop()
        if self._syncing.fault is not None:
            why = reason(self._syncing.fault)
            raise RecordError(f"The end of the record {self.path} may not be on the disk: {why}.")

    def _drop(self) -> None:
        descriptor, self._file = self._file, None
        self._syncing.close()
        if descriptor is not None:
            os.close(descriptor)


def write_copy(path: Path, header: Header, events: Iterable[AnyEvent]) -> None:
    """A whole record in a new file. Raises RecordError."""
    journal = Journal.create(path, msgspec.structs.replace(header, version=VERSION))
    try:
        for event in events:
            journal.append(event)
        journal.close()
    except RecordError:
        path.unlink(missing_ok=True)  # Half a copy is none, and its name is free for another try.
        raise


def is_open(path: Path) -> bool:
    """Whether an explorer writes the record just now. Raises RecordError."""
    with opened(path) as file:
        return mending.locked(file.fileno())


def in_use(path: Path) -> str:
    """That another explorer has the record."""
    return f"The record {path} is open in another explorer. Close it there first."
