"""TerminalInput: from the bytes that a terminal sends to the messages of Textual.

Owns what is a paste: a terminal puts it between two marks, and what stands between them is text, whatever it is.
Textual reads an ESC inside it as keys (`Textual#1661`, `Textual#564`), and ends it at a mark that the text itself may
hold. Must not know what a key or a paste does.
"""

import codecs
from collections.abc import Iterator

from textual import events
from textual._time import get_time
from textual._xterm_parser import BRACKETED_PASTE_END, BRACKETED_PASTE_START, XTermParser
from textual.constants import ESCAPE_DELAY
from textual.message import Message

BURST = 0.15
"""Seconds of silence after which a paste that was ended is over: within them, its last mark is the one that counts."""
NO_END = 1.0
"""Seconds of silence after which a paste is taken that has no end."""
LATE = 2.0
"""Seconds in which the rest of a mark may follow an ESC that was already taken for the key."""
KEY_LENGTH = 12
"""Characters of a key, at most, by which it is told from the rest of a paste."""


class Keys(XTermParser):
    """Textual's parser, for what is no paste."""

    def time_out(self) -> Iterator[Message]:
        """What was begun is not gone on with: an ESC is the key."""
        if self._timeout_time is not None:
            self._timeout_time = 0.0
            yield from self.tick()


class TerminalInput:
    """Bytes in, messages out; `tick` is called where there are none, several times a second."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._keys = Keys()
        self._held = ""
        """The beginning of a mark, where nothing followed yet."""
        self._late = ""
        """What was held last, and then taken for a key."""
        self._parts: list[str] = []
        """What was pasted so far, and after its end what may still be of it."""
        self._pasting = False
        self._doubtful = False
        """Whether the last paste had no end: the rest of it may still come."""
        self._heard = get_time()

    def feed(self, data: bytes) -> Iterator[Message]:
        """What the bytes say, as far as that is clear."""
        text = self._held + self._decode(data)
        self._held = ""
        now = get_time()
        if self._late and now - self._heard < LATE and text.startswith(BRACKETED_PASTE_START[len(self._late) :]):
            text = self._late + text
        self._late, self._heard = "", now
        if self._doubtful:
            self._doubtful = False
            self._pasting = BRACKETED_PASTE_END in text or not is_one_key(text)
        if self._pasting:
            self._parts.append(text)
            return
        before, mark, rest = text.partition(BRACKETED_PASTE_START)
        if mark:
            self._pasting, self._parts = True, [rest]
        else:
            self._held = begun(before)
            before = before.removesuffix(self._held)
        yield from self._pressed(before)

    def tick(self) -> Iterator[Message]:
        """What follows from that nothing more comes."""
        silence = get_time() - self._heard
        if self._pasting:
            yield from self._end_paste(silence)
        elif self._held and silence >= (ESCAPE_DELAY if len(self._held) < 3 else NO_END):
            self._late, self._held = self._held, ""
            yield from self._pressed(self._late)
            yield from self._keys.time_out()
        else:
            yield from self._keys.tick()

    def _end_paste(self, silence: float) -> Iterator[Message]:
        if silence < BURST:
            return
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        text, mark, after = self._parts[0].rpartition(BRACKETED_PASTE_END)
        if not mark:
            if silence < NO_END:
                return
            text, after, self._doubtful = after, "", True
        self._pasting, self._parts = False, []
        yield events.Paste(cleaned(text))
        yield from self._pressed(after)

    def _pressed(self, text: str) -> Iterator[Message]:
        """The keys and the movements of the mouse in a text; nothing for what no terminal sends."""
        if not text:
            return
        try:
            for message in self._keys.feed(text):
                if not isinstance(message, events.Key) or is_text(message.character or ""):
                    yield message
        except (ArithmeticError, ValueError):
            # A number that is no character, a terminal without cells: what follows is heard again.
            self._keys = Keys()


def begun(text: str) -> str:
    """The beginning of the mark of a paste with which a text ends."""
    for length in range(len(BRACKETED_PASTE_START) - 1, 0, -1):
        if text.endswith(BRACKETED_PASTE_START[:length]):
            return BRACKETED_PASTE_START[:length]
    return ""


def is_one_key(text: str) -> bool:
    return len(text) == 1 or (text.startswith("\x1b") and len(text) <= KEY_LENGTH)


def is_text(text: str) -> bool:
    """Whether there are no halves of characters in it."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def cleaned(pasted: str) -> str:
    """A paste without the marks that stand inside, and without NUL, which no editor can hold."""
    for mark in (BRACKETED_PASTE_START, BRACKETED_PASTE_END, "\x00"):
        pasted = pasted.replace(mark, "")
    return pasted
