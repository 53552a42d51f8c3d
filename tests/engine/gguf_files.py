"""Small GGUF files, as the package gguf writes them."""

from pathlib import Path
from typing import Any

import gguf
import numpy as np

WEIGHTS = {"token_embd.weight": (4, 32), "output_norm.weight": (32,)}


def write_gguf(
    path: Path, architecture: str = "llama", *, weights: bool = True, file_type: int | None = None, **metadata: Any
) -> Path:
    """A file with so many weights, a short vocabulary and metadata; `__` in a name is a dot."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, architecture)
    for name, value in metadata.items():
        key = name.replace("__", ".")
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
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([f"token {number}" for number in range(4)])
    if file_type is not None:
        writer.add_file_type(file_type)
    for name, shape in WEIGHTS.items() if weights else ():
        writer.add_tensor(name, np.ones(shape, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
