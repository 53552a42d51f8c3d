"""History: the acts of a person, which can be undone and done again.

Owns which changes belong to one act. Must not know events, nor how a change is made.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple


class Change(NamedTuple):
    """One thing that became another: the cursor, the name of a bookmark, or whether a node is deleted."""

    what: Literal["cursor", "bookmark", "deleted"]
    before: Any
    after: Any
    root: int = 0
    node: int = 0

    @property
    def inverse(self) -> "Change":
        return self._replace(before=self.after, after=self.before)


class History:
    """An act is a list of changes; the last one can be joined by more, until something is undone."""

    def __init__(self) -> None:
        self.done: list[list[Change]] = []
        self.undone: list[list[Change]] = []
        self._open = False

    def add(self, changes: Iterable[Change], joined: bool) -> None:
        """What changed, as an act of its own, or as a part of the last one."""
        if not (joined and self._open):
            self.done.append([])
        act = self.done[-1]
        for change in changes:
            if act and change.what == act[-1].what == "cursor":
                act[-1] = act[-1]._replace(after=change.after)  # Of a long run, the ends say all.
            else:
                act.append(change)
        self.undone.clear()
        self._open = True

    def undo(self) -> Iterator[Change]:
        """The changes that undo the last act, which can be done again afterwards. Raises IndexError."""
        act = self.done.pop()
        self.undone.append(act)
        self._open = False
        return (change.inverse for change in reversed(act))

    def redo(self) -> Iterator[Change]:
        """The changes of the act that was undone last. Raises IndexError."""
        act = self.undone.pop()
        self.done.append(act)
        self._open = False
        return iter(act)

    def clear(self) -> None:
        """Forget everything: what was done cannot be undone from here on."""
        self.done.clear()
        self.undone.clear()
        self._open = False
