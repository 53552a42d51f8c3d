"""Query: what a person asks of a vocabulary, in one line; the same notation says what is forced.

    time          a text, in which \\n, \\t, \\r and \\\\ stand for what they usually do
    #1234         the token of an id
    0x20 ec 98    bytes, two hexadecimal digits each; \\x20\\xec\\x98 is the same
    /^ ?the$/     a regular expression

A backslash before the first character makes a text of all of them: \\#1234, \\0x20, \\/the/. Must not know
vocabularies.
"""

import re
from typing import Literal

import msgspec

from explorer.errors import UsageError

ID = re.compile(r"#(\d+)")
HEX = re.compile(r"0x([0-9a-fA-F\s]*)")
ESCAPED_BYTES = re.compile(r"(?:\\x[0-9a-fA-F]{2})+")
REGEX = re.compile(r"/(.+)/", re.DOTALL)
ESCAPE = re.compile(r"\\([ntr\\])")
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
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
            return cls("id", id=int(found[1]))
        if found := HEX.fullmatch(typed):
            return cls("bytes", data=_bytes(found[1]))
        if found := ESCAPED_BYTES.fullmatch(typed):
            return cls("bytes", data=_bytes(found[0].replace("\\x", "")))
        if regex and (found := REGEX.fullmatch(typed)):
            return cls("regex", found[1])
        literal = typed[1:] if LITERAL.match(typed) else typed
        return cls("text", ESCAPE.sub(lambda escape: ESCAPES[escape[1]], literal))


def _bytes(digits: str) -> bytes:
    joined = "".join(digits.split())
    if not joined or len(joined) % 2:
        raise UsageError(r"Write each byte as two hexadecimal digits: 0x20 ec. For a text that begins so, write \0x.")
    return bytes.fromhex(joined)
