"""The parts of a tokenizer.json for each kind of tokenizer in a GGUF file: how it splits, merges and spells.

Owns how the tokenizers library is brought to give the ids of llama.cpp. Must not know which tokens are markers, nor
what is put before and after a text.
"""

import base64
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from tokenizers.normalizers import Precompiled

from explorer.core.token import visible
from explorer.engine.gguf.header import Header
from explorer.engine.vocabulary.faults import failing_library
from explorer.engine.vocabulary.gguf_splitting import DEFAULT, SPLITTINGS, Splitting
from explorer.engine.vocabulary.gguf_tokens import NORMAL, UNUSUAL, Metadata, TokenList
from explorer.engine.vocabulary.vocabulary import byte_alphabet
from explorer.errors import ModelError

Part = dict[str, Any]

Merges = list[str] | list[tuple[str, str]]
"""Pairs of tokens, the one that is merged first at the beginning; as texts, with a space between the two."""

COMMENT = "#version"
"""What the library takes for no merge at the beginning of one that is a text."""

SPACE = "\u2581"
"""What stands for a space in tokens that are spelt as texts (sentencepiece)."""

BEFORE_WORDS = "\\A(?= *[^ ])"
"""The beginning of a text that is not spaces alone."""

MOST_PIECES = 512
"""Characters of a token, at most, that merges are made for; the longest published ones have 128."""


BY_OLLAMA = {"gptoss": "gpt-4o", "llama4": "llama4", "mistral3": "tekken"}
"""Architectures that Ollama has converted by itself, naming no pre-tokenizer that it did not know, and which it is."""


class Parts(NamedTuple):
    """What tokenizer.json says beside its markers; the first three as lists of steps."""

    normalizer: list[Part]
    pre_tokenizer: list[Part]
    decoder: list[Part]
    model: Part
    adds: tuple[bool, bool]
    """Whether BOS is put before a text, and EOS after it, where the file does not say."""


def parts_of(header: Header, tokens: TokenList) -> Parts:
    """Raises ModelError for a kind of tokenizer that would get other ids than llama.cpp gives."""
    if (made := FAMILIES.get(tokens.family)) is None:
        raise _unknown(header, f"the tokenizer “{visible(tokens.family[:UNUSUAL])}”")
    return made(header, tokens)


def splitting_of(header: Header, tokens: TokenList) -> Splitting:
    """How the file says that a text is split. Raises ModelError for a name that is not known."""
    name = "gemma4" if tokens.family == "gemma4" else Metadata(header).text("ggml.pre") or DEFAULT
    if name == DEFAULT:
        name = BY_OLLAMA.get(header.architecture, DEFAULT)
    if (found := SPLITTINGS.get(name)) is None:
        raise _unknown(header, f"the pre-tokenizer “{visible(name[:UNUSUAL])}”")
    return found


def _unknown(header: Header, what: str) -> ModelError:
    return ModelError(
        f"{header.path.name} splits texts in a way that the explorer does not know ({what}): other tokens than those "
        "of its training would come out. Open the model by llama-server (of llama.cpp), or as a folder of Hugging "
        "Face, which has a tokenizer of its own."
    )


def _merged(header: Header, tokens: TokenList) -> Parts:
    """Byte-level BPE, and its like over texts: merges stand in the file."""
    splitting = splitting_of(header, tokens)
    merges = _merges(Metadata(header), tokens)
    if splitting.whole_newlines and (lacking := _of_newlines(tokens, merges)):
        merges = [*merges, *lacking]
    splits = [_split(pattern) for pattern in splitting.patterns]
    model = _bpe(tokens, merges, ignore_merges=splitting.whole_words, byte_fallback=splitting.spelt_as_text)
    adds = (splitting.adds_bos or splitting.whole_newlines, False)
    if splitting.spelt_as_text:
        return Parts([_replace(" ", SPACE)], splits, _spelt_as_text(first_space=False), model, adds)
    return Parts([], [*splits, _byte_level(), *_dropped(tokens)], [*_verbatim(tokens), _byte_level()], model, adds)


def _merges(metadata: Metadata, tokens: TokenList) -> Merges:
    """The merges of a file, each once: of two that are equal, the first counts.

    They are left as the file has them where that can be: 500,000 pairs take a second to make. Raises ModelError.
    """
    said = metadata.list_of("ggml.merges", str, "texts")
    if said is None:
        raise metadata.broken("it has no merges")
    said = list(dict.fromkeys(said))
    if all(merge.count(" ") == 1 and not merge.startswith(COMMENT) for merge in said):
        _check(metadata, tokens, set(" ".join(said).split(" ")) if said else set())
        _check(metadata, tokens, {merge.replace(" ", "") for merge in said})
        return said
    # One that has no space at which it could be cut merges nothing.
    merges = [(merge[:at], merge[at + 1 :]) for merge in said if (at := merge.find(" ", 1)) > 0]
    _check(metadata, tokens, {piece for left, right in merges for piece in (left, right, left + right)})
    return merges


def _readable(merges: list[str]) -> Merges:
    """Merges with one space each, so that the library reads every one."""
    if any(merge.startswith(COMMENT) for merge in merges):
        return [(left, right) for left, _, right in (merge.partition(" ") for merge in merges)]
    return merges


def _check(metadata: Metadata, tokens: TokenList, pieces: set[str]) -> None:
    """Raises ModelError where one is none of the tokens."""
    if unknown := pieces - tokens.ids.keys():
        named = min(unknown).encode(errors="replace").decode()
        raise metadata.broken(f"it merges “{visible(named[:UNUSUAL])}”, which is none of its tokens")


def _dropped(tokens: TokenList) -> list[Part]:
    """Bytes that the file has no token for are left out, and what stands around them is not merged."""
    lacking = "".join(character for character in byte_alphabet() if character not in tokens.ids)
    return [_split(f"[{re.escape(lacking)}]", "Removed")] if lacking else []


def _verbatim(tokens: TokenList) -> list[Part]:
    """Markers like ø that would be read as bytes of the alphabet are spelt in it, so that they stand for themselves."""
    spelt = {chr(byte): character for character, byte in byte_alphabet().items()}
    said = [tokens.texts[token_id] for token_id in tokens.markers]
    odd = [text for text in said if not text.isascii() and all(character in byte_alphabet() for character in text)]
    alone = [text for text in odd if sum(text in other for other in tokens.texts) == 1]
    return [_replace(text, "".join(spelt[chr(byte)] for byte in text.encode())) for text in alone]


def _of_newlines(tokens: TokenList, merges: Merges) -> Merges:
    """The merges that make of any run of newlines the token that it is, so far as the file lacks them."""
    runs = [text for text in tokens.texts if len(text) > 1 and not text.strip("\n")]
    pairs = [(run[:cut], run[cut:]) for run in sorted(runs, key=len) for cut in range(1, len(run))]
    made = [pair for pair in pairs if all(piece in tokens.ids for piece in pair)]
    if merges and isinstance(merges[0], str):
        known = set(merges)
        return [text for pair in made if (text := " ".join(pair)) not in known]
    return [pair for pair in made if pair not in set(merges)]


def _scored(header: Header, tokens: TokenList) -> Parts:
    """Sentencepiece's BPE: of the tokens that two neighbours make, the one of the highest score is made first."""
    metadata = Metadata(header)
    scores = metadata.numbers("ggml.scores", len(tokens.texts))
    if scores is None:
        raise metadata.broken("it has no scores")
    # A token with a space is never made: in a text, ▁ stands in its place.
    ids, made = tokens.ids, (tokens.texts[one] for one in sorted(range(len(tokens.texts)), key=lambda i: -scores[i]))
    merges = [
        f"{left} {right}"
        for text in made
        if 1 < len(text) <= MOST_PIECES and " " not in text
        for cut in range(1, len(text))
        if (left := text[:cut]) in ids and (right := text[cut:]) in ids
    ]
    spaced = metadata.flag("ggml.add_space_prefix", True)
    normalizer = [{"type": "Prepend", "prepend": SPACE}] if spaced else []
    model = _bpe(tokens, _readable(merges), byte_fallback=True)
    return Parts([*normalizer, _replace(" ", SPACE)], [], _spelt_as_text(spaced), model, (True, False))


def _likeliest(header: Header, tokens: TokenList) -> Parts:
    """Sentencepiece's unigram: the tokens whose scores have the highest sum."""
    metadata = Metadata(header)
    scores = metadata.numbers("ggml.scores", len(tokens.texts))
    unknown = metadata.token_id("unknown", 2, len(tokens.texts))
    if scores is None or unknown is None:
        raise metadata.broken("it has no scores, or no unknown token")
    normalizer: list[Part] = []
    if charsmap := metadata.list_of("ggml.precompiled_charsmap", int, "numbers"):
        data = bytes(number & 0xFF for number in charsmap)
        with failing_library(lambda error: metadata.broken("its precompiled_charsmap cannot be read")):
            Precompiled(data)
        normalizer.append({"type": "Precompiled", "precompiled_charsmap": base64.b64encode(data).decode()})
    spaced = metadata.flag("ggml.add_space_prefix", False)
    if metadata.flag("ggml.remove_extra_whitespaces", False):
        normalizer += [_replace_all("\\A +| +\\z", ""), _replace_all(" +", " ")]
        spaced = True
    if spaced:
        normalizer.append(_replace_all(BEFORE_WORDS, SPACE))
    vocab = [[text, 0.0 if tokens.types[i] != NORMAL else float(scores[i])] for i, text in enumerate(tokens.texts)]
    model = {"type": "Unigram", "unk_id": unknown, "vocab": vocab, "byte_fallback": False}
    return Parts([*normalizer, _replace(" ", SPACE)], [], _spelt_as_text(spaced), model, (False, True))


def _longest(header: Header, tokens: TokenList) -> Parts:
    """WordPiece: from the beginning of a word on, always the longest token."""
    metadata = Metadata(header)
    lower = metadata.flag("ggml.normalizer.lowercase", True)
    accents = metadata.flag("ggml.normalizer.strip_accents", lower)
    unknown = metadata.token_id("unknown", 100, len(tokens.texts))
    if unknown is None:
        raise metadata.broken("it has no unknown token")
    vocab = {_word_piece(text, tokens.types[i]): i for i, text in enumerate(tokens.texts)}
    normalizer = {
        "type": "BertNormalizer",
        "clean_text": True,
        "handle_chinese_chars": True,
        "strip_accents": accents,
        "lowercase": lower,
    }
    model = {
        "type": "WordPiece",
        "unk_token": tokens.texts[unknown],
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 1_000_000,
        "vocab": vocab,
    }
    decoder = {"type": "WordPiece", "prefix": "##", "cleanup": False}
    return Parts([normalizer], [{"type": "BertPreTokenizer"}], [decoder], model, (True, True))


def _word_piece(text: str, kind: int) -> str:
    """As BERT spells a token: the file marks beginnings of words, and BERT what goes on."""
    if kind != NORMAL:
        return text
    return text.removeprefix(SPACE) if text.startswith(SPACE) else "##" + text


FAMILIES: dict[str, Callable[[Header, TokenList], Parts]] = {
    "gpt2": _merged,
    "gemma4": _merged,
    "llama": _scored,
    "t5": _likeliest,
    "bert": _longest,
}


def _bpe(tokens: TokenList, merges: Merges, *, ignore_merges: bool = False, byte_fallback: bool = False) -> Part:
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": byte_fallback,
        "ignore_merges": ignore_merges,
        "vocab": tokens.ids,
        "merges": merges,
    }


def _split(pattern: str, behavior: str = "Isolated") -> Part:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": False}


def _byte_level() -> Part:
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}


def _replace(what: str, content: str) -> Part:
    return {"type": "Replace", "pattern": {"String": what}, "content": content}


def _replace_all(pattern: str, content: str) -> Part:
    return {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}


def _spelt_as_text(first_space: bool) -> list[Part]:
    """What makes texts of such tokens; `first_space` says whether one stands before every text."""
    dropped = [{"type": "Strip", "content": " ", "start": 1, "stop": 0}] if first_space else []
    return [_replace(SPACE, " "), {"type": "ByteFallback"}, {"type": "Fuse"}, *dropped]
