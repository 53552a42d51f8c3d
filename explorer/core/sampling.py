"""SamplingParams: what shapes the sampling distribution, validated, under the names of transformers and vLLM."""

import math
import random
from typing import Any

import msgspec

from explorer.errors import UsageError

MAX_SEED = 2**63 - 1


class SamplingParams(msgspec.Struct, frozen=True):
    """The settings of the samplers; everything is off by default. Raises UsageError for a value out of range."""

    temperature: float = 1.0
    """Divides the logits; 0 is greedy."""
    top_p: float = 1.0
    """Keeps the smallest set of most likely tokens whose probability reaches it; 1 is off."""
    top_k: int = 0
    """Keeps that many tokens; 0 is off."""
    seed: int | None = None
    """Of the random generator that draws; None until one is chosen."""

    def __post_init__(self) -> None:
        # Below 1e-4 the scaled logits lose their meaning in float32 before they overflow; 0 says what is meant.
        if not (self.temperature == 0 or 1e-4 <= self.temperature <= 100):
            raise UsageError(f"temperature must be 0 (greedy) or from 0.0001 to 100, not {self.temperature:g}.")
        if not 0 < self.top_p <= 1:
            raise UsageError(f"top-p must be above 0 and at most 1 (off), not {self.top_p:g}.")
        if self.top_k < 0:
            raise UsageError(f"top-k must be 0 (off) or a positive number, not {self.top_k}.")
        if self.seed is not None and not 0 <= self.seed <= MAX_SEED:
            raise UsageError(f"seed must be from 0 to {MAX_SEED}, not {self.seed}.")

    def replace(self, **changes: Any) -> "SamplingParams":
        """A copy with other values, validated."""
        return msgspec.structs.replace(self, **changes)

    @property
    def shaping(self) -> tuple[float, float, int]:
        """What decides the table: two settings with the same shaping differ in nothing but the draw."""
        return (self.temperature, self.top_p, self.top_k)


TOP_K_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 0)
"""The values that a key walks through; the last is off."""


def step_temperature(value: float, direction: int) -> float:
    """0.1 up or down, from 0 to 5, on the grid of tenths."""
    return _on_grid(value, direction, 0.1, 0.0, 5.0)


def step_top_p(value: float, direction: int) -> float:
    """0.05 up or down, from 0.05 to 1, on the grid of twentieths."""
    return _on_grid(value, direction, 0.05, 0.05, 1.0)


def step_top_k(value: int, direction: int) -> int:
    """The next of TOP_K_STEPS in the direction; a value between two goes to its neighbour."""
    order = [math.inf if step == 0 else step for step in TOP_K_STEPS]
    current = math.inf if value == 0 else value
    if direction > 0:
        found = next((index for index, step in enumerate(order) if step > current), len(order) - 1)
    else:
        found = next((index for index in reversed(range(len(order))) if order[index] < current), 0)
    return TOP_K_STEPS[found]


def _on_grid(value: float, direction: int, step: float, low: float, high: float) -> float:
    place = value / step
    target = math.floor(place + 1e-9) + 1 if direction > 0 else math.ceil(place - 1e-9) - 1
    return round(min(high, max(low, target * step)), 6)


def new_seed() -> int:
    """A seed that nobody chose, short enough to be read aloud."""
    return random.SystemRandom().randrange(10**6)
