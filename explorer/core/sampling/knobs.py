"""Knobs: one row for each setting of the samplers, from which everything that offers settings is derived.

Owns a setting's title, the value that leaves the model alone, what is allowed, the values that a key walks through,
and how a value is read and written as a text. Must not know what a sampler does with it, nor which key turns it.
"""

import math
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from explorer.errors import UsageError

MAX_SEED = 2**63 - 1

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


def _grid(parts: int, first: int, last: int) -> tuple[float, ...]:
    return tuple(place / parts for place in range(first, last + 1))


KNOBS = (
    Knob(
        name="temperature",
        title="temperature",
        kind="number",
        help="Divides the logits: below 1 sharper, above 1 flatter; 0 is greedy.",
        allowed="0 (greedy), or above 0 and at most 100",
        off=1.0,
        low=ABOVE_ZERO,
        high=100,
        steps=_grid(10, 0, 50),
    ),
    Knob(
        name="top_p",
        title="top-p",
        kind="number",
        help="Keeps the smallest set of most likely tokens whose probability reaches it; 1 is off.",
        allowed="above 0 and at most 1 (off)",
        off=1.0,
        low=ABOVE_ZERO,
        high=1,
        steps=_grid(20, 1, 20),
    ),
    Knob(
        name="top_k",
        title="top-k",
        kind="count",
        help="Keeps that many of the most likely tokens; 0 is off.",
        allowed="0 (off) or a positive number",
        off=0,
        steps=(1, 2, 5, 10, 20, 50, 100, 200, 0),
    ),
    Knob(
        name="min_p",
        title="min-p",
        kind="number",
        help="Cuts tokens less likely than this share of the most likely one; 0 is off.",
        allowed="from 0 (off) to 1",
        off=0.0,
        high=1,
        steps=(0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0),
    ),
    Knob(
        name="typical_p",
        title="typical-p",
        kind="number",
        help="Keeps, up to this mass, the tokens whose surprisal is nearest to the entropy; 1 is off.",
        allowed="above 0 and at most 1 (off)",
        off=1.0,
        low=ABOVE_ZERO,
        high=1,
        steps=_grid(20, 1, 20),
    ),
    Knob(
        name="epsilon_cutoff",
        title="epsilon",
        kind="number",
        help="Cuts tokens less likely than this; 0 is off.",
        allowed="0 (off) or below 1",
        off=0.0,
        high=BELOW_ONE,
        steps=(0.0, 1e-4, 3e-4, 6e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1),
    ),
    Knob(
        name="eta_cutoff",
        title="eta",
        kind="number",
        help="Cuts tokens less likely than this, or than a bound that falls with the entropy; 0 is off.",
        allowed="0 (off) or below 1",
        off=0.0,
        high=BELOW_ONE,
        steps=(0.0, 1e-4, 3e-4, 6e-4, 1e-3, 2e-3, 4e-3, 0.01, 0.03, 0.1),
    ),
    Knob(
        name="top_h",
        title="top-h",
        kind="number",
        help="Keeps, of the 100 most likely tokens, the first that hold this share of their entropy; 0 is off.",
        allowed="0 (off), or above 0 and at most 1",
        off=0.0,
        high=1,
        # 1 is not off: it still keeps 100 tokens at the most.
        steps=(*_grid(20, 1, 20), 0.0),
    ),
    Knob(
        name="repetition_penalty",
        title="repetition",
        kind="number",
        help="Makes every token of the text so far less likely when above 1, more likely when below; 1 is off.",
        allowed="from 0.01 to 100 (1 is off)",
        off=1.0,
        low=0.01,
        high=100,
        steps=_grid(20, 10, 40),
    ),
    Knob(
        name="no_repeat_ngram_size",
        title="no-repeat",
        kind="count",
        help="Bans every token that would repeat a run of this many tokens of the text; 0 is off.",
        allowed="0 (off) or a positive number",
        off=0,
        steps=(0, *range(1, 11)),
    ),
    Knob(
        name="logit_bias",
        title="logit bias",
        kind="biases",
        help="Is added to the logits of some tokens, by their ids.",
        allowed="token ids with biases from -100 to 100, as in 13=-5, 42=2.5",
        off=(),
        low=-100,
        high=100,
    ),
    Knob(
        name="suppress_tokens",
        title="banned",
        kind="ids",
        help="Tokens that are never drawn, by their ids.",
        allowed="token ids, as in 13, 42",
        off=(),
    ),
    Knob(
        name="min_new_tokens",
        title="min new",
        kind="count",
        help="Bans the end of the text until that many tokens stand after the prompt; 0 is off.",
        allowed="0 (off) or a positive number",
        off=0,
        steps=(0, 1, 2, 5, 10, 20, 50, 100, 200),
    ),
    Knob(
        name="seed",
        title="seed",
        kind="seed",
        help="Of the random numbers that draw.",
        allowed=f"from 0 to {MAX_SEED}",
        off=None,
        high=MAX_SEED,
    ),
)
"""In the order in which they are shown."""

KNOB = {knob.name: knob for knob in KNOBS}

CUT_NAMES = {knob.name: knob.title for knob in KNOBS} | {"temperature": "greedy"}
"""What a token is said to be cut by, by the name of the sampler."""


def take_settings(settings: Mapping[str, object], source: str) -> dict[str, Any]:
    """The settings of a table in a file, or of a model, by their names.

    Raises UsageError, which names the source, for an unknown name or a value that is not allowed.
    """
    unknown = sorted(settings.keys() - KNOB.keys())
    if unknown:
        raise UsageError(f"{source} has an unknown setting “{unknown[0]}”. The settings are: {', '.join(KNOB)}.")
    try:
        return {name: KNOB[name].take(value) for name, value in settings.items()}
    except UsageError as error:
        raise UsageError(f"In {source}: {error}") from error
