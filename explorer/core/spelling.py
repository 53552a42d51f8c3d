"""Spelling: whether the tokens of a text spell it, and what a person should know where they do not.

Owns the sentences. Must not know tokenizers.
"""

from collections.abc import Sequence

from explorer.core.token import Token, shown_bytes, take_text, visible

SHOWN = 40
"""Characters of a text that are quoted."""

BEFORE = 8
"""Of them, those before the first that is another one."""


def spelling_note(text: str, tokens: Sequence[Token]) -> str:
    """A sentence where the tokens spell another text, or begin with two BOS tokens; else nothing.

    Tokens that the tokenizer added at the ends do not count, nor a space at an end or behind a special token, which
    many families put there.
    """
    if len(tokens) > 1 and tokens[0].kind == "special" and tokens[0].id == tokens[1].id:
        piece = visible(tokens[0].piece)
        if text.startswith(tokens[0].piece) and not text.startswith(tokens[0].piece * 2):
            return f"The text has its own {piece} and gets another one from the tokenizer: --no-bos leaves that out."
    spelt = [_spelt(tokens[begin:end]) for begin, end in _ends(tokens)]
    if text in spelt or text in [one.removeprefix(" ") for one in spelt]:
        return ""
    if text in [one.removesuffix(" ").removeprefix(" ") for one in spelt]:
        return ""
    if text in [_spelt(_tight(tokens[begin:end])) for begin, end in _ends(tokens)]:
        return ""
    told = max(spelt, key=lambda one: _common(text, one.removeprefix(" "))).removeprefix(" ")
    begin = max(_common(text, told) - BEFORE, 0)
    shown = visible(told[begin : begin + SHOWN], "\n").replace("\n", "↵")
    ends = "…" if begin else "", "…" if begin + SHOWN < len(told) else ""
    return f"The tokenizer changes this text: its tokens spell “{ends[0]}{shown}{ends[1]}”."


def _ends(tokens: Sequence[Token]) -> list[tuple[int, int]]:
    """From where to where the text's own may be: one special token at each end is the likeliest to be added."""
    begins = next((i for i, token in enumerate(tokens) if token.kind != "special"), len(tokens))
    ends = next((i for i, token in enumerate(reversed(tokens)) if token.kind != "special"), 0)
    added = [
        (begin, end)
        for begin in range(min(begins, MOST_ADDED) + 1)
        for end in range(min(ends, MOST_ADDED, len(tokens) - begin) + 1)
    ]
    return [
        (begin, len(tokens) - end) for begin, end in sorted(added, key=lambda one: abs(one[0] - 1) + abs(one[1] - 1))
    ]


MOST_ADDED = 3
"""Tokens that a tokenizer adds at one end of a text."""


def _tight(tokens: Sequence[Token]) -> list[Token]:
    """Without the space that a tokenizer puts behind a special token."""
    before = [None, *tokens]
    return [
        Token(token.id, token.bytes.removeprefix(b" "), token.kind) if last is None or last.kind == "special" else token
        for last, token in zip(before, tokens, strict=False)
    ]


def _spelt(tokens: Sequence[Token]) -> str:
    text, rest = take_text(b"".join(token.bytes for token in tokens))
    return text + shown_bytes(rest)


def _common(one: str, other: str) -> int:
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
