"""What GGUF files are told before anything of them is loaded; broken and hostile ones too."""

import json
import random
import struct
from pathlib import Path

import gguf
import numpy as np
import pytest

from explorer.engine.files.fitness import check_fitness, check_tokenizer
from explorer.engine.files.listing import entry_of
from explorer.engine.files.local import local_model
from explorer.engine.gguf.header import read_header
from explorer.engine.gguf.kinds import FILES, KINDS, quantisation
from explorer.engine.gguf.skim import skim
from explorer.errors import ModelError
from tests.engine.gguf_files import changed, write_gguf
from tests.fuzzing import in_time, rounds


def said(file: Path) -> str:
    with pytest.raises(ModelError) as caught:
        check_fitness(file, "The model", allow_pickle=False)
    return str(caught.value)


# The tables of ggml.


def test_the_kinds_of_tensors_are_those_of_the_package_gguf():
    theirs = {int(kind): (kind.name, *gguf.GGML_QUANT_SIZES[kind]) for kind in gguf.GGMLQuantizationType}
    assert theirs == KINDS


def test_the_types_of_files_are_those_of_the_package_gguf():
    theirs = {int(kind): kind.name.removeprefix("MOSTLY_").removeprefix("ALL_") for kind in gguf.LlamaFileType}
    assert {number: name for number, name in theirs.items() if name != "GUESSED"} == FILES


def test_the_quantisation_is_the_files_own_word_else_that_of_most_numbers(tmp_path):
    assert quantisation({"general.file_type": 15}) == quantisation({"general.file_type": 15 + 1024}) == "Q4_K_M"
    assert quantisation({}, read_header(write_gguf(tmp_path / "x.gguf")).tensors) == "F32"
    for word in ("Q4_0", 9999, -1, None, [1]):
        assert quantisation({"general.file_type": word}) is None


# What is no language model.


@pytest.mark.parametrize(
    ("architecture", "metadata", "words"),
    [
        ("llama", {"general__type": "adapter"}, "The model is a LoRA adapter in GGUF, and no whole model"),
        ("clip", {}, "The model is the part of a model that sees or hears (mmproj)"),
        ("llama", {"general__type": "mmproj"}, "is the part of a model that sees or hears (mmproj)"),
        ("controlvector", {}, "is a control vector of llama.cpp"),
        ("llama", {"split__count": 3}, "is one of 3 parts of a model"),
        ("llama", {"weights": False}, "has a vocabulary and no weights"),
        ("bert", {}, "The model is not a causal language model (bert): it reads a text in both directions"),
        ("nomic-bert-moe", {}, "is not a causal language model (nomic-bert-moe)"),
        ("t5encoder", {}, "is not a causal language model (t5encoder)"),
        ("t5", {}, "its encoder reads one thing and its decoder writes another"),
        ("dream", {}, "it fills a text in any order"),
        ("flux", {}, "it makes pictures"),
        ("gemma-embedding", {}, "it makes one vector of a whole text"),
        ("qwen3", {"qwen3__pooling_type": 3}, "it makes one vector of a whole text"),
        ("qwen3", {"qwen3__pooling_type": 4}, "it tells how well a text fits a question"),
        ("llama", {"llama__attention__causal": False}, "it reads a text in both directions"),
    ],
)
def test_a_file_of_another_purpose_is_refused_for_what_it_is(tmp_path, architecture, metadata, words):
    assert words in said(write_gguf(tmp_path / "x.gguf", architecture, **metadata))


def test_an_importance_matrix_is_told(tmp_path):
    pair = struct.pack("<Q", 12) + b"general.type" + struct.pack("<IQ", 8, 7) + b"imatrix"
    (tmp_path / "x.gguf").write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + pair)
    assert "is an importance matrix, which llama.cpp uses to quantise" in said(tmp_path / "x.gguf")


@pytest.mark.parametrize(
    "metadata", [{}, {"qwen3__pooling_type": 0}, {"split__count": 1}, {"qwen3__pooling_type": "x"}]
)
def test_a_language_model_is_fit(tmp_path, metadata):
    assert not check_fitness(write_gguf(tmp_path / "x.gguf", "qwen3", **metadata), "The model", False).refusal


def test_for_its_tokenizer_a_file_may_be_of_any_purpose_and_end_before_its_weights(tmp_path):
    for name, architecture, weights in (("a.gguf", "bert", True), ("b.gguf", "llama", False)):
        check_tokenizer(write_gguf(tmp_path / name, architecture, weights=weights), "The model")
    (tmp_path / "x.gguf").write_bytes(b"<html>")
    with pytest.raises(ModelError, match="is a web page"):
        check_tokenizer(tmp_path / "x.gguf", "The model")


# Tensors.


def test_a_file_that_ends_before_its_weights_do_says_how_much_is_there(tmp_path):
    file = write_gguf(tmp_path / "x.gguf")
    whole = file.read_bytes()
    for length in (len(whole) - 1, len(whole) - 200, read_header(file).weights_start):
        file.write_bytes(whole[:length])
        assert f"x.gguf is not whole: it has {length} B of {len(whole)} B. Wait until its download" in said(file)


def table(path: Path, *tensors: tuple[str, tuple[int, ...], int, int], length: int = 4096) -> Path:
    """A file with these tensors (name, dimensions, kind, offset), and so many bytes of weights."""
    content = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), 1)
    content += struct.pack("<Q", 20) + b"general.architecture" + struct.pack("<IQ", 8, 5) + b"llama"
    for name, shape, kind, offset in tensors:
        content += struct.pack("<Q", len(name.encode())) + name.encode()
        content += struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)
    path.write_bytes(content + bytes(-len(content) % 32 + length))
    return path


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        ([("a", (32,), 0, 0), ("b", (32,), 0, 96)], "its tensors a and b lie in the same bytes"),
        ([("a", (32,), 0, 0), ("b", (32,), 0, 0)], "its tensors a and b lie in the same bytes"),
        ([("a", (32,), 0, 0), ("a", (32,), 0, 128)], "it holds its tensor a twice"),
        ([("a", (2**40, 2**40), 0, 0)], "is not whole: it has"),
        ([("a", (32,), 0, 2**63)], "is not whole: it has"),
        ([("a", (2**63, 2**63, 2**63), 0, 0)], "is not whole: it has"),
        ([("a", (33,), 2, 0)], "the rows of its tensor a are no whole blocks of 32"),
        ([("a", (0, 4), 0, 0)], "its tensor a holds no numbers"),
        ([("a\x1b[2J", (32,), 99, 0)], "packs its tensor a␛[2J in a way that the explorer does not know (type 99"),
        ([("a", (32,), 31, 0)], "Take another quantisation of the model"),
    ],
)
def test_a_table_of_tensors_that_makes_no_sense_is_refused(tmp_path, tensors, words):
    assert words in said(table(tmp_path / "x.gguf", *tensors))


def test_tensors_may_lie_in_any_order_and_with_gaps(tmp_path):
    check_fitness(table(tmp_path / "x.gguf", ("b", (32,), 0, 512), ("a", (32, 2), 2, 0)), "The model", False)


def test_a_tensor_lies_as_long_as_the_package_gguf_reads(tmp_path):
    file = write_gguf(tmp_path / "x.gguf")
    for tensor in gguf.GGUFReader(file).tensors:
        _, block, length = KINDS[tensor.tensor_type]
        assert tensor.n_bytes == int(np.prod(tensor.shape)) // block * length


# Hostile files.


def long_header() -> bytes:
    """The header and the weights of a small file with every kind of value."""
    pairs: list[tuple[str, bytes]] = [
        ("general.architecture", struct.pack("<IQ", 8, 5) + b"llama"),
        ("general.type", struct.pack("<IQ", 8, 5) + b"model"),
        ("llama.context_length", struct.pack("<II", 4, 2048)),
        ("llama.rope.freq_base", struct.pack("<If", 6, 1e4)),
        ("llama.attention.causal", struct.pack("<IB", 7, 1)),
        ("general.alignment", struct.pack("<II", 4, 32)),
        ("general.file_type", struct.pack("<II", 4, 0)),
        ("tokenizer.ggml.scores", struct.pack("<IIQ3f", 9, 6, 3, 0.0, float("nan"), -1.0)),
        (
            "tokenizer.ggml.tokens",
            struct.pack("<IIQ", 9, 8, 3) + b"".join(struct.pack("<Q", 1) + b"%d" % n for n in range(3)),
        ),
    ]
    content = b"GGUF" + struct.pack("<IQQ", 3, 2, len(pairs))
    for key, value in pairs:
        content += struct.pack("<Q", len(key)) + key.encode() + value
    for name, offset in (("token_embd.weight", 0), ("output.weight", 384)):
        content += struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I2QIQ", 2, 32, 3, 0, offset)
    return content + bytes(-len(content) % 32 + 768)


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.long)])
def test_a_header_that_is_changed_at_random_is_read_or_refused_in_a_sentence(tmp_path, count):
    whole, file = long_header(), tmp_path / "x.gguf"
    file.write_bytes(whole)
    check_fitness(file, "The model", allow_pickle=False)
    for seed in rounds(count):
        file.write_bytes(changed(whole, random.Random(seed)))
        with in_time(seed):
            for read in (
                local_model,
                lambda path: check_fitness(Path(path), "The model", False),
                lambda path: skim(Path(path)),
            ):
                try:
                    read(str(file))
                except ModelError as error:
                    assert str(error).endswith("."), f"seed {seed}: {error}"
                    assert not any(ord(letter) < 32 for letter in str(error)), f"seed {seed}: {error!r}"
            entry = entry_of("x", file)
            json.dumps([entry.problem, entry.architecture, entry.dtype, entry.context_length]).encode()
            assert entry.complete, seed
