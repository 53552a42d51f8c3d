"""Knob: one setting of the samplers, and how its values are checked, read, written and walked through.

Must not know which settings there are, what a sampler does with one, nor which key turns it.
"""

import math
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from explorer.errors import UsageError

Setting = float | tuple[int, ...] | tuple[tuple[int, float], ...] | None
"""A number, token ids, (token id, bias) pairs by id, or a seed that is not chosen yet."""

ABOVE_ZERO = math.ulp(0.0)
BELOW_ONE = math.nextafter(1.0, 0.0)


class Knob(msgspec.Struct, frozen=True, kw_only=True):
    """One setting, by the name that transformers gives it."""

    name: str
    title: str
    kind: Literal["number", "count", "ids", "biases", "seed"]
    help: str
    """What it does, in one sentence."""
    allowed: str
    """What stands after “must be”."""
    off: Setting
    """Leaves the model's distribution as it is."""
    low: float = 0.0
    high: float = math.inf
    steps: tuple[float, ...] = ()
    """The values that a key walks through, in their order; allowed also where they are below `low`."""

    def step(self, value: Setting, direction: int) -> Setting:
        """The next of the steps, upwards for a direction of 1, downwards for -1; at an end, the step at that end.

        Where `off` is the first of the steps it counts as below every value, where it is the last as above: a top-k of
        0, which keeps every token, comes after 200.
        """
        if not self.steps:
            return value
        here = self._place(value)
        if direction > 0:
            return next((step for step in self.steps if self._place(step) > here), self.steps[-1])
        return next((step for step in reversed(self.steps) if self._place(step) < here), self.steps[0])

    def share(self, value: Setting) -> float | None:
        """How far along the steps a value is, from 0 to 1; None for a setting without steps."""
        if not self.steps:
            return None
        below = sum(self._place(step) < self._place(value) for step in self.steps)
        return min(below / (len(self.steps) - 1), 1.0)

    def _place(self, value: Setting) -> float:
        if value == self.off == self.steps[0]:
            return -math.inf
        if value == self.off == self.steps[-1]:
            return math.inf
        assert isinstance(value, int | float)
        return value

    def take(self, given: Any) -> Any:
        """The value that is meant by a text, or by what a TOML or JSON file says. Raises UsageError."""
        try:
            value = self._read(given) if isinstance(given, str) else given
            if self.kind == "number" and not isinstance(value, bool):
                value = float(value)
            elif self.kind == "ids":
                value = tuple(sorted(set(value)))
            elif self.kind == "biases":
                pairs = value.items() if isinstance(value, Mapping) else value
                value = tuple(sorted({int(token_id): float(bias) for token_id, bias in pairs}.items()))
        except (TypeError, ValueError, OverflowError) as error:
            raise self._refusal(given) from error
        self.check(value)
        return value

    def _read(self, text: str) -> Any:
        text = text.strip()
        if text == "off":
            return self.off
        words = text.replace(",", " ").split()
        match self.kind:
            case "number":
                return float(text)
            case "count" | "seed":
                return int(text)
            case "ids":
                return [int(word) for word in words]
            case "biases":
                return [word.split("=", 1) for word in words]

    def check(self, value: Any) -> None:
        """Raises UsageError for a value that is not allowed."""
        match self.kind:
            case "ids":
                fine = isinstance(value, tuple) and all(_is_id(token_id) for token_id in value)
            case "biases":
                fine = isinstance(value, tuple) and all(
                    _is_id(token_id) and self.low <= bias <= self.high for token_id, bias in value
                )
            case _:
                number = _is_whole(value) or (isinstance(value, float) and self.kind == "number")
                allowed = number and (self.low <= value <= self.high or value in self.steps)
                fine = allowed or (value == self.off and not isinstance(value, bool))
        if not fine:
            raise self._refusal(value)

    def _refusal(self, value: Any) -> UsageError:
        if isinstance(value, str):
            value = f"“{value}”"
        shown = f"{value:g}" if isinstance(value, float) else value
        return UsageError(f"{self.title} must be {self.allowed}, not {shown}.")

    def text(self, value: Setting) -> str:
        """The value as a person may enter it: `take` gives it back."""
        if value == self.off and self.name != "temperature":
            return "off"
        if isinstance(value, tuple):
            words = (one if isinstance(one, int) else f"{one[0]}={_digits(one[1])}" for one in value)
            return ", ".join(map(str, words))
        return str(value) if value is None else _digits(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_id(value: Any) -> bool:
    return _is_whole(value) and value >= 0


def _digits(number: float) -> str:
    return repr(number).removesuffix(".0")
