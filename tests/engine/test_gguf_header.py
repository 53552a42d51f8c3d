"""The header of a GGUF file, against what the package gguf writes."""

from typing import Any

import gguf
import numpy as np
import pytest

from explorer.engine.gguf.header import is_gguf, read_header
from explorer.errors import ModelError

VALUES: dict[str, Any] = {
    "x.uint8": 7,
    "x.int64": -(2**40),
    "x.float32": 0.5,
    "x.bool": True,
    "x.text": "한국어 ▁",
    "x.texts": ["a", "", "▁the"],
    "x.numbers": [1, 2, 3],
    "x.floats": [0.25, -1.5],
}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "small.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_uint8("x.uint8", VALUES["x.uint8"])
    writer.add_int64("x.int64", VALUES["x.int64"])
    writer.add_float32("x.float32", VALUES["x.float32"])
    writer.add_bool("x.bool", VALUES["x.bool"])
    writer.add_string("x.text", VALUES["x.text"])
    for name in ("x.texts", "x.numbers", "x.floats"):
        writer.add_array(name, VALUES[name])
    writer.add_tensor("token_embd.weight", np.ones((4, 32), np.float32))
    writer.add_tensor("output_norm.weight", np.ones((32,), np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_everything_before_the_weights_is_read_as_the_package_gguf_wrote_it(file):
    header = read_header(file)
    assert header.architecture == "llama"
    assert {name: header.metadata[name] for name in VALUES} == VALUES
    assert header.parameters == 4 * 32 + 32


def test_the_tensors_lie_where_the_package_gguf_finds_them(file):
    header, theirs = read_header(file), gguf.GGUFReader(file)
    assert header.weights_start == theirs.data_offset
    for ours, other in zip(header.tensors, theirs.tensors, strict=True):
        assert (ours.name, list(reversed(ours.shape)), ours.kind) == (other.name, list(other.shape), other.tensor_type)
        assert header.weights_start + ours.offset == other.data_offset


def test_a_file_of_the_other_byte_order_is_read_too(tmp_path):
    path = tmp_path / "big.gguf"
    writer = gguf.GGUFWriter(path, "llama", endianess=gguf.GGUFEndian.BIG)
    writer.add_array("x.numbers", [1, 2, 3])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    assert read_header(path).metadata["x.numbers"] == [1, 2, 3]


def test_a_file_is_known_by_how_it_begins_whatever_it_is_called(file, tmp_path):
    other = file.rename(tmp_path / "sha256-1234")
    assert is_gguf(other)
    assert not is_gguf(tmp_path / "nothing")
    assert not is_gguf(tmp_path)


def test_a_file_that_is_cut_off_anywhere_in_its_header_says_so(file, tmp_path):
    whole, cut = file.read_bytes(), tmp_path / "cut.gguf"
    for length in range(4, read_header(file).weights_start - 32):
        cut.write_bytes(whole[:length])
        with pytest.raises(ModelError, match="is a broken GGUF file"):
            read_header(cut)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"GGML" + bytes(40), "does not begin as a GGUF file does"),
        (b"GGUF\x01\0\0\0" + bytes(40), "is of version 1 of GGUF"),
        (b"GGUF\x03\0\0\0" + b"\xff" * 16 + bytes(40), "is a broken GGUF file"),
        (b"GGUF\x03\0\0\0" + bytes(16), "does not say its general.architecture"),
    ],
)
def test_what_is_no_gguf_is_told_what_it_is(tmp_path, content, said):
    path = tmp_path / "x.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=said):
        read_header(path)
