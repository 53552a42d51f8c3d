"""Small GGUF files, as the package gguf writes them, and changed at random."""

import random
import struct
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from tests.fuzzing import changed_bytes

WEIGHTS = {"token_embd.weight": (4, 32), "output_norm.weight": (32,)}


def write_gguf(
    path: Path, architecture: str = "llama", *, weights: bool = True, file_type: int | None = None, **metadata: Any
) -> Path:
    """A file with so many weights, a short vocabulary and metadata; `__` in a name is a dot."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, architecture)
    for name, value in metadata.items():
        add_value(writer, name.replace("__", "."), value)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([f"token {number}" for number in range(4)])
    if file_type is not None:
        writer.add_file_type(file_type)
    for name, shape in WEIGHTS.items() if weights else ():
        writer.add_tensor(name, np.ones(shape, np.float32))
    finish(writer)
    return path


def add_value(writer: gguf.GGUFWriter, key: str, value: Any) -> None:
    """A pair, whose type is that of the value; a list has that of its first."""
    match value:
        case bool():
            writer.add_bool(key, value)
        case int():
            writer.add_uint32(key, value)
        case float():
            writer.add_float32(key, value)
        case str():
            writer.add_string(key, value)
        case _:
            writer.add_array(key, value)


def finish(writer: gguf.GGUFWriter) -> None:
    """Write the file."""
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


NUMBERS = (0, 1, 2**31, 2**32 - 1, 2**60, 2**63, 2**64 - 1)


def changed(data: bytes, chance: random.Random) -> bytes:
    """As `changed_bytes` does it, or with a number of eight or of four bytes in place of others."""
    if chance.random() < 0.4:
        return changed_bytes(data, chance)
    for _ in range(chance.choice((1, 1, 2, 3))):
        place, form = chance.randrange(len(data) - 8), chance.choice(("<Q", "<I"))
        number = struct.pack(form, chance.choice(NUMBERS) & (2**64 - 1 if form == "<Q" else 2**32 - 1))
        data = data[:place] + number + data[place + len(number) :]
    return data if chance.random() < 0.9 else data[: chance.randrange(len(data))]
