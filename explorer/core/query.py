"""Query: what a person asks of a vocabulary, in one line; the same notation says what is forced.

    time          a text, in which \\n, \\t, \\r, \\x1b and \\\\ stand for what they usually do
    #1234         the token of an id
    0x20 ec 98    bytes, two hexadecimal digits each, and nothing else; \\x20\\xec\\x98 is the same
    /^ ?the$/     a regular expression

A backslash before the first character makes a text of all of them: \\#1234, \\0x20, \\/the/. Must not know
vocabularies.
"""

import re
from string import hexdigits
from typing import Literal

import msgspec

from explorer.core.reading import whole_number
from explorer.errors import UsageError

ID = re.compile(r"#(\d+)")
HEX = re.compile(r"0x(.*)", re.DOTALL)
ESCAPED_BYTES = re.compile(r"(?:\\x[0-9a-fA-F]{2})+")
REGEX = re.compile(r"/(.+)/", re.DOTALL)
ESCAPE = re.compile(r"\\([ntr\\]|x[0-7][0-9a-fA-F])")
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
CONTROL = re.compile("[\x00-\x1f\x7f]")
DOUBLED = re.compile(r"\\(?=[ntr\\\x00-\x1f\x7f]|x[0-7][0-9a-fA-F])")
"""A backslash that would be read together with what follows it."""
LITERAL = re.compile(r"\\(?=[#/]|0x)")


class Query(msgspec.Struct, frozen=True):
    """One of the four; the fields of the others are empty."""

    kind: Literal["text", "regex", "id", "bytes"]
    text: str = ""
    """The text, or the pattern of the regular expression."""
    id: int = 0
    data: bytes = b""

    @classmethod
    def parse(cls, typed: str, regex: bool = True) -> "Query":
        """What a line means; without `regex`, a line between slashes is a text. Raises UsageError for half a byte."""
        if found := ID.fullmatch(typed):
            return cls("id", id=_id(found[1]))
        if found := HEX.fullmatch(typed):
            return cls("bytes", data=_bytes(found[1]))
        if found := ESCAPED_BYTES.fullmatch(typed):
            return cls("bytes", data=_bytes(found[0].replace("\\x", "")))
        if regex and (found := REGEX.fullmatch(typed)):
            return cls("regex", found[1])
        literal = typed[1:] if LITERAL.match(typed) else typed
        return cls("text", ESCAPE.sub(_meant, literal))


def escaped(text: str) -> str:
    """The text as it is typed inside of a line: without line breaks and other control characters."""
    doubled = DOUBLED.sub(r"\\\\", text)
    written = {character: f"\\{letter}" for letter, character in ESCAPES.items()}
    return CONTROL.sub(lambda found: written.get(found[0], f"\\x{ord(found[0]):02x}"), doubled)


def _meant(escape: re.Match[str]) -> str:
    return ESCAPES.get(escape[1]) or chr(int(escape[1][1:], 16))


def _id(digits: str) -> int:
    try:
        return whole_number(digits)
    except ValueError as error:
        raise UsageError(f"There is no id of {len(digits):,} digits.") from error


def _bytes(digits: str) -> bytes:
    joined = "".join(digits.split())
    if not joined or len(joined) % 2 or not set(joined) <= set(hexdigits):
        raise UsageError(r"Write each byte as two hexadecimal digits: 0x20 ec. For a text that begins so, write \0x.")
    return bytes.fromhex(joined)
