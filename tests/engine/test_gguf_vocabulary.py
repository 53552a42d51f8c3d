"""The tokenizer of a GGUF file, against what llama.cpp made of the same files."""

import json

import pytest

from explorer.engine.gguf.header import read_header
from explorer.engine.vocabulary.gguf import write_tokenizer
from explorer.engine.vocabulary.vocabulary import Vocabulary
from tests.engine.gguf_vocabularies import RECORDED, TEXTS, files

THEIRS = json.loads(RECORDED.read_text("utf-8"))


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
