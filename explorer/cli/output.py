"""What the program writes: tables and sentences for a person, data for a program, and texts that were asked for.

Owns the rule that no text from elsewhere drives a terminal: control and direction characters are pictures wherever a
person reads, and \\u escapes in JSON. No other module of the command line writes anything. Into a pipe or a file, a
text that was asked for goes byte for byte. Must not know what is written.
"""

import contextlib
import errno
import io
import json
import math
import os
import re
import sys
from collections.abc import Iterator
from typing import Any, TextIO

import msgspec

from explorer.core.reading import reason
from explorer.core.token import UNSETTLED, visible
from explorer.errors import OutputError

PLAIN = UNSETTLED | {"\n", "\t"}
"""What a terminal is given as it is, beside characters that can be seen."""

LONGEST_WORD = 1000
"""Characters of a word in a sentence: longer ones are thousands of digits, say, of which nobody reads all."""


def tell(text: str) -> None:
    """A line for a person, on standard output. Raises OutputError, as all that write here."""
    _write(visible(text, UNSETTLED) + "\n")


def say(sentence: str) -> None:
    """A sentence beside the data, on standard error, on one line."""
    with contextlib.suppress(OSError):  # Whoever does not hear it has closed the stream.
        sys.stderr.write(one_line(sentence) + "\n")
        sys.stderr.flush()


def waiting_for(name: str) -> None:
    """That nothing has come from a pipe yet."""
    say(f"Waiting for {name}; Ctrl+C ends that.")


def one_line(sentence: str) -> str:
    """A sentence as it is shown: one line, pictures for what would drive a terminal, no word without an end."""
    words = visible(sentence, PLAIN).split()
    return " ".join(w if len(w) <= LONGEST_WORD else f"{w[:80]}…{w[-20:]}" for w in words)


def put(text: str) -> None:
    """A text that was asked for: byte for byte into a pipe or a file, as UTF-8; with pictures on a terminal."""
    if on_terminal():
        _write(visible(text, PLAIN))
    else:
        _write(text.encode(errors="surrogateescape"))


def print_text(text: str) -> None:
    """As `put`, with a line break at the end where a person reads."""
    put(f"{text}\n" if on_terminal() else text)


def print_json(value: Any) -> None:
    """A value, on one line; what would drive a terminal is escaped, which makes no other value of it."""
    try:
        written = msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # Half a character, in the name of a file say.
        written = json.dumps(_finite(msgspec.to_builtins(value)))
    shown = written if written.isprintable() else _DRIVING.sub(_escaped, written)
    _write(f"{shown}\n".encode())


def put_styled(drawn: str) -> None:
    """What `tables` has drawn, whose styles are the only escape sequences in it."""
    _write(drawn)


def on_terminal() -> bool:
    """Whether a person reads standard output as it comes."""
    return sys.stdout is not None and sys.stdout.isatty()


def overwrite(stream: TextIO, text: str = "") -> None:
    """Write over the line of a terminal that the cursor is on; without a text, clear it."""
    raw = stream.raw if isinstance(stream, Pictured) else stream
    with contextlib.suppress(OSError):
        raw.write(f"\r{visible(text)}\x1b[K")
        raw.flush()


class Pictured(io.TextIOBase):
    """Standard error for whoever else writes to it: the warnings and logs of libraries."""

    def __init__(self, raw: TextIO) -> None:
        self.raw = raw

    def write(self, text: str) -> int:
        self.raw.write(visible(text, PLAIN))
        return len(text)

    def flush(self) -> None:
        self.raw.flush()

    def isatty(self) -> bool:
        return self.raw.isatty()

    def fileno(self) -> int:
        return self.raw.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]  # typeshed has an attribute, which cannot follow another's
        return self.raw.encoding


@contextlib.contextmanager
def pictured_errors() -> Iterator[None]:
    """Whatever is written to standard error meanwhile is made visible, too."""
    raw = sys.stderr
    sys.stderr = Pictured(raw)
    try:
        yield
    finally:
        sys.stderr = raw


_DRIVING = re.compile(
    "[\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0001-\U000e007f]"
)
"""What JSON would let pass: control characters above the space, line and paragraph ends, marks of direction."""


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]


def _finite(value: Any) -> Any:
    """As msgspec writes it: a number that is not finite is null."""
    match value:
        case dict():
            return {name: _finite(one) for name, one in value.items()}
        case list() | tuple():
            return [_finite(one) for one in value]
        case float() if not math.isfinite(value):
            return None
    return value


def _write(data: str | bytes) -> None:
    """At once, and whole. A broken pipe is its caller's matter: it means that the reader has had enough."""
    try:
        if sys.stdout is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        if isinstance(data, str):
            sys.stdout.write(data)
        else:
            sys.stdout.flush()
            sys.stdout.buffer.write(data)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise not_written(error) from error


def unwritten() -> OutputError | None:
    """Why what others wrote to standard output (click its help, say) did not get there; None where nothing is known."""
    try:
        sys.stdout.flush()
        os.write(sys.stdout.fileno(), b"")
    except io.UnsupportedOperation:  # It is no file of the system.
        return None
    except OSError as error:
        return not_written(error)
    return None


def not_written(error: OSError) -> OutputError:
    """The sentence for what the system says of standard output."""
    closed = error.errno == errno.EBADF
    return OutputError(f"The output cannot be written: {'standard output is closed' if closed else reason(error)}.")
