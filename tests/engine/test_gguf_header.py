"""The header of a GGUF file, against what the package gguf writes."""

import os
import re
import struct
from typing import Any

import gguf
import numpy as np
import pytest

from explorer.engine.gguf.header import is_gguf, read_header
from explorer.engine.gguf.skim import skim
from explorer.engine.gguf.tensors import check_tensors
from explorer.errors import ModelError
from tests.engine.gguf_files import finish

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
    finish(writer)
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
    finish(writer)
    assert read_header(path).metadata["x.numbers"] == [1, 2, 3]


def test_the_weights_of_the_other_byte_order_are_not_taken_for_numbers(tmp_path):
    path = tmp_path / "big.gguf"
    writer = gguf.GGUFWriter(path, "llama", endianess=gguf.GGUFEndian.BIG)
    writer.add_tensor("token_embd.weight", np.ones((4, 32), np.float32))
    finish(writer)
    with pytest.raises(ModelError, match="bytes of a number in the other order"):
        check_tensors(read_header(path))


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
        (
            b"GGUF\x03\0\0\0" + struct.pack("<QQ", 2**60, 1) + bytes(40),
            "it speaks of 1,152,921,504,606,846,976 tensors",
        ),
        (b"GGUF\x03\0\0\0" + struct.pack("<QQ", 1, 2**60) + bytes(40), "it speaks of 1,152,921,504,606,846,976 keys"),
    ],
)
def test_what_is_no_gguf_is_told_what_it_is(tmp_path, content, said):
    path = tmp_path / "x.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=said):
        read_header(path)


def written(path, *pairs, tensors=()):
    """A file with pairs of a key and the bytes of its value, as they are; `llama` unless they say otherwise."""
    if not any(key == "general.architecture" for key, _ in pairs):
        pairs = (("general.architecture", text("llama")), *pairs)
    content = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs))
    for key, value in pairs:
        content += struct.pack("<Q", len(key.encode())) + key.encode() + value
    path.write_bytes(content + b"".join(tensors))
    return path


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<IQ", 8, len(data)) + data


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([("a", struct.pack("<II", 4, 1)), ("a", struct.pack("<II", 4, 2))], "says its a twice"),
        ([("general.architecture", text("\x1b[2J"))], "general.architecture is “␛"),
        ([("general.architecture", text(b"\xff\xfe"))], "general.architecture is “"),
        ([("general.architecture", struct.pack("<II", 4, 1))], "does not say its general.architecture"),
        ([("general.alignment", struct.pack("<IQ", 10, 2**62))], "its general.alignment is 4611686018427387904"),
        ([("general.alignment", struct.pack("<II", 4, 0))], "its general.alignment is 0"),
        ([("a", struct.pack("<IIQ", 9, 8, 2**61))], "it holds a list of"),
        ([("a", struct.pack("<IIQ", 9, 9, 2**20) + struct.pack("<IQ", 0, 0) * 9)], "ends before its header does"),
        ([("a", struct.pack("<IQ", 8, 2**63))], "ends before its header does"),
        ([("a", struct.pack("<I", 77))], "a value of the unknown type 77"),
    ],
)
def test_a_header_that_makes_no_sense_is_refused_in_a_sentence(tmp_path, pairs, said):
    with pytest.raises(ModelError, match=re.escape(said)):
        read_header(written(tmp_path / "x.gguf", *pairs))


def test_lists_that_would_fill_the_memory_are_refused_before_they_are_read(tmp_path):
    path = written(tmp_path / "x.gguf", ("a", struct.pack("<IIQ", 9, 9, 2**18) + struct.pack("<IIQ", 9, 0, 2**30)))
    with path.open("r+b") as file:
        file.truncate(2**40)  # As long as it says, and nothing but holes.
    with pytest.raises(ModelError, match="it holds a list of"):
        read_header(path)


def test_what_is_no_file_is_not_waited_for(tmp_path):
    pipe, folder = tmp_path / "pipe.gguf", tmp_path / "folder.gguf"
    os.mkfifo(pipe)
    folder.mkdir()
    for path, said in ((pipe, "is no file"), (folder, "is no file"), (tmp_path / "nothing.gguf", "There is no file")):
        assert not is_gguf(path)
        for read in (read_header, skim):
            with pytest.raises(ModelError, match=said):
                read(path)


# What a list needs.


def test_what_a_file_says_before_its_vocabulary_is_read_without_it(file):
    skimmed = skim(file)
    assert skimmed.tensors == 2
    assert skimmed.metadata == {**VALUES, "general.architecture": "llama"}


@pytest.mark.parametrize("length", [10, 100_000])
def test_the_kind_of_the_weights_is_found_behind_a_vocabulary_of_any_length(tmp_path, length):
    path = tmp_path / "x.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(512)
    writer.add_token_list([f"token {number} of a long vocabulary" for number in range(length)])
    writer.add_token_scores([0.0] * length)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_K_M)
    finish(writer)
    skimmed = skim(path)
    assert (skimmed.metadata["llama.context_length"], skimmed.metadata["general.file_type"]) == (512, 15)
    assert ("tokenizer.ggml.tokens" in skimmed.metadata) == (length == 10)


def test_without_the_vocabulary_everything_else_of_a_header_is_the_same(tmp_path):
    texts = struct.pack("<IIQ", 9, 8, 5000) + (struct.pack("<Q", 2) + b"ab") * 5000
    scores = struct.pack("<IIQ", 9, 6, 5000) + bytes(4 * 5000)
    path = written(tmp_path / "x.gguf", ("texts", texts), ("scores", scores), ("last", struct.pack("<II", 4, 7)))
    whole, brief = read_header(path), read_header(path, vocabulary=False)
    assert whole.metadata["texts"] == ["ab"] * 5000
    assert brief.metadata == {"general.architecture": "llama", "last": 7}
    assert brief[2:] == whole[2:]


def test_a_long_list_of_numbers_is_passed_over(tmp_path):
    numbers = struct.pack("<IIQ", 9, 4, 5000) + bytes(4 * 5000)
    path = written(tmp_path / "x.gguf", ("a", numbers), ("general.file_type", struct.pack("<II", 4, 7)))
    assert skim(path).metadata == {"general.architecture": "llama", "general.file_type": 7}
