"""Place: where a table stands in a tree. Must not know the tree."""

from typing import NamedTuple


class Place(NamedTuple):
    """What a table of the current tree answers."""

    node: int
    """The node that the next token comes after."""
    at: int | None = None
    """Inside the prompt, how many of its tokens come before the next one; `node` is 0 then."""
