"""Hints: sentences that are worth knowing, and can wait for room on the status line.

Owns how long each stands: until something else happens than when it was first seen. Must not know what they say.
"""

from collections.abc import Hashable, Iterable


class Hints:
    """One after the other, each once."""

    def __init__(self) -> None:
        self._waiting: list[str] = []
        self._seen: Hashable = None
        """When the first of them was seen first; None before."""

    def add(self, sentences: Iterable[str]) -> None:
        """Sentences to be shown after those that wait; an empty one is none."""
        self._waiting += filter(None, sentences)

    def show(self, moment: Hashable) -> str:
        """The one that stands at this moment, which a person sees now; empty where there is none."""
        if self._seen is not None and self._seen != moment:
            self._waiting.pop(0)
            self._seen = None
        if not self._waiting:
            return ""
        self._seen = moment
        return self._waiting[0]
