"""History: the acts of a person, which can be undone and done again.

Owns which changes belong to one act. Must not know events, nor how a change is made.
"""

from collections.abc import Iterable

import msgspec

from explorer.core.walk.change import Change


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
            if act and change.kind == act[-1].kind == "cursor":
                act[-1] = msgspec.structs.replace(act[-1], after=change.after)  # Of a long run, the ends say all.
            else:
                act.append(change)
        self.undone.clear()
        self._open = True

    def to_undo(self) -> list[Change]:
        """The changes that undo the last act. Raises IndexError."""
        return [change.inverse for change in reversed(self.done[-1])]

    def to_redo(self) -> list[Change]:
        """The changes of the act that was undone last. Raises IndexError."""
        return self.undone[-1]

    def undo(self) -> None:
        """The last act is undone now, and can be done again. Raises IndexError."""
        self.undone.append(self.done.pop())
        self._open = False

    def redo(self) -> None:
        """The act that was undone last is done again now. Raises IndexError."""
        self.done.append(self.undone.pop())
        self._open = False

    def clear(self) -> None:
        """Forget everything: what was done cannot be undone from here on."""
        self.done.clear()
        self.undone.clear()
        self._open = False
