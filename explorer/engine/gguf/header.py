"""The header of a GGUF file: everything before the weights, in a fraction of a second for any size of file.

Owns the order of its parts, versions 2 and 3, after the specification (docs/gguf.md of ggml). A file that is cut off or
broken is told so in a sentence. The package gguf reads the same, in Python objects for every token of a vocabulary,
which takes seconds. Must not know what the keys mean beyond the name of the architecture.
"""

import mmap
import os
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

from explorer.core.reading import reason
from explorer.core.token import visible
from explorer.engine.gguf.cursor import (
    ARCHITECTURE,
    ARRAY,
    LONG,
    LONGEST,
    MAGIC,
    NUMBERS,
    TEXT,
    Cursor,
    add,
    begin,
    broken,
    check_architecture,
    opened,
)
from explorer.errors import ModelError

ALIGNMENT = 32
"""Of the weights in the file, unless `general.alignment` says otherwise."""

MOST_ALIGNMENT = 1 << 20
"""Bytes; every known file has 32, or a few times that."""

MOST_DIMENSIONS = 8


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
    order: str
    """Of the bytes of a number, as struct writes it: `<` or `>`."""

    @property
    def architecture(self) -> str:
        """What llama.cpp calls the family of the model: `llama`, `qwen3`, `gemma3`."""
        return str(self.metadata[ARCHITECTURE])

    @property
    def parameters(self) -> int:
        """How many numbers the tensors hold."""
        return sum(prod(tensor.shape) for tensor in self.tensors)


def is_gguf(path: Path) -> bool:
    """Whether a file begins as GGUF does, whatever it is called; False for what cannot be read, and for no file."""
    try:
        if not path.is_file():  # A pipe would be waited for.
            return False
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except (OSError, ValueError):
        return False


def read_header(path: Path, vocabulary: bool = True) -> Header:
    """The header of a file; without `vocabulary`, long arrays are left out of it, which takes half of the time.

    Raises ModelError for a file that is no GGUF, is cut off or broken, or cannot be read.
    """
    with opened(path) as file:
        try:
            size = min(os.fstat(file.fileno()).st_size, LONGEST)
            with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as content:
                return _read(path, content, vocabulary)
        except OSError as error:
            raise ModelError(f"{path} cannot be read: {reason(error)}.") from error


def _read(path: Path, content: mmap.mmap, vocabulary: bool) -> Header:
    cursor, tensors, pairs = begin(path, content)
    metadata: dict[str, Any] = {}
    for _ in range(pairs):
        key = cursor.text()
        (kind,) = cursor.take("I")
        inner, count = cursor.array_head() if kind == ARRAY and not vocabulary else (kind, 0)
        if count > LONG and (inner in NUMBERS or inner == TEXT):
            cursor.pass_array()
        else:
            add(path, metadata, key, cursor.value(kind))
    check_architecture(path, metadata)
    table = tuple(_tensor(path, cursor) for _ in range(tensors))
    alignment = metadata.get("general.alignment", ALIGNMENT)
    if isinstance(alignment, bool) or not isinstance(alignment, int) or not 0 < alignment <= MOST_ALIGNMENT:
        raise broken(path, f"its general.alignment is {visible(str(alignment))[:40]}")
    return Header(path, metadata, table, -(-cursor.at // alignment) * alignment, cursor.order)


def _tensor(path: Path, cursor: Cursor) -> Tensor:
    name = cursor.text()
    (dimensions,) = cursor.take("I")
    if dimensions > MOST_DIMENSIONS:
        raise broken(path, f"its tensor {visible(name)[:80]} has {dimensions} dimensions")
    shape = cursor.take(f"{dimensions}Q")
    kind, offset = cursor.take("IQ")
    return Tensor(name, tuple(reversed(shape)), kind, offset)
