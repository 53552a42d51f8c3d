"""The record: a header and events as JSON lines, append-only.

Owns its reading and its writing; a torn last line is tolerated. Must not know what the events do.
"""

import contextlib
import os
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from explorer.core.events import FORMAT, READABLE, VERSION, AnyEvent, Header
from explorer.errors import RecordError

_decode_event = msgspec.json.Decoder(AnyEvent).decode
_decode_header = msgspec.json.Decoder(Header).decode
_encode = msgspec.json.Encoder().encode


class Record(msgspec.Struct, frozen=True):
    """What a file holds."""

    header: Header
    events: list[AnyEvent]
    torn: bytes = b""
    """The beginning of a last line that was not finished."""
    size: int = 0
    """Bytes of the file without the torn line."""


def parse(data: bytes, name: str = "the record") -> Record:
    """The record in the bytes. Raises RecordError, which names the line, for anything but a torn last line."""
    whole, newline, torn = data.rpartition(b"\n")
    lines = whole.split(b"\n") if newline else []
    if not lines:
        raise RecordError(f"{name} has no header: it is empty or was cut off. It cannot be resumed.")
    header = _header(lines[0], name)
    events = []
    for number, line in enumerate(lines[1:], 2):
        try:
            events.append(_decode_event(line))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise RecordError(f"Line {number} of {name} is not an event of a record: {error}.") from error
    return Record(header, events, torn, len(data) - len(torn))


def _header(line: bytes, name: str) -> Header:
    try:
        said: Any = msgspec.json.decode(line)
        if not isinstance(said, dict) or said.get("format") != FORMAT:
            raise RecordError(f"{name} is not a record of the token explorer: its first line is no header.")
        if said.get("version") not in READABLE:
            raise RecordError(
                f"{name} has version {said.get('version')!r} of the record; this program reads up to {VERSION}. "
                "Install a newer version of token-explorer."
            )
        return _decode_header(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RecordError(f"{name} is not a record of the token explorer: line 1: {error}.") from error


def read(path: Path) -> Record:
    """The record in a file. Raises RecordError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordError(f"The record {path} cannot be read: {reason(error)}.") from error
    return parse(data, str(path))


class Journal:
    """Appends to one file: each event is with the operating system before `append` returns."""

    def __init__(self, path: Path, descriptor: int, started: str) -> None:
        self.path = path
        self._file: int | None = descriptor
        self._began = time.monotonic() - (time.time() - datetime.fromisoformat(started).timestamp())

    @classmethod
    def create(cls, path: Path, header: Header) -> "Journal":
        """A new file that only its owner may read. Raises RecordError, also where the file exists."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            _lock(descriptor)
        except OSError as error:
            if path.exists():
                raise RecordError(
                    f"The record {path} exists already and is not overwritten. Choose another name, or go on with it: "
                    f"token-explorer resume {path}"
                ) from error
            raise RecordError(f"The record {path} cannot be written: {reason(error)}.") from error
        journal = cls(path, descriptor, header.started)
        journal._write(header)
        return journal

    @classmethod
    def reopen(cls, path: Path, record: Record) -> "Journal":
        """Go on with a file that was read. A torn last line is moved to FILE.torn, so that nothing is lost."""
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
            try:
                _lock(descriptor)
                if record.torn:
                    aside = os.open(f"{path}.torn", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                    with open(aside, "ab") as file:
                        file.write(record.torn + b"\n")
                    os.truncate(path, record.size)
            except OSError:
                os.close(descriptor)
                raise
        except BlockingIOError as error:
            raise RecordError(f"The record {path} is open in another explorer. Close it there first.") from error
        except OSError as error:
            raise RecordError(f"The record {path} cannot be written: {reason(error)}.") from error
        return cls(path, descriptor, record.header.started)

    def now(self) -> float:
        """Seconds since the start of the record."""
        return round(time.monotonic() - self._began, 3)

    def append(self, event: AnyEvent) -> None:
        """Write one event. Raises RecordError, after which the file is closed: its last line may be torn."""
        self._write(event)

    def _write(self, line: Header | AnyEvent) -> None:
        if self._file is None:
            return
        data = _encode(line) + b"\n"
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            self.close()
            raise RecordError(f"The record {self.path} cannot be written any more: {reason(error)}.") from error

    @property
    def open(self) -> bool:
        return self._file is not None

    def close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):  # What was written is with the system already.
                os.close(self._file)
            self._file = None


def write_copy(path: Path, header: Header, events: Sequence[AnyEvent]) -> None:
    """A whole record in a new file. Raises RecordError."""
    journal = Journal.create(path, header)
    try:
        for event in events:
            journal.append(event)
    except RecordError:
        path.unlink(missing_ok=True)  # Half a copy is none, and its name is free for another try.
        raise
    finally:
        journal.close()


def _lock(descriptor: int) -> None:
    """Keep the file for this process until it is closed. Raises BlockingIOError where another one has it."""
    with contextlib.suppress(ImportError):  # Windows has no fcntl, and no lock.
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def reason(error: OSError) -> str:
    """The system's words for it, in lower case: `no space left on device`."""
    words = error.strerror or str(error)
    return words[:1].lower() + words[1:]
