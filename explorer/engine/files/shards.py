"""Shards: several files of weights that make one model, and whether they agree.

Owns the case in which a weight is in two of them: transformers takes the last that it reads, and not the one that the
index names. Must not know torch.
"""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from explorer.engine.files import checkpoint

CHUNK = 1 << 22
"""Bytes that are compared at once."""


def why_ambiguous(folder: Path, files: Sequence[str]) -> str:
    """A sentence about the first weight that two safetensors files hold with other values; "" where there is none.

    A file that cannot be read is left to whoever loads it. Raises OSError.
    """
    known: dict[str, tuple[str, dict[str, Any]]] = {}
    for file in files:
        try:
            head = checkpoint.head(folder / file)
        except (ValueError, RecursionError, struct.error):
            continue
        for name, entry in head.items():
            if name == "__metadata__" or not isinstance(entry, dict):
                continue
            before, other = known.setdefault(name, (file, entry))
            if before != file and not _are_equal(folder / before, other, folder / file, entry):
                return (
                    f"{before} and {file} in {folder} both hold the weight {name}, with other values, so that nothing "
                    "tells which holds. Download the model again."
                )
    return ""


def _are_equal(one: Path, entry: dict[str, Any], other: Path, other_entry: dict[str, Any]) -> bool:
    if [entry.get(key) for key in ("dtype", "shape")] != [other_entry.get(key) for key in ("dtype", "shape")]:
        return False
    with one.open("rb") as first, other.open("rb") as second:
        try:
            begin, end = _place(first, entry)
            other_begin, other_end = _place(second, other_entry)
        except (KeyError, TypeError, ValueError, struct.error):  # Of a broken head, which the loading tells of.
            return True
        within = 0 <= begin <= end <= one.stat().st_size and 0 <= other_begin <= other_end <= other.stat().st_size
        if not within or end - begin != other_end - other_begin:
            return True
        first.seek(begin)
        second.seek(other_begin)
        sizes = (min(CHUNK, end - place) for place in range(begin, end, CHUNK))
        return all(first.read(size) == second.read(size) for size in sizes)


def _place(stream: BinaryIO, entry: dict[str, Any]) -> tuple[int, int]:
    """Where the bytes of a weight begin and end in its file."""
    (length,) = struct.unpack("<Q", stream.read(8))
    begin, end = entry["data_offsets"]
    return 8 + length + int(begin), 8 + length + int(end)
