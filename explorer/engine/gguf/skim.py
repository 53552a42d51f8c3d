"""What a GGUF file says of itself before its vocabulary: enough for a list, in the same time for any vocabulary.

Must not know what the keys mean beyond the name of the architecture.
"""

import os
import struct
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from explorer.core.reading import reason
from explorer.engine.gguf.cursor import (
    ARCHITECTURE,
    ARRAY,
    LONG,
    LONGEST,
    NUMBERS,
    Cursor,
    CutOff,
    add,
    begin,
    check_architecture,
    opened,
)
from explorer.engine.gguf.header import read_header
from explorer.errors import ModelError

PIECES = (1 << 16, 1 << 20, 1 << 24, LONGEST)
"""Bytes that `skim` reads of a file, until they hold what comes before its vocabulary."""

FILE_TYPE = "general.file_type"
"""How the weights are stored; what llama-quantize has written says so behind the vocabulary."""

BEHIND = 1 << 25
"""Bytes in which `skim` looks for that."""


class Skimmed(NamedTuple):
    """What a file says before its vocabulary."""

    metadata: dict[str, Any]
    tensors: int
    """How many there are."""


def skim(path: Path) -> Skimmed:
    """The metadata of a file up to its vocabulary, without long lists. Raises ModelError.

    Without a map of the file in memory, which would end this process where another one makes the file shorter.
    """
    with opened(path) as file:
        try:
            return _skimmed(path, file, os.fstat(file.fileno()).st_size)
        except OSError as error:
            raise ModelError(f"{path} cannot be read: {reason(error)}.") from error


def _skimmed(path: Path, file: BinaryIO, size: int) -> Skimmed:
    for length in PIECES:
        file.seek(0)
        cursor, tensors, pairs = begin(path, file.read(length))
        try:
            metadata, whole = _brief(path, cursor, pairs)
        except CutOff:
            if length >= size or length == LONGEST:
                raise
            continue
        if ARCHITECTURE not in metadata and not whole:
            return Skimmed(read_header(path).metadata, tensors)
        check_architecture(path, metadata)
        if not whole and FILE_TYPE not in metadata and (kind := _behind(file, cursor)) is not None:
            metadata[FILE_TYPE] = kind
        return Skimmed(metadata, tensors)
    raise CutOff(path)


def _brief(path: Path, cursor: Cursor, pairs: int) -> tuple[dict[str, Any], bool]:
    """The pairs up to the first long list of texts, and whether these are all."""
    metadata: dict[str, Any] = {}
    for _ in range(pairs):
        key = cursor.text()
        (kind,) = cursor.take("I")
        inner, count = cursor.array_head() if kind == ARRAY else (kind, 0)
        if count <= LONG:
            add(path, metadata, key, cursor.value(kind))
        elif inner in NUMBERS:
            cursor.pass_array()
        else:
            return metadata, False
    return metadata, True


def _behind(file: BinaryIO, cursor: Cursor) -> int | None:
    """The kind of the weights where it stands behind the vocabulary; None where it is not found."""
    key = struct.pack(cursor.order + "Q", len(FILE_TYPE)) + FILE_TYPE.encode() + struct.pack(cursor.order + "I", 4)
    file.seek(cursor.at)
    tail = b""
    for _ in range(BEHIND // PIECES[1]):
        piece = file.read(PIECES[1])
        found = (tail + piece).partition(key)[2]
        if len(found) >= 4:
            return int(struct.unpack(cursor.order + "I", found[:4])[0])
        if len(piece) < PIECES[1]:
            return None
        tail = piece[-len(key) - 4 :]
    return None
