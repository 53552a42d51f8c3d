"""The language of the scripted engine: a few words over UTF-8 bytes, and a very short story.

Owns the ids: one below 256 is a byte, the others are words. Must not know logits or engines.
"""

import hashlib
import itertools
from functools import cache

from explorer.core.token import Kind, Token
from explorer.engine.vocabulary.entries import Entries

WORDS = (
    "<|begin|>",
    "<|end|>",
    "Once",
    " upon",
    " a",
    " time",
    ",",
    " there",
    " was",
    " little",
    " fox",
    " bear",
    " who",
    " sang",
    ".",
    " The",
    " end",
    "옛날",
    " 옛적에",
    "\n",
)
BOS, EOS = 256, 257
SPECIAL = (BOS, EOS)
SIZE = 256 + len(WORDS)


def token(token_id: int) -> Token:
    """The token of an id; one without an entry is of the kind `unused`."""
    if not 0 <= token_id < SIZE:
        return Token(token_id, b"", "unused")
    if token_id < 256:
        return Token.from_bytes(token_id, bytes([token_id]))
    kind: Kind = "special" if token_id in SPECIAL else "text"
    word = WORDS[token_id - 256]
    return Token(token_id, word.encode(), kind, word)


def encode(text: str) -> list[int]:
    """The ids of a text: of the words that it could begin with, always the longest."""
    longest = sorted(range(len(WORDS)), key=lambda index: -len(WORDS[index]))
    ids: list[int] = []
    rest = text
    while rest:
        index = next((i for i in longest if rest.startswith(WORDS[i])), None)
        if index is None:
            ids += rest[0].encode()
            rest = rest[1:]
        else:
            ids.append(256 + index)
            rest = rest[len(WORDS[index]) :]
    return ids


@cache
def entries() -> Entries:
    """The bytes of every token."""
    return Entries([token(token_id).bytes for token_id in range(SIZE)], SPECIAL)


def fingerprint() -> str:
    """Of the vocabulary."""
    return hashlib.sha256("\0".join(WORDS).encode()).hexdigest()


def story() -> dict[int, dict[int, float]]:
    """What comes after a token, with its logit, where the story is told."""
    ids = {word: 256 + index for index, word in enumerate(WORDS)}
    beginning = ["Once", " upon", " a", " time", ",", " there", " was", " a"]
    table = {ids[word]: {ids[after]: 9.0} for word, after in itertools.pairwise(beginning)}
    table[ids[" a"]] = {ids[" time"]: 9.5, ids[" little"]: 8.0, ids[" fox"]: 7.0}
    table[ids[" little"]] = {ids[" fox"]: 9.0, ids[" bear"]: 8.5}
    table[ids[" fox"]] = table[ids[" bear"]] = {ids[" who"]: 9.0, ids["."]: 8.0}
    table[ids[" who"]] = {ids[" sang"]: 10.0}
    table[ids[" sang"]] = {ids["."]: 10.0}
    table[ids["."]] = {ids[" The"]: 9.0, EOS: 8.0}
    table[ids[" The"]] = {ids[" end"]: 9.0, ids[" fox"]: 8.0, ids[" bear"]: 8.0}
    table[ids[" end"]] = {ids["."]: 8.0, EOS: 9.0}
    return table
