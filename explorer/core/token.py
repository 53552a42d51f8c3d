"""Token: an id and its bytes; how bytes become text, and how text is shown without driving the terminal.

Owns the rule that ids are the truth and text is a view: bytes may be half a character, and a half is shown as its
bytes. Must not know tokenizers, models or colours.
"""

import unicodedata
from collections.abc import Container
from typing import Literal

import msgspec

Bytes = bytes
"""The type, where a field is called `bytes`."""

Kind = Literal["text", "bytes", "special", "unused"]
"""`text`: whole UTF-8; `bytes`: not; `special`: a marker of the tokenizer; `unused`: an id without an entry."""


class Token(msgspec.Struct, frozen=True, gc=False):
    """One entry of a vocabulary, as it stands at one place of a sequence."""

    id: int
    bytes: Bytes
    kind: Kind
    piece: str = ""
    """The entry as the tokenizer spells it, such as `Ġtime` or `▁time`; empty where it is not known."""

    @property
    def text(self) -> str | None:
        """The token's text, or None where its bytes are not whole UTF-8."""
        try:
            return self.bytes.decode()
        except UnicodeDecodeError:
            return None

    @classmethod
    def from_bytes(cls, token_id: int, data: Bytes) -> "Token":
        """A token of which only the bytes are known, from a record say."""
        try:
            data.decode()
        except UnicodeDecodeError:
            return cls(token_id, data, "bytes")
        return cls(token_id, data, "text")


def take_text(data: bytes) -> tuple[str, bytes]:
    """Split bytes into the text that is complete and the rest, which may still become a character.

    Bytes that can never become one are shown as `‹EB›`. The rest is at most three bytes.
    """
    shown: list[str] = []
    while data:
        try:
            return "".join(shown) + data.decode(), b""
        except UnicodeDecodeError as error:
            shown.append(data[: error.start].decode())
            if error.reason == "unexpected end of data" and error.end == len(data):
                return "".join(shown), data[error.start :]
            shown.append(shown_bytes(data[error.start : error.end]))
            data = data[error.end :]
    return "".join(shown), b""


def shown_bytes(data: bytes) -> str:
    """Bytes that are no character: `‹EC 98›`."""
    return f"‹{data.hex(' ').upper()}›" if data else ""


def _picture(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if code == 0x2028:
        return "‹LS›"
    if code == 0x2029:
        return "‹PS›"
    return f"‹{code:04X}›"


UNSETTLED = frozenset("\u200c\u200d\ufe0e\ufe0f") | frozenset(map(chr, range(0x1F3FB, 0x1F400)))
"""Joiners, variation selectors and skin tones: what they do to the width of an emoji, no two terminals agree on."""


def visible(text: str, keep: Container[str] = "") -> str:
    """The text with control and format characters as pictures (␛ ␀ ␍ ‹202E›), except those in `keep`.

    Unassigned and private characters are shown by their code: no terminal agrees with another on their width.
    """
    if text.isprintable() and (keep is UNSETTLED or UNSETTLED.isdisjoint(text)):
        return text
    return "".join(c if c in keep or _is_plain(c) else _picture(c) for c in text)


def _is_plain(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] != "C" and category not in ("Zl", "Zp") and character not in UNSETTLED


def is_driving(character: str) -> bool:
    """Whether a terminal may do something at it, or turn the direction of what follows: it must never be sent one."""
    category = unicodedata.category(character)
    return category in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in UNSETTLED


def begun(data: bytes) -> bytes:
    """The first bytes of a character that bytes end in; empty where they end with a whole one."""
    return take_text(data[-3:])[1]


def ended(before: bytes, token: Token) -> str:
    """The character of which `before` are the first bytes and the token has the last; empty where it ends none."""
    for count in range(1, 4) if before and token.kind == "bytes" else ():
        try:
            return (before + token.bytes[:count]).decode()
        except UnicodeDecodeError:
            continue
    return ""


def label(token: Token, before: bytes = b"") -> str:
    """One token on one line: spaces as ␣, line breaks as ↵, control characters as pictures, half characters as bytes.

    A combining mark at the start stands on a dotted circle, so that it does not join what is written before it. Behind
    an arrow stands the character that the token ends: `‹9C›→서`. `before` are the first bytes of it, from other tokens.
    """
    character = ended(before, token)
    if character:
        return f"{label(token)}→{label(Token.from_bytes(token.id, character.encode()))}"
    if token.kind == "unused" and not token.bytes:
        return "(unused)"
    text, rest = take_text(token.bytes)
    shown = visible(text.replace("\n", "↵")).replace(" ", "␣") + shown_bytes(rest)
    if shown and unicodedata.category(shown[0])[0] == "M":
        shown = "◌" + shown
    return shown or "(empty)"
