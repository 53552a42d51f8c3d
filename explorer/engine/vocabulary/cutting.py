"""Cut: the call for the tokens of a text with the places that they have in it, which a tokenizer alone answers.

Owns the call and its answer. Must not know tokenizers.
"""

import msgspec

from explorer.core.token import Token
from explorer.engine.calls import Call


class CutToken(msgspec.Struct, frozen=True):
    """A token of a text, and its characters there: from `begin` up to `end`, the same where the tokenizer added it.

    Tokens that are parts of one character have that character.
    """

    token: Token
    begin: int
    end: int


class CutText(msgspec.Struct, frozen=True):
    """A text in the tokens of one vocabulary."""

    kind: str
    """How the vocabulary was made: `BPE`, `byte-level BPE`, `WordPiece`, `Unigram` or `WordLevel`."""
    entries: int
    tokens: list[CutToken]


class Cut(Call[CutText], frozen=True, kw_only=True):
    """The tokens of a text as `Encode` gives them, each with its place. Raises UsageError as it does."""

    text: str
    special_tokens: bool = True
