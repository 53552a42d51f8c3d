"""Vocabulary: ids to bytes and back, for every family of tokenizer, over the `tokenizers` library alone.

No public API gives the bytes of an id. They follow from the tokenizer's decoder: each step of it turns one entry into
text or bytes by itself, and differs at most for the first token of a sequence. Must not import transformers or torch.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders
from tokenizers.models import BPE

from explorer.core.token import Token, shown_bytes, take_text
from explorer.engine.vocabulary.entries import Entries
from explorer.engine.vocabulary.faults import failing_library, one_line
from explorer.engine.vocabulary.tokenizer_file import whole_tokenizer
from explorer.errors import UsageError

BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
LEADS = ("\n", "a")
"""What is put before a text that goes on after others: few entries join one of them with what follows."""


@cache
def byte_alphabet() -> dict[str, int]:
    """The characters under which GPT-2's byte-level BPE spells the 256 bytes (Radford et al., 2019)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + n): byte for n, byte in enumerate(others)}


class Vocabulary:
    """The entries of one tokenizer, whose stored padding and truncation are switched off, as transformers does.

    So is the dropout of merges (Provilkov et al., 2019), which is for training: a text would have other ids each time.

    `bos_id` is its token for the beginning of a text; `bos` says whether a text gets it, None being as the tokenizer
    does by default.
    """

    def __init__(self, tokenizer: Tokenizer, bos_id: int | None = None, bos: bool | None = None) -> None:
        self._tokenizer = tokenizer
        tokenizer.no_padding()
        tokenizer.no_truncation()
        if isinstance(tokenizer.model, BPE) and tokenizer.model.dropout:
            tokenizer.model.dropout = None
        self._bos_id, self._bos = bos_id, bos
        self._added = tokenizer.get_added_tokens_decoder()
        self._steps = _decoder_steps(tokenizer)
        self._suffix = getattr(tokenizer.model, "end_of_word_suffix", None) or ""
        """What the last piece of a word ends with, as in CLIP: a space, to whoever reads it."""
        kinds = [step["type"] for step in self._steps]
        self._fuse = kinds.index("Fuse") if "Fuse" in kinds else len(kinds)
        self._tokens: dict[tuple[int, bool], Token] = {}

    @classmethod
    def from_folder(cls, folder: Path, bos: bool | None = None) -> "Vocabulary | None":
        """The vocabulary of a folder whose tokenizer.json is the whole tokenizer; None where transformers is needed.

        Raises ModelError for a tokenizer.json that cannot be read.
        """
        if (whole := whole_tokenizer(folder)) is None:
            return None
        tokenizer, spelt = whole
        return cls(tokenizer, None if spelt is None else tokenizer.token_to_id(spelt), bos)

    def __len__(self) -> int:
        return self._tokenizer.get_vocab_size(with_added_tokens=True)

    def encode(self, text: str, special_tokens: bool = True) -> list[int]:
        """The ids of a text; with `special_tokens`, also those that the tokenizer adds by default (BOS, say).

        A BOS that the text itself begins with is the person's: none is put before it where one is wanted, and it stays
        where none is. Raises UsageError where a BOS is asked for that the tokenizer does not have, or where the library
        fails at the text.
        """
        ids = self._encoded(text, special_tokens)
        if not special_tokens or self._bos is None:
            return ids
        if self._bos_id is None:
            if self._bos:
                raise UsageError("This tokenizer has no BOS token: leave out --bos.")
            return ids
        if self._bos:
            return ids if ids[:1] == [self._bos_id] else [self._bos_id, *ids]
        own = _leading(self._encoded(text, special_tokens=False), self._bos_id)
        return ids[1:] if _leading(ids, self._bos_id) > own else ids

    def _encoded(self, text: str, special_tokens: bool) -> list[int]:
        with failing_library(lambda error: UsageError(f"The tokenizer fails at this text: {one_line(error)}.")):
            return list(self._tokenizer.encode(text, add_special_tokens=special_tokens).ids)

    def spans(self, text: str, ids: Sequence[int]) -> list[tuple[int, int]]:
        """The characters of a text that each of the `ids` has which `encode` gives for it; of an added one, none."""
        with failing_library(lambda error: UsageError(f"The tokenizer fails at this text: {one_line(error)}.")):
            encoding = self._tokenizer.encode(text, add_special_tokens=True)
            if list(encoding.ids) != list(ids):
                encoding = self._tokenizer.encode(text, add_special_tokens=False)
        spans = list(encoding.offsets)
        # A BOS that is wanted in spite of the tokenizer, or not wanted.
        if (more := len(ids) - len(spans)) > 0:
            return [(0, 0)] * more + spans
        return spans[len(spans) - len(ids) :]

    @property
    def kind(self) -> str:
        """How it was made: `BPE`, `byte-level BPE`, `WordPiece`, `Unigram` or `WordLevel`."""
        name = type(self._tokenizer.model).__name__
        return "byte-level BPE" if name == "BPE" and any(s["type"] == "ByteLevel" for s in self._steps) else name

    def continuation(self, text: str) -> list[int]:
        """The ids of a text that goes on after others: their bytes join to the text's, and nothing is put before it.

        As the tokenizer splits it, where that is exact: at once, or behind a character that is left out again (as
        sentencepiece puts its space before the first word). Otherwise the fewest tokens. Raises UsageError.
        """
        data = text.encode()
        for lead in ("", *LEADS):
            before = self.encode(lead, special_tokens=False)
            ids = self.encode(lead + text, special_tokens=False)
            rest = ids[len(before) :]
            if ids[: len(before)] == before and b"".join(self.token(token_id).bytes for token_id in rest) == data:
                return rest
        return self.entries.spelling(data)

    @cached_property
    def entries(self) -> Entries:
        """All of them, as they stand after another token; computed once, which takes a moment."""
        pieces = [self._tokenizer.id_to_token(token_id) for token_id in range(self._end)]
        data = [None if piece is None else self._bytes(piece, first=False) for piece in pieces]
        return Entries(
            data, set(self.special_ids), {i for i, piece in enumerate(pieces) if piece and BYTE.fullmatch(piece)}
        )

    @property
    def special_ids(self) -> list[int]:
        """Of the tokens that are markers, and no text."""
        return sorted(token_id for token_id, added in self._added.items() if added.special)

    @property
    def _end(self) -> int:
        """One more than the highest id."""
        return 1 + max(self._tokenizer.get_vocab(with_added_tokens=True).values(), default=-1)

    def token(self, token_id: int, first: bool = False) -> Token:
        """The token of an id; `first` for the first of a sequence, where some tokenizers drop a space."""
        key = (token_id, first)
        found = self._tokens.get(key)
        if found is None:
            found = self._tokens[key] = self._token(token_id, first)
        return found

    def tokens(self, ids: Sequence[int]) -> list[Token]:
        """The tokens of a sequence."""
        return [self.token(token_id, index == 0) for index, token_id in enumerate(ids)]

    def fingerprint(self) -> str:
        """SHA-256 over the entries in order of their ids."""
        entries = sorted(self._tokenizer.get_vocab(with_added_tokens=True).items(), key=lambda entry: entry[1])
        digest = hashlib.sha256()
        for piece, token_id in entries:
            digest.update(f"{token_id}\0{piece}\0".encode())
        return digest.hexdigest()

    def _token(self, token_id: int, first: bool) -> Token:
        piece = self._tokenizer.id_to_token(token_id) if 0 <= token_id < 2**32 else None
        if piece is None:
            return Token(token_id, b"", "unused")
        data = self._bytes(piece, first)
        added = self._added.get(token_id)
        if added is not None and added.special:
            return Token(token_id, data, "special", piece)
        try:
            data.decode()
        except UnicodeDecodeError:
            return Token(token_id, data, "bytes", piece)
        return Token(token_id, data, "text", piece)

    def _bytes(self, piece: str, first: bool) -> bytes:
        if not self._steps:  # Without a decoder, the library joins the entries with spaces.
            return (piece if first else " " + piece).encode()
        for position, step in enumerate(self._steps):
            match step["type"]:
                case "ByteLevel":
                    alphabet = byte_alphabet()
                    word = piece.removesuffix(self._suffix)
                    if all(character in alphabet for character in word):
                        return bytes(alphabet[character] for character in word) + b" " * (word != piece)
                case "ByteFallback":
                    if spelt := BYTE.fullmatch(piece):
                        data = bytes([int(spelt[1], 16)])
                        if not data.isascii():
                            return data
                        piece = data.decode()  # A whole character, such as a space: the later steps act on it.
                case "Replace":
                    piece = _replace(piece, step)
                case "Strip":
                    if position < self._fuse:
                        piece = _strip(piece, step["content"], step["start"], step["stop"])
                    elif first:  # After Fuse it acts on the whole text, of which only the beginning is known here.
                        piece = _strip(piece, step["content"], step["start"], 0)
                case "Metaspace":
                    dropped = first and step.get("prepend_scheme", "always") != "never"
                    piece = piece.replace(step["replacement"], "" if dropped else " ")
                case "WordPiece":
                    piece = _word_piece(piece, step, first)
                case "BPEDecoder":
                    piece = piece.replace(step["suffix"], " ")
        return piece.encode()


def _leading(ids: Sequence[int], token_id: int) -> int:
    """How often a sequence begins with a token."""
    return next((place for place, one in enumerate(ids) if one != token_id), len(ids))


def text_of(tokens: Sequence[Token]) -> str:
    """The text of a sequence; what is no whole character is shown as its bytes."""
    text, rest = take_text(b"".join(token.bytes for token in tokens))
    return text + shown_bytes(rest)


def _decoder_steps(tokenizer: Tokenizer) -> list[dict[str, Any]]:
    if tokenizer.decoder is None:
        return []
    spec = json.loads(tokenizer.decoder.__getstate__())
    return list(spec["decoders"]) if spec["type"] == "Sequence" else [spec]


def _replace(piece: str, step: dict[str, Any]) -> str:
    pattern = step["pattern"]
    if "String" in pattern:
        return piece.replace(pattern["String"], step["content"])
    # By the library: its expressions are those of another engine than Python's.
    return str(decoders.Replace(Regex(pattern["Regex"]), step["content"]).decode([piece]))


def _strip(piece: str, content: str, start: int, stop: int) -> str:
    """Without up to so many times a character at the beginning, and at the end."""
    begin, end = 0, len(piece)
    while begin < min(start, end) and piece[begin] == content:
        begin += 1
    while end > begin and len(piece) - end < stop and piece[end - 1] == content:
        end -= 1
    return piece[begin:end]


CLEANUP = {
    " .": ".",
    " ?": "?",
    " !": "!",
    " ,": ",",
    " ' ": "'",
    " n't": "n't",
    " 'm": "'m",
    " do not": " don't",
    " 's": "'s",
    " 've": "'ve",
    " 're": "'re",
}
"""What the library's WordPiece decoder tidies within one token."""


def _word_piece(piece: str, step: dict[str, Any], first: bool) -> str:
    if not first:
        prefix = step["prefix"]
        piece = piece.removeprefix(prefix) if piece.startswith(prefix) else " " + piece
    if step["cleanup"]:
        for loose, tidy in CLEANUP.items():
            piece = piece.replace(loose, tidy)
    return piece
