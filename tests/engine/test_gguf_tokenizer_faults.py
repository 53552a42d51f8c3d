"""Broken and hostile tokenizers in GGUF files: each ends in one sentence."""

import random
from typing import Any

import pytest

from explorer.engine.gguf.header import Header, read_header
from explorer.engine.vocabulary import gguf_tokens
from explorer.engine.vocabulary.gguf import write_tokenizer
from explorer.engine.vocabulary.vocabulary import Vocabulary
from explorer.errors import ExplorerError, ModelError
from tests.engine.gguf_vocabularies import byte_level, scored, spelt_as_text, words


@pytest.fixture(scope="module")
def headers(tmp_path_factory) -> dict[str, Header]:
    folder = tmp_path_factory.mktemp("files")
    made = {
        "merged": byte_level(folder / "merged.gguf", "llama-bpe"),
        "texts": spelt_as_text(folder / "texts.gguf", None),
        "scored": scored(folder / "scored.gguf"),
        "unigram": scored(folder / "unigram.gguf", family="t5"),
        "words": words(folder / "words.gguf"),
    }
    return {name: read_header(file) for name, file in made.items()}


def changed(header: Header, **said: Any) -> Header:
    """A header with other values under tokenizer.ggml; None takes a key away."""
    keys = {f"tokenizer.ggml.{key}": value for key, value in said.items()}
    metadata = {key: value for key, value in {**header.metadata, **keys}.items() if value is not None}
    return header._replace(metadata=metadata)


@pytest.mark.parametrize(
    ("kind", "said", "sentence"),
    [
        ("merged", {"model": None}, "has no tokenizer"),
        ("merged", {"model": "none"}, "“none”"),
        ("merged", {"model": "rwkv"}, "llama-server"),
        ("merged", {"model": "plamo2"}, "llama-server"),
        ("merged", {"model": 3}, "tokenizer.ggml.model is no text"),
        ("merged", {"pre": "of-tomorrow"}, "the pre-tokenizer “of-tomorrow”"),
        ("merged", {"pre": "\x1b[2J" * 99}, "the pre-tokenizer “␛[2J␛[2J"),
        ("merged", {"pre": "whitespace"}, "llama-server"),
        ("merged", {"tokens": None}, "has no tokenizer"),
        ("merged", {"tokens": []}, "has no tokenizer"),
        ("merged", {"tokens": [1, 2, 3]}, "no list of texts"),
        ("merged", {"tokens": ["a", "b", "a"]}, "its tokens 0 and 2 are both “a”"),
        ("merged", {"tokens": ["a", "\udcff"]}, "its token 1 is no text"),
        ("merged", {"token_type": [1, 2]}, "has 2 numbers for"),
        ("merged", {"token_type": ["a"] * 5000}, "no list of numbers"),
        ("merged", {"merges": None}, "it has no merges"),
        ("merged", {"merges": ["a nowhere"]}, "it merges “nowhere”, which is none of its tokens"),
        ("merged", {"merges": ["a b", "\udcff b"]}, "it merges"),
        ("merged", {"merges": [1]}, "no list of texts"),
        ("merged", {"add_bos_token": 1}, "tokenizer.ggml.add_bos_token is no yes or no"),
        ("merged", {"bos_token_id": "1"}, "tokenizer.ggml.bos_token_id is no number"),
        ("scored", {"scores": None}, "it has no scores"),
        ("scored", {"scores": [0.0]}, "has 1 numbers for"),
        ("unigram", {"scores": None}, "it has no scores"),
        ("unigram", {"precompiled_charsmap": ["a"]}, "no list of numbers"),
        ("scored", {"scores": [float("nan")] * 900}, "no list of finite numbers"),
        ("unigram", {"precompiled_charsmap": [255] * 9}, "its precompiled_charsmap cannot be read"),
        ("unigram", {"precompiled_charsmap": [1.5] * 9}, "no list of numbers"),
        ("words", {"unknown_token_id": None}, "it has no unknown token"),
    ],
)
def test_a_tokenizer_that_cannot_be_is_refused_in_a_sentence(kind, said, sentence, headers, tmp_path):
    with pytest.raises(ModelError) as raised:
        write_tokenizer(changed(headers[kind], **said), tmp_path)
    assert sentence in str(raised.value)
    assert headers[kind].path.name in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 600


def test_a_list_longer_than_any_model_has_is_refused_before_it_is_looked_at(headers, tmp_path):
    tokens = [""] * (gguf_tokens.MOST + 1)
    with pytest.raises(ModelError, match="4,000,001 tokens"):
        write_tokenizer(changed(headers["merged"], tokens=tokens), tmp_path)


def test_an_id_that_the_list_does_not_have_is_none_as_llama_cpp_has_it(headers, tmp_path):
    write_tokenizer(changed(headers["merged"], bos_token_id=10**6, eos_token_id=-1), tmp_path)
    vocabulary = Vocabulary.from_folder(tmp_path)
    assert vocabulary is not None
    assert vocabulary.encode("a") == [11, vocabulary.encode("a", special_tokens=False)[0]]


def test_an_empty_token_and_a_merge_that_is_none_are_read_as_llama_cpp_reads_them(headers, tmp_path):
    tokens = [*headers["merged"].metadata["tokenizer.ggml.tokens"], ""]
    types = [*headers["merged"].metadata["tokenizer.ggml.token_type"], 1]
    merges = ["", "x", " y", "#version 0.2", *headers["merged"].metadata["tokenizer.ggml.merges"]]
    with pytest.raises(ModelError, match="#version"):
        write_tokenizer(changed(headers["merged"], tokens=tokens, token_type=types, merges=merges), tmp_path)
    merges.remove("#version 0.2")
    write_tokenizer(changed(headers["merged"], tokens=tokens, token_type=types, merges=merges), tmp_path)
    vocabulary = Vocabulary.from_folder(tmp_path)
    assert vocabulary is not None
    assert vocabulary.token(len(tokens) - 1).bytes == f"[EMPTY_{len(tokens) - 1}]".encode()
    assert len(vocabulary.encode("a a", special_tokens=False)) == 2


WRONG: list[Any] = [
    None, True, -1, 0, 3, 2**63, 1.5, float("nan"), "", "a", "\udc80", [], [0], [-1] * 900, [7] * 900, [0.0] * 900,
    [float("nan")] * 900, [float("-inf")] * 900, [""], ["a"], ["a b"], ["\udc80 a"], [[1]], ["\x00"] * 3,
]  # fmt: skip


@pytest.mark.parametrize("kind", ["merged", "texts", "scored", "unigram", "words"])
def test_whatever_a_file_says_it_is_read_or_refused(kind, headers, tmp_path):
    header, rng = headers[kind], random.Random(kind)
    keys = [
        *(key.removeprefix("tokenizer.ggml.") for key in header.metadata if key.startswith("tokenizer.ggml.")),
        *("add_space_prefix", "remove_extra_whitespaces", "precompiled_charsmap", "normalizer.lowercase", "pre"),
        *("add_eos_token", "eot_token_id", "padding_token_id", "seperator_token_id"),
    ]
    read = 0
    for _ in range(300):
        said = {rng.choice(keys): rng.choice(WRONG) for _ in range(rng.choice([1, 1, 2]))}
        try:
            write_tokenizer(changed(header, **said), tmp_path)
            vocabulary = Vocabulary.from_folder(tmp_path)
            assert vocabulary is not None, said
            for text in ("", "a B 1", "<s>\n", "가\u0301"):
                vocabulary.tokens(vocabulary.encode(text))
            read += 1
        except ExplorerError as error:
            assert "\n" not in str(error), said
    assert 20 < read < 290
