"""Draws: what can be drawn from, and the random numbers of a seed, by the index of the draw.

`generate()` seeds one generator and calls `torch.multinomial` once a token. A draw here is the one that it would make
at the same place: the generator is rebuilt from the seed and the number of draws before it, and recent states are
kept, so that going back and forward draws the same token. Must not know which settings made the scores.
"""

import math
from collections import OrderedDict
from collections.abc import Sequence

import torch

from explorer.errors import EngineError

STATES_KEPT = 512


def drawable(scores: torch.Tensor) -> torch.Tensor:
    """The scores [n, V] themselves. Raises EngineError where the samplers have left a row without any token."""
    if bool(scores.isneginf().all(-1).any()):
        raise EngineError("The samplers cut every token here, so that nothing can be drawn. Loosen a setting.")
    return scores


def sampling_probs(scores: torch.Tensor) -> torch.Tensor:
    """What is drawn from [n, V]. Raises as `check_scores` does."""
    check_scores(scores)
    return scores.softmax(-1)


def check_scores(scores: torch.Tensor) -> None:
    """Raises EngineError where the settings have made a score of finite logits that has no probability."""
    if not bool((scores < math.inf).all()):  # Neither is NaN.
        raise EngineError(
            "The penalty and the biases raise a logit beyond the numbers of float32, so that no probability is left. "
            "Loosen them."
        )


class Draws:
    """Multinomial draws over rows of one width, on one device."""

    def __init__(self, width: int, device: torch.device) -> None:
        self._generator = torch.Generator(device)
        self._any_row = torch.full((1, width), 1 / width, device=device)
        self._states: OrderedDict[tuple[int, int], torch.Tensor] = OrderedDict()

    def draw(self, probs: torch.Tensor, seed: int, index: int) -> int:
        """The token id that draw `index` (from 0) of the seed takes from `probs` [1, V]."""
        self._go_to(seed, index)
        drawn = int(torch.multinomial(probs, 1, generator=self._generator))
        self._keep(seed, index + 1)
        return drawn

    def _go_to(self, seed: int, index: int) -> None:
        known = max((at for of, at in self._states if of == seed and at <= index), default=None)
        if known is None:
            self._generator.manual_seed(seed)
            known = 0
        else:
            self._generator.set_state(self._states[seed, known])
        for _ in range(known, index):
            # A draw advances the generator by the width of the row, whatever stands in it.
            torch.multinomial(self._any_row, 1, generator=self._generator)
        self._keep(seed, index)

    def _keep(self, seed: int, index: int) -> None:
        self._states[seed, index] = self._generator.get_state()
        self._states.move_to_end((seed, index))
        while len(self._states) > STATES_KEPT:
            self._states.popitem(last=False)


class BatchDraws:
    """Multinomial draws of one seed over several rows at once, as `generate()` makes them for num_return_sequences.

    A draw takes random numbers for all rows [N, V], also for those that have ended: what a row draws depends on its own
    probabilities and its number alone.
    """

    def __init__(self, seed: int, rows: int, width: int, device: torch.device) -> None:
        self._generator = torch.Generator(device).manual_seed(seed)
        self._any_rows = torch.full((rows, width), 1 / width, device=device)

    def skip(self, count: int) -> None:
        """Leave out so many draws: whoever goes on later has made them before."""
        for _ in range(count):
            torch.multinomial(self._any_rows, 1, generator=self._generator)

    def draw(self, probs: torch.Tensor, rows: Sequence[int]) -> list[int]:
        """The token ids that the next draw takes from `probs` [n, V], which belong to these rows."""
        index = torch.tensor(rows, device=probs.device)
        whole = self._any_rows.index_copy(0, index, probs)
        return torch.multinomial(whole, 1, generator=self._generator)[index, 0].tolist()
