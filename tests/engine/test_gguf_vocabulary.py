"""The tokenizer of a GGUF file, against what llama.cpp made of the same files."""

import json
import os
from pathlib import Path

import pytest

from explorer.engine.gguf.header import read_header
from explorer.engine.vocabulary import gguf_tokens
from explorer.engine.vocabulary.gguf import unnamed_splitting, write_tokenizer
from explorer.engine.vocabulary.vocabulary import Vocabulary, byte_alphabet
from tests.engine.gguf_vocabularies import RECORDED, TEXTS, files

THEIRS = json.loads(RECORDED.read_text("utf-8"))

PUBLISHED = os.environ.get("TOKEN_EXPLORER_GGUF_VOCABULARIES", "")
"""The folder `models` of llama.cpp's repository, where there is one."""
SEPARATOR = "\n__ggml_vocab_test__\n"


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    return dict(files(tmp_path_factory.mktemp("files")))


def read(file, folder) -> Vocabulary:
    write_tokenizer(read_header(file), folder)
    vocabulary = Vocabulary.from_folder(folder)
    assert vocabulary is not None
    return vocabulary


@pytest.mark.parametrize("name", [name for name in THEIRS if name != "what"])
def test_a_text_has_the_ids_that_llama_cpp_gives_it(name, ours, tmp_path):
    vocabulary = read(ours[name], tmp_path)
    for text, ids in zip(TEXTS, THEIRS[name]["ids"], strict=True):
        assert vocabulary.encode(text) == ids, repr(text)


@pytest.mark.parametrize("name", ["qwen2", "gemma4 family", "markers by name", "ends by key"])
def test_a_sequence_ends_where_llama_cpp_ends_it(name, ours, tmp_path):
    assert write_tokenizer(read_header(ours[name]), tmp_path) == THEIRS[name]["ends"]


def test_a_file_that_does_not_say_how_it_splits_is_told(ours):
    assert "Prefer a newer file" in unnamed_splitting(read_header(ours["old keys"]))
    assert not any(unnamed_splitting(read_header(ours[name])) for name in ("default", "qwen2", "sentencepiece True"))


def test_a_marker_that_is_spelt_like_a_byte_stands_for_itself(ours, tmp_path):
    metadata = read_header(ours["deepseek-llm"]).metadata
    types = list(metadata["tokenizer.ggml.token_type"])
    types[metadata["tokenizer.ggml.tokens"].index("\xf8")] = gguf_tokens.USER_DEFINED
    header = read_header(ours["deepseek-llm"])._replace(metadata=metadata | {"tokenizer.ggml.token_type": types})
    write_tokenizer(header, tmp_path)
    vocabulary = Vocabulary.from_folder(tmp_path)
    assert vocabulary is not None
    (token,) = vocabulary.tokens(vocabulary.encode("\xf8", special_tokens=False))
    assert (token.bytes, token.kind) == ("\xf8".encode(), "text")


@pytest.mark.parametrize("architecture", ["gptoss", "llama"])
def test_what_ollama_converted_by_itself_is_split_as_its_model_was_trained(architecture, ours, tmp_path):
    header = read_header(ours["default"])
    said = {"general.architecture": architecture, "tokenizer.ggml.pre": "default"}
    write_tokenizer(header._replace(metadata=header.metadata | said), tmp_path)
    vocabulary = Vocabulary.from_folder(tmp_path)
    assert vocabulary is not None
    theirs = THEIRS["gpt-4o" if architecture == "gptoss" else "default"]["ids"]
    assert [vocabulary.encode(text) for text in TEXTS] == theirs


@pytest.mark.parametrize("name", ["llama3", "gemma4", "sentencepiece True", "phi-3", "old keys"])
def test_the_bytes_of_every_id_are_those_of_its_text_in_the_file(name, ours, tmp_path):
    metadata = read_header(ours[name]).metadata
    vocabulary, alphabet = read(ours[name], tmp_path), byte_alphabet()
    for token_id, text in enumerate(metadata["tokenizer.ggml.tokens"]):
        match metadata["tokenizer.ggml.token_type"][token_id]:
            case gguf_tokens.NORMAL if name in ("llama3", "old keys"):
                data = bytes(alphabet[character] for character in text)
            case gguf_tokens.NORMAL:
                data = text.replace("\u2581", " ").encode()
            case gguf_tokens.BYTE:
                data = bytes([int(text[3:5], 16)])
            case _:
                data = text.encode()
        assert vocabulary.token(token_id).bytes == data
    assert vocabulary.token(len(metadata["tokenizer.ggml.tokens"])).kind == "unused"


@pytest.mark.skipif(
    not PUBLISHED, reason="TOKEN_EXPLORER_GGUF_VOCABULARIES names no folder of llama.cpp's vocabularies"
)
@pytest.mark.parametrize("file", sorted(Path(PUBLISHED).glob("ggml-vocab-*.gguf.inp")), ids=lambda file: file.stem)
def test_the_vocabularies_that_llama_cpp_publishes_give_their_ids(file, tmp_path):
    vocabulary = read(file.with_suffix(""), tmp_path)
    texts = file.read_bytes().decode().split(SEPARATOR)
    lines = file.with_suffix(".out").read_text("utf-8").split("\n")
    pairs = [(text, [int(one) for one in line.split()]) for text, line in zip(texts, lines, strict=False) if text]
    assert len(pairs) > 40
    for text, ids in pairs:
        assert vocabulary.encode(text, special_tokens=False) == ids, repr(text)
