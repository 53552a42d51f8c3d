"""Cursor: reads what a GGUF file begins with, value by value, and never behind its end.

Owns the layout of the values, and the limits that keep a hostile file from taking all time or memory. Must not know
what the values mean, beyond the name of the architecture.
"""

import mmap
import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from explorer.core.reading import reason
from explorer.core.token import visible
from explorer.errors import ModelError

MAGIC = b"GGUF"
VERSIONS = (2, 3)
ARCHITECTURE = "general.architecture"
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""How an architecture is called."""

NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""Type of a value in the file -> its format for struct, without the byte order."""
TEXT, ARRAY = 8, 9

NESTING = 4
"""Arrays within arrays, at most; no known key has any."""

LONGEST = 1 << 28
"""Bytes of a header, at most. That of a vocabulary of 262,000 tokens has 16 million."""

MOST_ENTRIES = 1 << 23
"""Of all lists together. The largest vocabulary with its merges has a sixth of it."""

LONG = 1024
"""Entries of an array, above which it is a vocabulary."""

MOST = {"tensors": 1 << 20, "keys": 1 << 16}
"""Of a file."""


def broken(path: Path, why: str) -> ModelError:
    """The error for a file that is not what it should be; `why` goes after a colon."""
    return ModelError(f"{path} is a broken GGUF file: {why}. Download it again.")


def opened(path: Path) -> BinaryIO:
    """A file that is there and not empty, to be read. Raises ModelError."""
    try:
        if not path.is_file():
            there = path.exists()
            raise ModelError(f"{path} is no file. Give the GGUF file itself." if there else f"There is no file {path}.")
        file = path.open("rb")
        if not os.fstat(file.fileno()).st_size:
            file.close()
            raise ModelError(f"{path} is empty: a copy or a download was cut off. Fetch it again.")
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise ModelError(f"{path} cannot be read: {why}.") from error
    return file


def begin(path: Path, content: bytes | mmap.mmap) -> tuple["Cursor", int, int]:
    """A cursor behind the first line of a file, and how many tensors and pairs there are."""
    if content[: len(MAGIC)] != MAGIC:
        raise ModelError(f"{path} does not begin as a GGUF file does. Download it again.")
    if len(content) < 24:
        raise broken(path, "it ends in its first line")
    order = "<" if content[4:6] != b"\0\0" else ">"  # A version is a small number.
    cursor = Cursor(path, content, order)
    (version,) = cursor.take("I")
    if version not in VERSIONS:
        raise ModelError(
            f"{path} is of version {version} of GGUF, and the explorer reads {' and '.join(map(str, VERSIONS))}. "
            "Convert it with a current llama.cpp, or download a newer file of the model."
        )
    tensors, pairs = cursor.take("QQ")
    for what, count in (("tensors", tensors), ("keys", pairs)):
        if count > MOST[what]:
            raise broken(path, f"it speaks of {count:,} {what}")
    return cursor, tensors, pairs


def add(path: Path, metadata: dict[str, Any], key: str, value: Any) -> None:
    """Take in a pair. Raises ModelError for a key that is there already, as nothing tells which value holds."""
    if key in metadata:
        raise broken(path, f"it says its {visible(key)[:80]} twice")
    metadata[key] = value


def check_architecture(path: Path, metadata: dict[str, Any]) -> None:
    """Raises ModelError for a file that does not say in a word what it is."""
    name = metadata.get(ARCHITECTURE)
    if name is None and metadata.get("general.type") == "imatrix":
        raise ModelError(f"{path} is an importance matrix, which llama.cpp uses to quantise, and no model.")
    if not isinstance(name, str):
        raise broken(path, f"it does not say its {ARCHITECTURE}")
    if not WORD.fullmatch(name):
        raise broken(path, f"its {ARCHITECTURE} is “{visible(name)[:40]}”")


class CutOff(ModelError):
    """The content ends before the header does."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(broken(path, "it ends before its header does")))


class Cursor:
    """Reads a file from its beginning on, and never behind its end."""

    def __init__(self, path: Path, content: bytes | mmap.mmap, order: str) -> None:
        self._path, self._content, self.order = path, content, order
        self.at = len(MAGIC)
        self._left = MOST_ENTRIES

    def take(self, form: str) -> tuple[Any, ...]:
        """Numbers of a format of struct."""
        try:
            values = struct.unpack_from(self.order + form, self._content, self.at)
        except struct.error as error:
            raise CutOff(self._path) from error
        self.at += struct.calcsize(self.order + form)
        return values

    def text(self) -> str:
        """A length in bytes, and a text in UTF-8; bytes that are none stay as surrogates, as Python reads paths."""
        (length,) = self.take("Q")
        self._need(length)
        start, self.at = self.at, self.at + length
        return self._content[start : self.at].decode("utf-8", "surrogateescape")

    def value(self, kind: int, depth: int = 0) -> Any:
        """A number, a text, or a list of such."""
        if kind in NUMBERS:
            return self.take(NUMBERS[kind])[0]
        if kind == TEXT:
            return self.text()
        if kind != ARRAY or depth > NESTING:
            raise broken(self._path, f"it holds a value of the unknown type {kind} at byte {self.at}")
        inner, count = self.take("IQ")
        self._count(count)
        if inner in NUMBERS:
            self._need(count * struct.calcsize("=" + NUMBERS[inner]))
            return list(self.take(f"{count}{NUMBERS[inner]}"))
        self._need(8 * count)  # Each text begins with its length, and each list with more.
        if inner == TEXT:
            content = self._content
            return [content[start:end].decode("utf-8", "surrogateescape") for start, end in self._texts(count)]
        return [self.value(inner, depth + 1) for _ in range(count)]

    def _texts(self, count: int) -> Iterator[tuple[int, int]]:
        """Where so many texts begin and end. Most of a header is these, so that this loop is nearly all of its time."""
        unpack, content, at, length = struct.Struct(f"{self.order}Q").unpack_from, self._content, self.at, 0
        for _ in range(count):
            try:
                (length,) = unpack(content, at)
            except struct.error as error:
                raise CutOff(self._path) from error
            start = at + 8
            at = start + length
            if at > len(content):
                raise CutOff(self._path)
            yield start, at
        self.at = at

    def array_head(self) -> tuple[int, int]:
        """The type of the entries of an array, and how many there are; nothing is passed over."""
        at = self.at
        inner, count = self.take("IQ")
        self.at = at
        return inner, count

    def pass_array(self) -> None:
        """Go on behind an array of numbers or texts."""
        inner, count = self.take("IQ")
        self._count(count)
        if inner == TEXT:
            for _ in self._texts(count):
                pass
        else:
            length = count * struct.calcsize("=" + NUMBERS[inner])
            self._need(length)
            self.at += length

    def _count(self, count: int) -> None:
        if count > self._left:
            raise broken(self._path, f"it holds a list of {count:,} entries")
        self._left -= count

    def _need(self, count: int) -> None:
        if count > len(self._content) - self.at:
            raise CutOff(self._path)
