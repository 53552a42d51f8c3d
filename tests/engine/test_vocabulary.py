import json
import random
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

import explorer.embedded
from explorer.core.query import Query
from explorer.core.token import Token
from explorer.engine.compute.loading.loading import load_vocabulary
from explorer.engine.description import ModelSettings
from explorer.engine.vocabulary.vocabulary import Vocabulary, byte_alphabet, text_of
from explorer.errors import ModelError, UsageError

EMBEDDED = Path(explorer.embedded.__file__).parent
CORPUS = [
    "안녕하세요. 오늘은 토큰 탐색기를 만듭니다. 확률이 높은 토큰을 고르세요.",
    "Hello world, this is a token explorer! It's 3.14 o'clock. I don't .",
    "이모지 😀😃🎉 와 한글 🇰🇷 섞기 café naïve über",
    "def f(x):\n    return x**2\t# 코멘트\n\n",
    "  leading and   multiple   spaces  ",
] * 20
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
FAMILIES = ("gpt2", "llama3", "llama2", "gemma", "mistral", "unigram", "wordpiece")
LETTERS = [
    *"가나다라한글 토큰 확률뷁힣 abc XYZ 0123 .,!?'\n\t",
    "😀",
    "👩‍👩‍👧",
    "🇰🇷",
    "é",
    "日",
    " ",
    "  ",
    "\u200d",
    "ﬁ",
    "\x00",
]
TEXTS = st.lists(st.sampled_from(LETTERS), min_size=1, max_size=20).map("".join)


def byte_level(split, **begin) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = split, decoders.ByteLevel()
    special = ["<|begin|>", "<|im_start|>", "<｜begin▁of▁sentence｜>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=500, initial_alphabet=alphabet, special_tokens=special, show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    if begin:
        tokenizer.post_processor = processors.TemplateProcessing(**begin)
    return tokenizer


def byte_fallback(normalizer, split, steps) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    if normalizer:
        tokenizer.normalizer = normalizer
    if split:
        tokenizer.pre_tokenizer = split
    tokenizer.decoder = decoders.Sequence(steps)
    named = ["<unk>", "<s>", "</s>"]
    every_byte = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=named + every_byte, limit_alphabet=80, show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    # Llama and Gemma have their byte tokens as plain entries, not as added ones.
    said = json.loads(tokenizer.to_str())
    said["added_tokens"] = [added for added in said["added_tokens"] if added["content"] in named]
    return Tokenizer.from_str(json.dumps(said))


def unigram() -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=400, special_tokens=["<unk>", "<s>", "</s>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def wordpiece() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=500, special_tokens=["[UNK]", "[CLS]", "[SEP]"], show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


@cache
def family(name: str) -> Tokenizer:
    spaces, fallback = normalizers.Replace(" ", "▁"), [decoders.Replace("▁", " "), decoders.ByteFallback()]
    whole = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    match name:
        case "gpt2":
            return byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False))
        case "llama3":
            split = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3), "isolated"), whole])
            return byte_level(split, single="<|begin|> $A", special_tokens=[("<|begin|>", 0)])
        case "llama2":
            spelling = normalizers.Sequence([normalizers.Prepend("▁"), spaces])
            return byte_fallback(spelling, None, [*fallback, decoders.Fuse(), decoders.Strip(" ", 1, 0)])
        case "gemma":
            return byte_fallback(spaces, None, [*fallback, decoders.Fuse()])
        case "mistral":
            marked = pre_tokenizers.Metaspace("▁", prepend_scheme="first", split=False)
            return byte_fallback(None, marked, [*fallback, decoders.Fuse(), decoders.Strip(" ", 1, 0)])
        case "unigram":
            return unigram()
    return wordpiece()


@cache
def vocabulary(name: str) -> Vocabulary:
    return Vocabulary(family(name))


def spelt(tokens: list[Token]) -> bytes:
    return b"".join(token.bytes for token in tokens)


@pytest.mark.parametrize("name", FAMILIES)
@given(text=TEXTS | st.text(max_size=12), special=st.booleans())
@settings(max_examples=80)
def test_the_bytes_of_a_text_are_what_the_library_decodes(name, text, special):
    ids = vocabulary(name).encode(text, special)
    assert ids == family(name).encode(text, add_special_tokens=special).ids
    for length in range(1, len(ids) + 1):
        data = spelt(vocabulary(name).tokens(ids[:length]))
        decoded = family(name).decode(ids[:length], skip_special_tokens=False)
        if "\ufffd" not in decoded:
            assert data.decode() == decoded
    if ids:
        assert data.decode() == decoded


@pytest.mark.parametrize("name", FAMILIES)
@given(data=st.data())
@settings(max_examples=80)
def test_the_bytes_of_any_ids_are_what_the_library_decodes(name, data):
    ids = data.draw(st.lists(st.integers(0, len(vocabulary(name)) - 1), min_size=1, max_size=10))
    decoded = family(name).decode(ids, skip_special_tokens=False)
    if "\ufffd" not in decoded:
        assert spelt(vocabulary(name).tokens(ids)).decode() == decoded


@pytest.mark.parametrize("name", FAMILIES)
def test_each_entry_is_what_the_library_decodes_alone_and_after_another(name):
    other = family(name).encode("a", add_special_tokens=False).ids[-1]
    for token_id in range(len(vocabulary(name))):
        for ids in ([token_id], [token_id, other], [other, token_id, other]):
            decoded = family(name).decode(ids, skip_special_tokens=False)
            if "\ufffd" not in decoded:
                assert (ids, spelt(vocabulary(name).tokens(ids)).decode()) == (ids, decoded)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_kind_of_a_token_says_what_it_is(name):
    words = vocabulary(name)
    tokens = [words.token(token_id) for token_id in range(len(words))]
    special = {token_id for token_id, added in family(name).get_added_tokens_decoder().items() if added.special}
    assert len(special) == 3
    assert {token.id for token in tokens if token.kind == "special"} == special
    assert all((token.kind == "bytes") == (token.text is None) for token in tokens if token.id not in special)
    assert all(token.piece == family(name).id_to_token(token.id) for token in tokens)
    for token_id in (len(words), 10**9, -1):
        assert words.token(token_id) == Token(token_id, b"", "unused")


@pytest.mark.parametrize("name", ["gpt2", "llama2", "gemma", "mistral"])
def test_half_a_character_is_of_the_kind_bytes(name):
    tokens = vocabulary(name).tokens(vocabulary(name).encode("뷁", special_tokens=False))
    assert "bytes" in [token.kind for token in tokens]
    assert spelt(tokens).decode().endswith("뷁")
    assert text_of(tokens).endswith("뷁")
    assert text_of(tokens[:-1]).endswith("›")


def says(words: Vocabulary, ids: list[int]) -> bytes:
    """The bytes of a sequence that others stand before."""
    return spelt([words.token(token_id) for token_id in ids])


@pytest.mark.parametrize("name", FAMILIES)
@given(text=TEXTS | st.text(max_size=12))
@example(text="time")
@example(text=" time")
@example(text="\ntime")
@example(text="\n")
@example(text="")
@settings(max_examples=60)
def test_a_text_that_goes_on_has_exactly_its_bytes_wherever_the_vocabulary_can_spell_it(name, text):
    words = vocabulary(name)
    try:
        ids = words.continuation(text)
    except UsageError:
        with pytest.raises(UsageError, match="no tokens that spell"):
            words.entries.spelling(text.encode())
    else:
        assert says(words, ids) == text.encode()


@pytest.mark.parametrize("name", ["gpt2", "llama3", "llama2", "gemma", "mistral"])
def test_a_text_that_goes_on_is_split_as_the_tokenizer_splits_it(name):
    words = vocabulary(name)
    behind = words.encode("안녕하세요", special_tokens=False)
    for text in (". 오늘은", "\nHello world, this is"):
        whole = words.encode(f"안녕하세요{text}", special_tokens=False)
        assert behind + words.continuation(text) == whole


def test_a_word_that_begins_with_its_space_is_offered_with_it():
    pieces = Tokenizer(models.WordPiece({"[UNK]": 0, "time": 1, "##s": 2}, unk_token="[UNK]"))
    pieces.pre_tokenizer, pieces.decoder = pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()
    words = Vocabulary(pieces)
    with pytest.raises(
        UsageError, match=r"no tokens that spell 'times'\. A word begins with its space here: try ' times'"
    ):
        words.continuation("times")
    assert words.continuation(" times") == [1, 2]
    with pytest.raises(UsageError, match=r"no tokens that spell 'b'\.$"):
        words.continuation("b")


def test_the_end_of_a_word_is_a_space_where_a_byte_level_vocabulary_marks_it():
    marked = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    marked.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(r"\s+"), "removed"), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    marked.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600, end_of_word_suffix="</w>", special_tokens=["<|end|>"], show_progress=False
    )
    marked.train_from_iterator(CORPUS, trainer)
    words = Vocabulary(marked)
    assert text_of(words.tokens(words.encode("Hello world 안녕하세요"))) == "Hello world 안녕하세요 "


@pytest.mark.parametrize("name", FAMILIES)
def test_the_entries_are_the_tokens_as_they_stand_after_another(name):
    words = vocabulary(name)
    for token_id in range(len(words)):
        assert token_id in words.entries.matching(Query("bytes", data=words.token(token_id).bytes))


@pytest.mark.parametrize("name", ["gpt2", "llama3", "llama2", "gemma", "mistral"])
@given(data=st.binary(max_size=12))
@settings(max_examples=40)
def test_a_vocabulary_with_every_byte_spells_all_bytes(name, data):
    ids = vocabulary(name).entries.spelling(data)
    assert says(vocabulary(name), ids) == data
    kinds = {vocabulary(name).token(token_id).kind for token_id in ids}
    assert "special" not in kinds


def test_a_fingerprint_names_one_vocabulary():
    prints = {name: Vocabulary(family(name)).fingerprint() for name in FAMILIES}
    assert {name: vocabulary(name).fingerprint() for name in FAMILIES} == prints
    assert prints["gpt2"] == Vocabulary(Tokenizer.from_str(family("gpt2").to_str())).fingerprint()
    assert prints["gpt2"] == prints["llama3"] or len(set(prints.values())) == len(FAMILIES)
    grown = Tokenizer.from_str(family("gpt2").to_str())
    grown.add_tokens(["fox-trot"])
    assert Vocabulary(grown).fingerprint() not in prints.values()


def test_the_byte_alphabet_spells_each_byte_once():
    assert sorted(byte_alphabet().values()) == list(range(256))
    assert (byte_alphabet()["Ġ"], byte_alphabet()["Ċ"]) == (0x20, 0x0A)


@pytest.fixture(scope="module")
def shipped() -> Vocabulary:
    found = Vocabulary.from_folder(EMBEDDED)
    assert found is not None
    return found


@given(text=TEXTS | st.text(max_size=40))
@example(text="👩‍👩‍👧‍👦 가각힣ᄒᆞᆫ\x00 a\r\nb\n\n\tc ﷽ <|user|> e\u0301")
@settings(max_examples=200)
def test_the_shipped_tokenizer_gives_back_every_text(shipped, text):
    tokens = shipped.tokens(shipped.encode(text, special_tokens=False))
    assert spelt(tokens) == text.encode()


def test_the_shipped_tokenizer_is_read_as_transformers_reads_it(shipped):
    reference = AutoTokenizer.from_pretrained(EMBEDDED, local_files_only=True)
    rng = random.Random(0)
    texts = [*CORPUS[:5], "", " ", "<|user|>hi<|end_of_turn|>", "\r\n", "Once upon a time", "옛날 옛적에"]
    texts += ["".join(rng.choices(LETTERS, k=rng.randrange(1, 60))) for _ in range(300)]
    for text in texts:
        for special in (True, False):
            assert shipped.encode(text, special) == reference.encode(text, add_special_tokens=special)
    assert Vocabulary(reference.backend_tokenizer).fingerprint() == shipped.fingerprint()


@pytest.mark.parametrize("kind", ["PreTrainedTokenizerFast", "GPT2Tokenizer"])
def test_a_text_has_the_same_ids_each_time_where_dropout_of_merges_is_stored(kind, tmp_path):
    tokenizer = Tokenizer.from_str(family("gpt2").to_str())
    whole = tokenizer.encode(CORPUS[1]).ids
    tokenizer.model.dropout = 0.9
    assert tokenizer.encode(CORPUS[1]).ids != whole
    PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config | {"tokenizer_class": kind}))
    loaded, _, _ = load_vocabulary(tmp_path, ModelSettings(model=str(tmp_path), name="m"))
    for vocabulary in (loaded, Vocabulary.from_folder(tmp_path) or loaded):
        assert {tuple(vocabulary.encode(CORPUS[1])) for _ in range(9)} == {tuple(whole)}


@pytest.mark.parametrize("stored", ["padding", "truncation", "both"])
@pytest.mark.parametrize("kind", ["PreTrainedTokenizerFast", "GPT2Tokenizer"])
def test_padding_and_truncation_that_are_stored_are_left_out_as_transformers_does(stored, kind, tmp_path):
    tokenizer = Tokenizer.from_str(family("gpt2").to_str())
    if stored != "truncation":
        tokenizer.enable_padding(pad_id=0, pad_token="<|begin|>", length=24, direction="left")
    if stored != "padding":
        tokenizer.enable_truncation(3)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config | {"tokenizer_class": kind}))
    whole = family("gpt2").encode(CORPUS[1]).ids
    assert AutoTokenizer.from_pretrained(tmp_path)(CORPUS[1]).input_ids == whole
    loaded, _, _ = load_vocabulary(tmp_path, ModelSettings(model=str(tmp_path), name="m"))
    alone = Vocabulary.from_folder(tmp_path)
    assert [one.encode(CORPUS[1]) for one in (loaded, alone) if one] == [whole, whole][: 2 if alone else 1]


def test_a_folder_whose_tokenizer_transformers_would_change_is_left_to_it(tmp_path):
    assert Vocabulary.from_folder(tmp_path) is None
    PreTrainedTokenizerFast(tokenizer_object=family("llama3"), bos_token="<|begin|>").save_pretrained(tmp_path)
    assert Vocabulary.from_folder(tmp_path).fingerprint() == vocabulary("llama3").fingerprint()
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    for change in ({"add_bos_token": True}, {"tokenizer_class": "LlamaTokenizer"}, {"auto_map": {}}):
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(config | change))
        assert Vocabulary.from_folder(tmp_path) is None


def test_a_broken_tokenizer_file_is_said(tmp_path):
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match=r"tokenizer\.json cannot be read"):
        Vocabulary.from_folder(tmp_path)
