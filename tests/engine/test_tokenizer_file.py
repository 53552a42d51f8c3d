import json
from typing import Any

import pytest
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast
from transformers.models.auto.tokenization_auto import (
    MODELS_WITH_INCORRECT_HUB_TOKENIZER_CLASS,
    TOKENIZER_MAPPING_NAMES,
)

from explorer.engine.vocabulary.reading import read_tokenizer
from explorer.engine.vocabulary.tokenizer_file import AS_IT_STANDS, OF_ANOTHER_CLASS
from explorer.engine.vocabulary.vocabulary import Vocabulary
from explorer.errors import ModelError
from tests.conftest import tiny_tokenizer
from tests.engine.test_vocabulary import CORPUS, family

MARKER = {"content": "<|turn|>", "lstrip": False, "rstrip": False, "single_word": False, "normalized": False}
TEXTS = ["<|turn|>the fox<|over|> the end<|turn|>", "안녕<|turn|> 안녕", " <|over|>", "the <|turn|>"]
PLACES: dict[str, dict[str, dict[str, Any]]] = {
    "added_tokens_decoder": {"tokenizer_config.json": {"added_tokens_decoder": {"300": MARKER | {"special": True}}}},
    "of text": {"tokenizer_config.json": {"added_tokens_decoder": {"300": MARKER | {"special": False}}}},
    "stripping": {"tokenizer_config.json": {"added_tokens_decoder": {"300": MARKER | {"rstrip": True}}}},
    "eos_token": {"tokenizer_config.json": {"eos_token": "<|turn|>"}},
    "unk_token": {"tokenizer_config.json": {"unk_token": {"__type": "AddedToken", "special": True, **MARKER}}},
    "image_token": {"tokenizer_config.json": {"image_token": "<|turn|>"}},
    "extra": {"tokenizer_config.json": {"extra_special_tokens": ["<|turn|>", "<|over|>"]}},
    "extra by name": {"tokenizer_config.json": {"extra_special_tokens": {"turn_token": "<|turn|>"}}},
    "additional": {"tokenizer_config.json": {"additional_special_tokens": ["<|over|>", "<|turn|>"]}},
    "added_tokens.json": {"added_tokens.json": {"<|turn|>": 300, "<|over|>": 301}},
    "special_tokens_map.json": {"special_tokens_map.json": {"eos_token": "<|turn|>", "pad_token": MARKER}},
    "a split marker": {"tokenizer_config.json": {"split_special_tokens": True}},
}


def save(folder, tokenizer: Tokenizer, **config) -> None:
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer)
    wrapped.save_pretrained(folder)
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"tokenizer_class": "PreTrainedTokenizerFast"} | config))


@pytest.mark.parametrize("place", PLACES)
def test_a_token_that_stands_beside_tokenizer_json_is_known_in_both_ways_of_reading(place, tmp_path):
    save(tmp_path, tiny_tokenizer(), bos_token="<|begin|>", eos_token="<|end|>")
    for name, more in PLACES[place].items():
        file = tmp_path / name
        file.write_text(json.dumps((json.loads(file.read_text()) if file.exists() else {}) | more))
    reference = AutoTokenizer.from_pretrained(tmp_path)
    alone, read = Vocabulary.from_folder(tmp_path), read_tokenizer(tmp_path, "m").vocabulary
    assert alone is None
    for text in [*TEXTS, *CORPUS[:5]]:
        assert read.encode(text) == reference(text).input_ids
        assert read.encode(text, special_tokens=False) == reference(text, add_special_tokens=False).input_ids


@pytest.mark.parametrize("place", PLACES)
def test_a_token_that_stands_in_both_files_leaves_tokenizer_json_whole(place, tmp_path):
    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens(["<|turn|>", "<|over|>"])
    save(tmp_path, tokenizer, bos_token="<|begin|>", eos_token="<|end|>")
    for name, more in PLACES[place].items():
        file = tmp_path / name
        file.write_text(json.dumps((json.loads(file.read_text()) if file.exists() else {}) | more))
    reference, alone = AutoTokenizer.from_pretrained(tmp_path), Vocabulary.from_folder(tmp_path)
    if place in ("eos_token", "unk_token", "image_token", "extra", "extra by name", "additional"):
        assert alone is not None
    if alone is not None:
        assert [alone.encode(text) for text in TEXTS] == [reference(text).input_ids for text in TEXTS]


def test_which_types_of_models_have_a_class_of_their_own_is_what_transformers_says():
    generic = {*AS_IT_STANDS, "MistralCommonBackend", "PythonBackend", None}
    own = {
        kind for kind in MODELS_WITH_INCORRECT_HUB_TOKENIZER_CLASS if TOKENIZER_MAPPING_NAMES.get(kind) not in generic
    }
    assert own == set(OF_ANOTHER_CLASS)


@pytest.mark.parametrize("kind", [["a"], {}, 7, None])
def test_a_class_that_is_no_name_is_left_to_transformers(kind, tmp_path):
    save(tmp_path, tiny_tokenizer(), tokenizer_class=kind)
    assert Vocabulary.from_folder(tmp_path) is None
    if kind is None:
        assert read_tokenizer(tmp_path, "m").vocabulary.encode("the fox")
    else:
        with pytest.raises(
            ModelError, match=r"The tokenizer of m cannot be loaded: .*tokenizer_config\.json is broken"
        ):
            read_tokenizer(tmp_path, "m")


# What transformers builds otherwise.


def korean_gpt2() -> Tokenizer:
    """As KoGPT2: a BPE with spaces as ▁, in a model of the type gpt2."""
    tokenizer = Tokenizer.from_str(family("mistral").to_str())
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return tokenizer


def digits() -> Tokenizer:
    """As StarCoder2: every digit by itself."""
    tokenizer = Tokenizer.from_str(family("gpt2").to_str())
    single = pre_tokenizers.Digits(individual_digits=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([single, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    return tokenizer


def other_split() -> Tokenizer:
    """A byte-level BPE whose words are split by an expression of its own."""
    tokenizer = Tokenizer.from_str(family("gpt2").to_str())
    whole = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(r"\p{L}{1,2}|."), "isolated"), whole])
    return tokenizer


BUILT_OTHERWISE = {
    "korean gpt2": ("gpt2", "GPT2Tokenizer", korean_gpt2),
    "starcoder2": ("starcoder2", "GPT2Tokenizer", digits),
    "another split": ("gpt2", "GPT2Tokenizer", other_split),
    "llama 2": ("llama", "LlamaTokenizer", lambda: Tokenizer.from_str(family("llama2").to_str())),
}


@pytest.mark.parametrize("name", BUILT_OTHERWISE)
def test_a_tokenizer_that_transformers_builds_in_another_way_is_taken_as_it_stands(name, tmp_path):
    kind, tokenizer_class, make = BUILT_OTHERWISE[name]
    published = make()
    save(tmp_path, published, tokenizer_class=tokenizer_class)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind}))
    read = read_tokenizer(tmp_path, "m").vocabulary
    texts = ["근육이 커지기 위해서는 옛날 옛적에", "  two words", "12345 + 3.14", "def f(x):\n    return x"]
    built = AutoTokenizer.from_pretrained(tmp_path)
    assert [read.encode(text) for text in texts] == [published.encode(text).ids for text in texts]
    assert any(built(text).input_ids != published.encode(text).ids for text in texts)


@pytest.mark.parametrize(
    ("kind", "tokenizer_class", "name"),
    [("gpt2", "GPT2Tokenizer", "gpt2"), ("bert", "BertTokenizer", "wordpiece"), ("gemma", "GemmaTokenizer", "gemma")],
)
def test_a_tokenizer_that_is_built_as_it_was_published_is_that_of_transformers(kind, tokenizer_class, name, tmp_path):
    save(tmp_path, Tokenizer.from_str(family(name).to_str()), tokenizer_class=tokenizer_class)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind}))
    built, read = AutoTokenizer.from_pretrained(tmp_path), read_tokenizer(tmp_path, "m").vocabulary
    for text in [*CORPUS[:5], "  a b", ""]:
        assert read.encode(text) == built(text).input_ids


def test_what_tokenizer_config_sets_wins_over_tokenizer_json(tmp_path):
    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0, "hello": 1, "Hello": 2}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()
    save(tmp_path, tokenizer, tokenizer_class="BertTokenizer", do_lower_case=False)
    built, read = AutoTokenizer.from_pretrained(tmp_path), read_tokenizer(tmp_path, "m").vocabulary
    assert read.encode("Hello", False) == built("Hello", add_special_tokens=False).input_ids == [2]
