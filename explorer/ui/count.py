"""Count: the number that a person types before a key, as in `5 Space`. Must not know what the key does with it."""

from textual import events


class Count:
    """Holds at most `digits` of them."""

    def __init__(self, digits: int) -> None:
        self._digits = digits
        self._typed = 0
        """The number, while it is typed."""
        self._count: int | None = None
        """The number before the key that was pressed last."""

    def feed(self, event: events.Key) -> int | None:
        """A digit makes the number as it is returned, 0 where it cannot begin one; any other key ends it, with None."""
        if len(event.key) > 1 or event.key not in "0123456789":
            self._count, self._typed = self._typed or None, 0
            return None
        count = self._typed * 10 + int(event.key)
        if len(str(count)) <= self._digits:
            self._typed = count
        return self._typed

    @property
    def typing(self) -> bool:
        """Whether a number is being typed."""
        return self._typed > 0

    def take(self) -> int | None:
        """The number before this key; None where there was none."""
        count, self._count = self._count, None
        return count
