"""The header of a GGUF file: everything before the weights, in a fraction of a second for any size of file.

Owns the layout of the format, versions 2 and 3, after its specification (docs/gguf.md of ggml). A file that is cut off
or broken is told so in a sentence. The package gguf reads the same, in Python objects for every token of a vocabulary,
which takes seconds. Must not know what the keys mean beyond the name of the architecture.
"""

import mmap
import struct
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

from explorer.core.reading import reason
from explorer.core.token import visible
from explorer.errors import ModelError

MAGIC = b"GGUF"
VERSIONS = (2, 3)
ALIGNMENT = 32
"""Of the weights in the file, unless `general.alignment` says otherwise."""

ARCHITECTURE = "general.architecture"

NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""Type of a value in the file -> its format for struct, without the byte order."""
TEXT, ARRAY = 8, 9

MOST_DIMENSIONS = 8
NESTING = 4
"""Arrays within arrays, at most; no known key has any."""


class Tensor(NamedTuple):
    """Where one tensor lies, and how it is stored."""

    name: str
    shape: tuple[int, ...]
    """As torch has it: the dimension that changes fastest is the last."""
    kind: int
    """The number of a ggml type: gguf.GGMLQuantizationType."""
    offset: int
    """Bytes from the start of the weights."""


class Header(NamedTuple):
    """What a file says before its weights."""

    path: Path
    metadata: dict[str, Any]
    tensors: tuple[Tensor, ...]
    weights_start: int
    """The first byte of the weights in the file."""

    @property
    def architecture(self) -> str:
        """What llama.cpp calls the family of the model: `llama`, `qwen3`, `gemma3`."""
        return str(self.metadata[ARCHITECTURE])

    @property
    def parameters(self) -> int:
        """How many numbers the tensors hold."""
        return sum(prod(tensor.shape) for tensor in self.tensors)


def is_gguf(path: Path) -> bool:
    """Whether a file begins as GGUF does, whatever it is called; False for what cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except (OSError, ValueError):
        return False


def read_header(path: Path) -> Header:
    """The header of a file. Raises ModelError for one that is no GGUF, is cut off or broken, or cannot be read."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return _read(path, content)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {reason(error)}.") from error
    except ValueError as error:  # What is empty cannot be mapped.
        raise ModelError(f"{path} is empty: a copy or a download was cut off. Fetch it again.") from error


def _read(path: Path, content: mmap.mmap) -> Header:
    if content[: len(MAGIC)] != MAGIC:
        raise ModelError(f"{path} does not begin as a GGUF file does. Download it again.")
    if len(content) < 24:
        raise _broken(path, "it ends in its first line")
    order = "<" if content[4:6] != b"\0\0" else ">"  # A version is a small number.
    cursor = _Cursor(path, content, order)
    (version,) = cursor.take("I")
    if version not in VERSIONS:
        raise ModelError(
            f"{path} is of version {version} of GGUF, and the explorer reads {' and '.join(map(str, VERSIONS))}. "
            "Convert it with a current llama.cpp, or download a newer file of the model."
        )
    tensors, pairs = cursor.take("QQ")
    metadata: dict[str, Any] = {}
    for _ in range(pairs):
        key = cursor.text()
        (kind,) = cursor.take("I")
        metadata[key] = cursor.value(kind)
    if not isinstance(metadata.get(ARCHITECTURE), str):
        raise _broken(path, f"it does not say its {ARCHITECTURE}")
    table = tuple(cursor.tensor() for _ in range(tensors))
    alignment = metadata.get("general.alignment", ALIGNMENT)
    if not isinstance(alignment, int) or alignment <= 0:
        raise _broken(path, f"its general.alignment is {visible(str(alignment))[:40]}")
    return Header(path, metadata, table, -(-cursor.at // alignment) * alignment)


def _broken(path: Path, why: str) -> ModelError:
    return ModelError(f"{path} is a broken GGUF file: {why}. Download it again.")


class _Cursor:
    """Reads a file from its beginning on, and never behind its end."""

    def __init__(self, path: Path, content: mmap.mmap, order: str) -> None:
        self._path, self._content, self._order = path, content, order
        self.at = len(MAGIC)

    def take(self, form: str) -> tuple[Any, ...]:
        """Numbers of a format of struct."""
        try:
            values = struct.unpack_from(self._order + form, self._content, self.at)
        except struct.error as error:
            raise self._cut_off() from error
        self.at += struct.calcsize(self._order + form)
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
            raise _broken(self._path, f"it holds a value of the unknown type {kind} at byte {self.at}")
        inner, count = self.take("IQ")
        if inner in NUMBERS:
            self._need(count * struct.calcsize("=" + NUMBERS[inner]))
            return list(self.take(f"{count}{NUMBERS[inner]}"))
        self._need(8 * count)  # Each text begins with its length, and each list with more.
        return [self.value(inner, depth + 1) for _ in range(count)]

    def tensor(self) -> Tensor:
        name = self.text()
        (dimensions,) = self.take("I")
        if dimensions > MOST_DIMENSIONS:
            raise _broken(self._path, f"its tensor {visible(name)[:80]} has {dimensions} dimensions")
        shape = self.take(f"{dimensions}Q")
        kind, offset = self.take("IQ")
        return Tensor(name, tuple(reversed(shape)), kind, offset)

    def _need(self, count: int) -> None:
        if count > len(self._content) - self.at:
            raise self._cut_off()

    def _cut_off(self) -> ModelError:
        return _broken(self._path, "it ends before its header does")
