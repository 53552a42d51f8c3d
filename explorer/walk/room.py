"""Room: how many tokens can still follow where the table of a walk stands, and what is said where few can.

Owns from when on it is said. Must not know widgets.
"""

from typing import NamedTuple

from explorer.wording import Wording

NEARLY_FULL = 16
"""Positions left, from which on it is said."""


class Room(NamedTuple):
    """What is left of a context."""

    left: int | None
    """Positions; None where the model has no limit."""

    @classmethod
    def after(cls, used: int, context_length: int | None) -> "Room":
        """What so many tokens leave."""
        return cls(None if context_length is None else max(context_length - used, 0))

    @property
    def is_full(self) -> bool:
        """Whether no token can be added."""
        return self.left == 0

    def note(self, words: Wording) -> str:
        """That the context is full or nearly so; empty where there is room."""
        if self.left is None or self.left > NEARLY_FULL:
            return ""
        return words("walk.nearly_full", n=self.left) if self.left else words("walk.full")
