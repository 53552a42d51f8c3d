"""The list of tokens in a GGUF file: what each is, which stand for themselves in a text, which begin and end one.

Owns the keys `tokenizer.ggml.*` but for merges and splitting, and the rules by which llama.cpp finds markers that a
file names nowhere. Must not know how texts are split or put together.
"""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

from explorer.core.token import visible
from explorer.engine.gguf.header import Header
from explorer.errors import ModelError

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
"""Types of tokens, as the file numbers them."""

MOST = 4_000_000
"""Tokens; the largest published lists have 262,144."""

UNUSUAL = 80
"""Characters of a token or a name that are shown in a sentence about it."""

FAMILY = "tokenizer.ggml.model"

ENDS = (
    *("<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>", "<end_of_turn>"),
    *("<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<|end_of_text|>"),
    *("<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>"),
    *("<\uff5cend\u2581of\u2581sentence\uff5c>", "[e~["),
)
"""Tokens that end what is written, whatever the file says of them."""

FILLS = {
    "fim_pre": (
        *("<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<\uff5cfim\u2581begin\uff5c>", "<PRE>", "\u2581<PRE>"),
        *("<|code_prefix|>", "<|prefix|>"),
    ),
    "fim_suf": (
        *("<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<\uff5cfim\u2581hole\uff5c>", "<SUF>", "\u2581<SUF>"),
        *("<|code_suffix|>", "<|suffix|>"),
    ),
    "fim_mid": (
        *("<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<\uff5cfim\u2581end\uff5c>", "<MID>", "\u2581<MID>"),
        *("<|code_middle|>", "<|middle|>"),
    ),
    "fim_pad": ("<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"),
    "fim_rep": ("<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"),
    "fim_sep": ("<|file_sep|>",),
}
"""Markers of texts with a hole: the key of each, and what they are called where a file does not say."""

OLD_KEYS = {"fim_pre": "prefix", "fim_suf": "suffix", "fim_mid": "middle"}
FILLED_ENDS = ("fim_pad", "fim_rep", "fim_sep")
"""Those that end what is written, too."""

CHANNELS = ("<|channel|>", "<|message|>", "<|start|>", "<|constrain|>")
"""Markers of gpt-oss that are shown as texts."""


class TokenList(NamedTuple):
    """The tokens of a file, in order of their ids."""

    family: str
    """`gpt2`, `llama`, `gemma4`, `t5`, `bert`; what the file calls its kind of tokenizer."""
    texts: list[str]
    types: list[int]
    """Types by id, with what llama.cpp makes of them where it knows better."""
    ids: dict[str, int]
    """The id of each text."""
    ends: list[int]
    """The ids that end what is written, ascending."""

    @property
    def markers(self) -> list[int]:
        """The ids of tokens that stand for themselves wherever a text has them."""
        return [token_id for token_id, kind in enumerate(self.types) if kind in (UNKNOWN, CONTROL, USER_DEFINED)]


class Metadata:
    """Values of a header by their keys after `tokenizer.`, each of the kind that is wanted. Raises ModelError."""

    def __init__(self, header: Header) -> None:
        self._header = header

    def broken(self, why: str) -> ModelError:
        """What is raised for a tokenizer that cannot be."""
        return ModelError(f"The tokenizer in {self._header.path.name} is broken: {why}. Download the file again.")

    def text(self, key: str) -> str | None:
        """A text, or None where there is none."""
        value = self._value(key, str, "text")
        if value is not None and not _is_text(value):
            raise self.broken(f"tokenizer.{key} is no text in UTF-8")
        return None if value is None else str(value)

    def flag(self, key: str, default: bool) -> bool:
        """True or False."""
        value = self._value(key, bool, "yes or no")
        return default if value is None else bool(value)

    def token_id(self, name: str, default: int | None, count: int) -> int | None:
        """The id under `ggml.NAME_token_id`; the default where there is none, or one that the list does not have."""
        value = self._value(f"ggml.{name}_token_id", int, "number")
        if default is not None and default >= count:
            default = None
        return value if isinstance(value, int) and 0 <= value < count else default

    def numbers(self, key: str, count: int) -> list[Any] | None:
        """A list of at least so many numbers, or None where there is none."""
        value = self.list_of(key, (int, float), "numbers")
        if value is not None and not all(map(math.isfinite, value)):
            raise self.broken(f"tokenizer.{key} is no list of finite numbers")
        if value is not None and len(value) < count:
            raise self.broken(f"tokenizer.{key} has {len(value):,} numbers for {count:,} tokens")
        return value

    def list_of(self, key: str, kinds: type | tuple[type, ...], called: str) -> list[Any] | None:
        """A list of values of some kinds, or None where there is none."""
        value = self._value(key, list, f"list of {called}")
        # The values of one list are of one type in the file, so that the first tells of them all.
        if value and not isinstance(value[0], kinds):
            raise self.broken(f"tokenizer.{key} is no list of {called}")
        return None if value is None else list(value)

    def _value(self, key: str, kind: type, called: str) -> Any:
        value = self._header.metadata.get(f"tokenizer.{key}")
        if value is None or type(value) is kind:
            return value
        raise self.broken(f"tokenizer.{key} is no {called}")


def read_tokens(header: Header) -> TokenList:
    """The tokens of a file. Raises ModelError."""
    metadata = Metadata(header)
    family = metadata.text("ggml.model")
    texts: list[str] | None = metadata.list_of("ggml.tokens", str, "texts")
    if not family or not texts:
        raise ModelError(
            f"{header.path.name} has no tokenizer. Download a file of the same model that has one: the explorer shows "
            "texts, and not ids alone."
        )
    if len(texts) > MOST:
        raise metadata.broken(f"it has {len(texts):,} tokens, and more than {MOST:,} are in no model")
    if not _is_text("".join(texts)):
        broken = next(token_id for token_id, text in enumerate(texts) if not _is_text(text))
        raise metadata.broken(f"its token {broken} is no text in UTF-8")
    texts = [text or f"[EMPTY_{token_id}]" for token_id, text in enumerate(texts)]
    ids = {text: token_id for token_id, text in enumerate(texts)}
    if len(ids) < len(texts):
        twice = next(token_id for token_id, text in enumerate(texts) if ids[text] != token_id)
        raise metadata.broken(f"its tokens {twice} and {ids[texts[twice]]} are both “{_shown(texts[twice])}”")
    kinds = metadata.numbers("ggml.token_type", len(texts))
    types = [NORMAL] * len(texts) if kinds is None else kinds[: len(texts)]
    ends = _ends(metadata, texts, types, ids, family)
    return TokenList(family, texts, types, ids, ends)


DEFAULTS = {"llama": (1, 2), "gpt2": (11, 11), "t5": (None, 1), "bert": (101, None)}
"""BOS and EOS of a family, where a file names none."""


def bos_id(header: Header, tokens: TokenList) -> int | None:
    """The id of BOS; None where there is none."""
    return Metadata(header).token_id("bos", DEFAULTS.get(tokens.family, (None, None))[0], len(tokens.texts))


def eos_id(header: Header, tokens: TokenList) -> int | None:
    """The id of EOS; None where there is none."""
    return Metadata(header).token_id("eos", DEFAULTS.get(tokens.family, (None, None))[1], len(tokens.texts))


def _ends(metadata: Metadata, texts: list[str], types: list[int], ids: dict[str, int], family: str) -> list[int]:
    """The ids that end what is written; `types` are mended on the way, as llama.cpp does.

    A marker by its name is a marker whatever its type says.
    """
    count, ends = len(texts), set()
    # A family's default is guessed by no one: a text would end at a comma.
    said = {name: metadata.token_id(name, None, count) for name in ("eos", "eot", "eom")}
    if said["eos"] is None and (default := DEFAULTS.get(family, (None, None))[1]) is not None:
        said["eos"] = default if default < count and types[default] == CONTROL else None
    for name, called in FILLS.items():
        found = metadata.token_id(name, None, count)
        if found is None and name in OLD_KEYS:
            found = metadata.token_id(OLD_KEYS[name], None, count)
        if found is None and (found := _first(ids, called)) is not None:
            _mark(types, found)
        if found is not None and name in FILLED_ENDS:
            ends.add(found)
    for text in ENDS:
        if (found := ids.get(text)) is not None:
            ends.add(found)
            _mark(types, found)
    for text in CHANNELS:
        if (found := ids.get(text)) is not None:
            types[found] = USER_DEFINED
    ends.update(token_id for token_id in said.values() if token_id is not None)
    spelt = {texts[token_id] for token_id in ends}
    for text, kind in _no_ends(spelt):
        ends.discard(ids[text])
        types[ids[text]] = kind
    return sorted(ends)


def _no_ends(spelt: set[str]) -> Iterable[tuple[str, int]]:
    """Tokens that are no ends beside certain others, and their types."""
    calls = "<|call|>" in spelt or "<|calls|>" in spelt
    if "<|end|>" in spelt and calls and ("<|return|>" in spelt or "<|flush|>" in spelt):
        yield "<|end|>", USER_DEFINED
    if "</s>" in spelt and ("<|tool_response>" in spelt or "<|plamo:eos|>" in spelt):
        yield "</s>", NORMAL


def _mark(types: list[int], token_id: int) -> None:
    if types[token_id] != UNKNOWN:
        types[token_id] = CONTROL


def _first(ids: dict[str, int], called: Iterable[str]) -> int | None:
    return min((ids[text] for text in called if text in ids), default=None)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(text: str) -> str:
    return visible(text[:UNUSUAL])
