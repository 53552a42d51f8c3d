"""Alignment: the tokens of several vocabularies beside each other, on one text.

Owns where all of them are cut at once. Must not know vocabularies.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec

Span = tuple[int, int]
"""The characters of a token: from the first up to the second; of none where both are the same."""


class Stretch(msgspec.Struct, frozen=True):
    """The shortest piece of a text that no vocabulary shares with what is beside it."""

    begin: int
    end: int
    tokens: list[list[int]]
    """Of each vocabulary, the indices of its tokens here."""


def stretches(length: int, spans: Sequence[Sequence[Span]]) -> list[Stretch]:
    """The stretches of a text of so many characters; `spans` are those of each vocabulary's tokens, in order.

    A token of no characters is beside the one before it. Those at the beginning and at the end of the text are in
    stretches of no characters.
    """
    inside: set[int] = set()
    for one in spans:
        for begin, end in one:
            inside.update(range(begin + 1, end))
    cuts = sorted({0, length, *(place for one in spans for span in one for place in span)} - inside)
    bounds = [(0, 0), *pairwise(cuts), (length, length)]
    places = [list(_places(one, cuts)) for one in spans]
    found = [
        Stretch(begin, end, [[i for i, place in enumerate(one) if place == number] for one in places])
        for number, (begin, end) in enumerate(bounds)
    ]
    return [stretch for stretch in found if stretch.begin < stretch.end or any(stretch.tokens)]


def _places(spans: Sequence[Span], cuts: Sequence[int]) -> Iterator[int]:
    """The stretch of each token, by its number; 0 is that before the text, and `len(cuts)` that behind it."""
    place, own = 0, max((i for i, (begin, end) in enumerate(spans) if begin < end), default=len(spans))
    for index, (begin, end) in enumerate(spans):
        if begin < end:
            place = bisect_right(cuts, begin)
        yield place if index <= own else len(cuts)
