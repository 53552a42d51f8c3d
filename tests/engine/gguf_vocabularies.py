"""Small GGUF files with a vocabulary and no weights, in the format of llama.cpp's own `ggml-vocab-*.gguf`.

Every two of a few characters, of as many classes as pre-tokenizers tell apart, are a token: so where a text is split
shows in its ids. `tests/data/gguf-ids.json` has what llama.cpp makes of TEXTS. Where the package llama_cpp can be
imported, it is written anew by

    python -m tests.engine.gguf_vocabularies
"""

import ctypes
import importlib
import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf

from explorer.engine.vocabulary.gguf_splitting import KINDS
from explorer.engine.vocabulary.vocabulary import byte_alphabet
from tests.engine.gguf_files import add_value, finish

RECORDED = Path(__file__).parent.parent / "data" / "gguf-ids.json"

UNITS = [
    "a",
    "B",
    "s",
    "t",
    "'",
    "1",
    "2",
    ".",
    "$",
    " ",
    "\n",
    "\r",
    "\t",
    "é",
    "가",
    "字",
    "٣",
    "²",
    "\u3000",
    "\u0301",
]
"""Characters that are letters of either case, marks, digits, symbols, spaces and newlines, of one byte and of more."""

MARKERS = ["<unk>", "<s>", "</s>", "<|im_end|>", "<|user|>", "  \t", "<|endoftext|>"]
"""Ids 0 to 6; the one of spaces is a text of the user's."""
NAMED = ["<|end|>", "<|return|>", "<|call|>", "<|channel|>", "<fim_prefix>", "<PAD>", "[PAD]", "<|repo_name|>", "[e~["]
"""Markers that a file tells nothing of."""
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6
TYPES = [UNKNOWN, CONTROL, CONTROL, CONTROL, CONTROL, USER_DEFINED, CONTROL]

TEXTS = [
    "", "a", " a", "a  B", "  aB  ", "aB's a'S B't", "Ba's'", "1", "12", "121", "1212", "12121 a1212a",
    "a12.1$12", "٣²1", "a.B..$$ .a", "$a .s", "\n", "\n\n", "a\n\n\nB", " \n a", "\r\n a\r\n\r\n", "\t a \t",
    "  \t a  \t\t", "\n" * 7 + "a", "éaé É", "가가 字가a", "字12가", "a\u0301B\u0301 \u0301", "\u3000a\u3000\u3000.",
    "가\u3000字  字", "😀🇰🇷 ж", "<|user|>a<s> a", "a</s><unk> </s>", "<|im_end|>\n<|user|> \n a", "<0x0A>", "▁a ▁",
    "\x00\x0b\x85", "'s's", "a" * 40, "a B" * 9, "s. s't",
    "<|end|>a<|channel|> <fim_prefix>[PAD]<|repo_name|> <|tool_response></s>[e~[<|call|>",
]  # fmt: skip


def spelt(text: str) -> str:
    """A text in GPT-2's alphabet."""
    alphabet = {byte: character for character, byte in byte_alphabet().items()}
    return "".join(alphabet[byte] for byte in text.encode())


def merged() -> tuple[list[str], list[tuple[str, str]]]:
    """Byte-level tokens, and their merges: characters of their bytes, and then every two characters."""
    tokens, merges = list(byte_alphabet()), []
    for unit in map(spelt, UNITS):
        for end in range(2, len(unit) + 1):
            if unit[:end] not in tokens:
                tokens.append(unit[:end])
                merges.append((unit[: end - 1], unit[end - 1]))
    pairs = [(spelt(left), spelt(right)) for left in UNITS for right in UNITS]
    random.Random(0).shuffle(pairs)
    return [*tokens, *(left + right for left, right in pairs)], [*merges, *pairs]


def as_texts() -> tuple[list[str], list[tuple[str, str]]]:
    """Tokens that are spelt as texts, with ▁ for a space, and their merges."""
    units = [unit.replace(" ", "▁") for unit in UNITS]
    pairs = [(left, right) for left in units for right in units]
    random.Random(0).shuffle(pairs)
    return [*units, *(left + right for left, right in pairs)], pairs


def files(folder: Path) -> Iterator[tuple[str, Path]]:
    """A file of each kind, and what it is called."""
    for names, splitting in KINDS.items():
        path = folder / f"{names[0]}.gguf"
        if splitting.spelt_as_text:
            yield names[0], spelt_as_text(path, names[0])
        else:
            yield names[0], byte_level(path, names[0])
    yield "lacking bytes", byte_level(folder / "lacking.gguf", "gpt-2", lacking=["\x0b", "\t"])
    yield "markers by name", byte_level(folder / "names.gguf", "qwen2", more=NAMED)
    yield (
        "ends by key",
        byte_level(folder / "keys.gguf", "qwen2", eot_token_id=20, eom_token_id=21, fim_rep_token_id=22),
    )
    yield "gemma4 family", spelt_as_text(folder / "family.gguf", None, more=["<|tool_response>", "<eos>", "<mask>"])
    for spaced in (True, False):
        yield f"sentencepiece {spaced}", scored(folder / f"{spaced}.gguf", add_space_prefix=spaced)
    yield "phi-3", scored(folder / "phi.gguf", name="Tiny Phi-3")
    yield "EOS at the end", scored(folder / "eos.gguf", add_eos_token=True, add_bos_token=False)
    yield "old keys", byte_level(folder / "old.gguf", None)
    yield "no BOS", byte_level(folder / "bos.gguf", "llama-bpe", add_bos_token=False)
    yield "unigram", scored(folder / "unigram.gguf", family="t5", add_space_prefix=True)
    yield "unigram, spaces", scored(folder / "spaces.gguf", family="t5", remove_extra_whitespaces=True)
    yield "wordpiece", words(folder / "bert.gguf")


def byte_level(path: Path, pre: str | None, lacking: Any = (), more: Any = (), **said: Any) -> Path:
    tokens, merges = merged()
    tokens = [*tokens, *more]
    gone = {spelt(character) for character in lacking}
    tokens = [token for token in tokens if not any(character in token for character in gone)]
    pairs = [" ".join(pair) for pair in merges if not any(character in "".join(pair) for character in gone)]
    named: dict[str, Any] = {} if pre is None else {"pre": pre}
    return written(path, "gpt2", tokens, merges=pairs, **(named | said))


def spelt_as_text(path: Path, pre: str | None, more: Any = ()) -> Path:
    tokens, merges = as_texts()
    tokens = [*tokens, *more]
    lines = ["\n" * count for count in range(3, 9)]
    family: dict[str, Any] = {"family": "gemma4"} if pre is None else {"family": "gpt2", "pre": pre}
    return written(
        path, tokens=[*tokens, *lines], merges=[" ".join(pair) for pair in merges], byte_tokens=True, **family
    )


def scored(path: Path, family: str = "llama", **said: Any) -> Path:
    tokens, _ = as_texts()
    tokens = [*tokens, "▁▁▁", "a▁B", "▁a▁B", "aaa", "aaaaaa", "가가가"]
    scores = [-float(place + 1) / 8 for place in range(len(tokens))]
    return written(path, family, tokens, byte_tokens=family == "llama", scores=scores, **said)


def words(path: Path) -> Path:
    tokens = ["▁a", "▁b", "a", "b", "▁as", "s", "▁1", "2", "1", "▁12", "▁.", "▁$", "▁'", "▁字", "▁e", "e", "▁ab", "t"]
    return written(path, "bert", tokens, bos_token_id=1, seperator_token_id=2)


def written(
    path: Path,
    family: str,
    tokens: list[str],
    *,
    byte_tokens: bool = False,
    scores: list[float] | None = None,
    merges: list[str] | None = None,
    name: str = "tiny",
    **said: Any,
) -> Path:
    """A file with the markers, bytes where they are wanted, and tokens; `said` are further keys of `tokenizer.ggml`."""
    spare = [f"<0x{byte:02X}>" for byte in range(256)] if byte_tokens else []
    known = [*MARKERS, *spare, *(token for token in tokens if token not in MARKERS)]
    writer = gguf.GGUFWriter(path, "bert" if family == "bert" else "llama")
    writer.add_name(name)
    writer.add_tokenizer_model(family)
    writer.add_token_list(known)
    writer.add_token_types([*TYPES, *[BYTE] * len(spare), *[NORMAL] * (len(known) - len(TYPES) - len(spare))])
    if scores is not None:
        writer.add_token_scores([0.0] * (len(known) - len(scores)) + scores)
    if merges is not None:
        writer.add_token_merges(merges)
    ids = {"bos_token_id": 1, "eos_token_id": 2, "unknown_token_id": 0}
    for key, value in (ids | said).items():
        add_value(writer, f"tokenizer.ggml.{key}", value)
    finish(writer)
    return path


class LlamaCpp:
    """A vocabulary as llama.cpp reads it."""

    def __init__(self, file: Path) -> None:
        self._library: Any = importlib.import_module("llama_cpp")
        self._said = self._library.llama_log_callback(lambda *_: None)
        self._library.llama_log_set(self._said, ctypes.c_void_p(0))
        wanted = self._library.llama_model_default_params()
        wanted.vocab_only = True
        self._model = self._library.llama_model_load_from_file(str(file).encode(), wanted)
        if not self._model:
            raise ValueError(f"llama.cpp cannot load {file.name}")
        self._vocabulary = self._library.llama_model_get_vocab(self._model)

    def encode(self, text: str) -> list[int]:
        """The ids of a text, with what is put around it; markers in it are read as such."""
        data = text.encode()
        ids = (self._library.llama_token * (len(data) + 16))()
        count = self._library.llama_tokenize(self._vocabulary, data, len(data), ids, len(ids), True, True)
        return list(ids[:count])

    def ends(self) -> list[int]:
        """The ids that it stops at."""
        count = self._library.llama_vocab_n_tokens(self._vocabulary)
        return [token for token in range(count) if self._library.llama_vocab_is_eog(self._vocabulary, token)]


def main() -> None:
    """Write RECORDED."""
    with tempfile.TemporaryDirectory() as folder:
        made = {}
        for name, file in files(Path(folder)):
            theirs = LlamaCpp(file)
            made[name] = {"ends": theirs.ends(), "ids": [theirs.encode(text) for text in TEXTS]}
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(said, separators=(',', ':'))}" for name, said in made.items())
    origin = "the ids that llama.cpp gives to TEXTS of tests/engine/gguf_vocabularies.py, which wrote this file"
    RECORDED.write_text(f'{{"what": "{origin}",\n{lines}\n}}\n', "utf-8")


if __name__ == "__main__":
    main()
