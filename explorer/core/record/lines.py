"""Lines: the header and the events of a record, out of the JSON lines that they are written in.

Owns how long a line may be, and the sentence for one that is none of a record. Must not know what the events do, nor
how a record is written.
"""

import codecs
from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from explorer.core.reading import reason
from explorer.core.record.events import FORMAT, READABLE, VERSION, AnyEvent, Header
from explorer.core.record.record import Record
from explorer.errors import RecordError

decode_event = msgspec.json.Decoder(AnyEvent).decode
_decode_header = msgspec.json.Decoder(Header).decode

NOT_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What the decoding raises for a line that is none of a record."""

LINE_LIMIT = 2**28
"""Bytes of a line: the numbers of a prompt of a million tokens take a quarter of it."""

HEADER_LIMIT = 2**20


def take_as_far(file: BinaryIO, name: str, line_limit: int) -> tuple[Record, RecordError | None]:
    """What can be read, and what stands in the way of more."""
    head = file.readline(HEADER_LIMIT)
    header = read_header(head, name)
    events: list[AnyEvent] = []
    size, torn = len(head), b""
    try:
        for number, line in enumerate(_lines(file, name, line_limit), 2):
            if not line.endswith(b"\n"):
                torn = line
                break
            try:
                events.append(decode_event(line))
            except NOT_JSON as error:
                raise RecordError(f"Line {number} of {name} is not an event of a record: {fault(error)}.") from error
            size += len(line)
    except RecordError as problem:
        return Record(header, events, torn, size), problem
    return Record(header, events, torn, size), None


def _lines(file: BinaryIO, name: str, limit: int) -> Iterator[bytes]:
    """The lines after the first. Raises RecordError."""
    number = 2
    try:
        while line := file.readline(limit):
            if len(line) == limit and not line.endswith(b"\n"):
                raise RecordError(f"Line {number} of {name} is longer than {limit:,} bytes: that is no event.")
            yield line
            number += 1
    except OSError as error:
        raise RecordError(f"The record {name} cannot be read: {reason(error)}.") from error


def read_header(line: bytes, name: str) -> Header:
    """The header in the first line of a file, with its line break. Raises RecordError."""
    if not line:
        raise RecordError(f"{name} is empty: there is no walk in it.")
    if not line.endswith(b"\n"):
        begun = msgspec.json.encode({"format": FORMAT})[:-1]
        if line[: len(begun)] != begun[: len(line)] or len(line) == HEADER_LIMIT:
            raise RecordError(f"{name} is not a record of the token explorer: its first line is no header.")
        raise RecordError(f"{name} has no header: it was cut off within its first line. There is no walk in it.")
    try:
        line = line.removeprefix(codecs.BOM_UTF8)  # Of an editor that the record was saved with.
        written: Any = msgspec.json.decode(line)
        if not isinstance(written, dict) or written.get("format") != FORMAT:
            raise RecordError(f"{name} is not a record of the token explorer: its first line is no header.")
        if written.get("version") not in READABLE:
            raise RecordError(
                f"{name} has version {written.get('version')!r} of the record; this program reads up to {VERSION}. "
                "Install a newer version of token-explorer."
            )
        return _decode_header(line)
    except NOT_JSON as error:
        raise RecordError(f"{name} is not a record of the token explorer: line 1: {fault(error)}.") from error


def fault(error: Exception) -> str:
    """What is wrong with a line that cannot be decoded."""
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
