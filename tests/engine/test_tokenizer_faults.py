import base64
import json
import sys

import pytest

from explorer.engine.vocabulary.faults import failing_library
from explorer.engine.vocabulary.reading import read_tokenizer
from explorer.errors import ModelError
from tests.conftest import tiny_tokenizer

RANKS = b"".join(base64.b64encode(bytes([byte])) + b" %d\n" % byte for byte in range(256))
TEKKEN = json.dumps(
    {"config": {"pattern": "a", "default_num_special_tokens": 3, "version": "v3"}, "vocab": []}
).encode()
FOLDERS = {
    "nothing": ({}, "m has no tokenizer: it needs its tokenizer.json"),
    "a configuration alone": ({"tokenizer_config.json": b"{}"}, "m has no tokenizer"),
    "no json": (
        {"tokenizer.json": b"{"},
        r"^tokenizer\.json of m is broken: it is not a JSON object. Download it again.$",
    ),
    "no object": (
        {"tokenizer.json": b"{}", "tokenizer_config.json": b"[1]"},
        r"^tokenizer_config\.json of m is broken",
    ),
    "no sentencepiece": ({"tokenizer.model": b"\x0e\x0f"}, r"cannot be made of tokenizer\.model: the file is broken"),
    "tiktoken": ({"tokenizer.model": RANKS}, r"to read tokenizer\.model\. Install: pip install tiktoken$"),
    "qwen.tiktoken": (
        {"qwen.tiktoken": RANKS},
        r"cannot be made of qwen\.tiktoken: .* does not know\. Download it again",
    ),
    "tekken": ({"tekken.json": TEKKEN}, r"to read tekken\.json\. Install: pip install mistral-common$"),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_without_a_tokenizer_that_can_be_read_is_told_in_a_sentence_that_is_true(name, tmp_path):
    files, said = FOLDERS[name]
    for file, data in files.items():
        (tmp_path / file).write_bytes(data)
    with pytest.raises(ModelError, match=said):
        read_tokenizer(tmp_path, "m")


def test_a_sentencepiece_file_names_the_packages_that_read_it(tmp_path, monkeypatch):
    (tmp_path / "tokenizer.model").write_bytes(b"\x0e\x0f")
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    monkeypatch.setitem(sys.modules, "google.protobuf", None)
    with pytest.raises(ModelError, match=r"Install: pip install sentencepiece protobuf$"):
        read_tokenizer(tmp_path, "m")


@pytest.mark.parametrize(
    "change",
    [
        {"pre_tokenizer": {"type": "Split"}},
        {"pre_tokenizer": 7},
        {"added_tokens": {"a": 1}},
        {"model": {"type": "BPE", "vocab": {"a": "b"}, "merges": []}},
        {"model": {"type": "Unigram", "unk_id": 9, "vocab": [["a", 0.0]]}},
        {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}},
        {"decoder": {"type": "Replace", "pattern": {"Regex": "(?<"}, "content": ""}},
    ],
)
@pytest.mark.parametrize("kind", ["PreTrainedTokenizerFast", "GPT2Tokenizer"])
def test_parts_of_a_tokenizer_that_the_library_does_not_take_are_told_without_a_traceback(kind, change, tmp_path):
    tokenizer = json.loads(tiny_tokenizer().to_str())
    (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer | change))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": kind}))
    try:
        read_tokenizer(tmp_path, "m").vocabulary.encode("the fox")
    except ModelError as error:
        assert str(error).startswith("The tokenizer of m cannot be loaded: ")
        assert "\n" not in str(error)


def test_a_panic_of_the_library_is_an_error_like_others():
    class PanicException(BaseException):
        pass

    with pytest.raises(ModelError, match="at 7"), failing_library(lambda error: ModelError(f"at {error}")):
        raise PanicException("7")
    with pytest.raises(KeyboardInterrupt), failing_library(lambda error: ModelError("never")):
        raise KeyboardInterrupt
