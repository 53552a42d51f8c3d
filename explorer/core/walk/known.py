"""Known tokens: those that events may name by their ids, of each vocabulary that a record knows.

Owns how a token is spelt that stands first in a sequence. Must not know tokenizers: whoever does teaches.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from explorer.core.token import Token


@dataclass(slots=True)
class _Vocabulary:
    tokens: dict[int, Token] = field(default_factory=dict)
    first: dict[int, Token] = field(default_factory=dict)
    special: frozenset[int] = frozenset()


class KnownTokens:
    """Vocabularies are named by their fingerprints."""

    def __init__(self) -> None:
        self._vocabularies: dict[str, _Vocabulary] = defaultdict(_Vocabulary)

    def learn(self, tokenizer: str, tokens: Iterable[Token]) -> None:
        self._vocabularies[tokenizer].tokens.update((token.id, token) for token in tokens)

    def learn_sequence(self, tokenizer: str, tokens: Sequence[Token]) -> None:
        """The tokens of a prompt: some tokenizers spell the first of a sequence without its space."""
        self._vocabularies[tokenizer].first.update((token.id, token) for token in tokens[:1])
        self.learn(tokenizer, tokens[1:])

    def learn_special(self, tokenizer: str, ids: Iterable[int]) -> None:
        """Which ids are markers, and no text; of a token of which only the bytes are known, nothing else tells it."""
        vocabulary = self._vocabularies[tokenizer]
        vocabulary.special |= frozenset(ids)

    def spelt(self, tokenizer: str, token_id: int, data: str) -> Token:
        """The token of an id that is made of its bytes, in hexadecimal."""
        if token_id in self._vocabularies[tokenizer].special:
            return Token(token_id, bytes.fromhex(data), "special")
        return Token.from_bytes(token_id, bytes.fromhex(data))

    def of(self, tokenizer: str) -> Mapping[int, Token]:
        return self._vocabularies[tokenizer].tokens

    def token(self, tokenizer: str, token_id: int, data: str = "") -> Token:
        """The token of an id; one that nobody told is made of its bytes, in hexadecimal, where they are given."""
        tokens = self._vocabularies[tokenizer].tokens
        if data and token_id not in tokens:
            tokens[token_id] = self.spelt(tokenizer, token_id, data)
        return tokens.get(token_id) or Token(token_id, b"", "unused")

    def sequence(self, tokenizer: str, ids: Sequence[int], data: Sequence[str]) -> tuple[Token, ...]:
        """The tokens of a prompt; those that nobody told are made of the bytes in the record."""
        known = self._vocabularies[tokenizer]
        tokens = []
        for index, token_id in enumerate(ids):
            token = (known.first.get(token_id) if not index else None) or known.tokens.get(token_id)
            if token is None and index < len(data):
                token = self.spelt(tokenizer, token_id, data[index])
            tokens.append(token or self.token(tokenizer, token_id))
        return tuple(tokens)
