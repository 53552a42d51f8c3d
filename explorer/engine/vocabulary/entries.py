"""Entries: the bytes of a whole vocabulary, made once, to be searched and to spell with.

Owns what it means for a token to match a query, and the spelling of bytes. Must not know tokenizers, nor how likely a
token is.
"""

import math
import time
from collections.abc import Callable, Collection, Sequence
from functools import cached_property

import regex

from explorer.core.query import Query
from explorer.core.token import shown_bytes
from explorer.errors import UsageError

PATIENCE = 2.0
"""Seconds of a processor that a regular expression may take over a vocabulary."""

SHORT = 12
"""Characters of an entry that no regular expression takes long over. Longer ones are matched against a clock, which
costs more than the match."""

REPEAT = regex.compile(r"\{(\d*),?(\d*)\}")
DIGITS = 9
"""Of a count that is read; one of more is more than any."""

SHOWN = 60
"""Characters of an expression, in a sentence about it."""

REPEATS = 10_000
"""What the counts of a regular expression may multiply to: each repeat is written out before it is matched."""

BLOCK = 1024
"""Entries between two looks at the clock."""


class Entries:
    """`data`: the bytes of each id as they stand after another token, None of an id without an entry.

    `special` are never part of a spelling; `fallback` only where no other has the same bytes.
    """

    def __init__(
        self, data: Sequence[bytes | None], special: Collection[int] = (), fallback: Collection[int] = ()
    ) -> None:
        self._data = data
        self._special, self._fallback = special, fallback

    def matching(self, query: Query, cancelled: Callable[[], bool] = lambda: False) -> list[int]:
        """The ids that a query means, ascending; none where `cancelled`.

        A text: those that contain it, in whatever case. A regular expression: those in which it is found, half
        characters being single characters that nothing else is. Bytes: those that begin with them. Raises UsageError
        for a regular expression that is none, or takes too long.
        """
        match query.kind:
            case "id":
                return [query.id]
            case "bytes":
                return [i for i, data in enumerate(self._data) if data is not None and data.startswith(query.data)]
            case "text":
                wanted = query.text.casefold()
                return [i for i, text in enumerate(self._folded) if text is not None and wanted in text]
        return self._found(query.text, cancelled)

    def _found(self, pattern: str, cancelled: Callable[[], bool]) -> list[int]:
        numbers = [number.lstrip("0") for repeat in REPEAT.findall(pattern) for number in repeat if number]
        counts = [int(number or "0") if len(number) <= DIGITS else REPEATS + 1 for number in numbers]
        named = f"/{pattern if len(pattern) <= SHOWN else pattern[:SHOWN] + '…'}/"
        if math.prod(counts) > REPEATS:
            raise UsageError(f"{named} repeats more than {REPEATS:,} times: no token is that long. Lower the counts.")
        try:
            search = regex.compile(pattern).search
        except regex.error as error:
            raise UsageError(f"{named} is not a regular expression: {error}.") from None
        except (RecursionError, MemoryError, OverflowError):
            raise UsageError(f"{named} is nested too deep for a regular expression.") from None
        short, long, found = self._short, self._long, []
        # Not by the clock on the wall: a busy machine is not the expression's fault.
        end = time.thread_time() + PATIENCE
        try:
            for begin in range(0, len(short), BLOCK):
                if cancelled():
                    return []
                found += [token_id for token_id, text in short[begin : begin + BLOCK] if search(text)]
                if time.thread_time() >= end:
                    raise TimeoutError
            for token_id, text in long:
                if search(text, timeout=max(end - time.thread_time(), 0.0)):
                    found.append(token_id)
        except TimeoutError:
            raise UsageError(
                f"{named} takes more than {PATIENCE:g} s over this vocabulary. Avoid a repeat inside a repeat."
            ) from None
        return sorted(found)

    @cached_property
    def _short(self) -> list[tuple[int, str]]:
        return [(i, text) for i, text in enumerate(self._texts) if text is not None and len(text) <= SHORT]

    @cached_property
    def _long(self) -> list[tuple[int, str]]:
        return [(i, text) for i, text in enumerate(self._texts) if text is not None and len(text) > SHORT]

    @cached_property
    def _texts(self) -> list[str | None]:
        return [None if data is None else data.decode(errors="surrogateescape") for data in self._data]

    @cached_property
    def _folded(self) -> list[str | None]:
        return [None if text is None else text.casefold() for text in self._texts]

    @cached_property
    def _by_bytes(self) -> dict[bytes, int]:
        """The id that spells some bytes: the smallest, and of the fallback last."""
        order = sorted(
            range(len(self._data)), key=lambda token_id: (token_id in self._fallback, token_id), reverse=True
        )
        return {data: i for i in order if (data := self._data[i]) and i not in self._special}

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self._by_bytes), default=0)

    def spelling(self, data: bytes) -> list[int]:
        """The fewest ids whose bytes join to exactly `data`; of equally few, those that begin with the longest tokens.

        Raises UsageError where there are none.
        """
        if (whole := self._by_bytes.get(data)) is not None:
            return [whole]
        # From the end on: how many tokens what follows a place takes, and the first of them.
        count = [0.0 if place == len(data) else float("inf") for place in range(len(data) + 1)]
        first = [b""] * len(data)
        for place in range(len(data) - 1, -1, -1):
            for end in range(min(place + self._longest, len(data)), place, -1):
                if count[end] + 1 < count[place] and data[place:end] in self._by_bytes:
                    count[place], first[place] = count[end] + 1, data[place:end]
        if data and not first[0]:
            raise UsageError(f"This vocabulary has no tokens that spell {_quoted(data)}.{self._hint(data)}")
        ids, place = [], 0
        while place < len(data):
            ids.append(self._by_bytes[first[place]])
            place += len(first[place])
        return ids

    def _hint(self, data: bytes) -> str:
        """What would be spelt instead, where a space is all that is in the way."""
        if data.startswith(b" ") or not self._is_spelt(b" " + data):
            return ""
        return f" A word begins with its space here: try {_quoted(b' ' + data)}."

    def _is_spelt(self, data: bytes) -> bool:
        try:
            return bool(self.spelling(data))
        except UsageError:
            return False


def _quoted(data: bytes) -> str:
    """The text, where it is one; else the bytes."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return shown_bytes(data[:20])
    return repr(text if len(text) <= 20 else f"{text[:20]}…")
