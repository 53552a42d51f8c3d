"""Sequences: draws the tokens of several sequences, as many side by side as the model allows.

Owns which sequences share a forward pass, their random numbers and their ends; where memory runs out, half of them go
first. What is drawn does not depend on that: the prompts of a batch have generators of their own, the sequences after
one prompt share one, and whoever goes on alone takes its numbers from where it would stand among the others. Must not
know caches or how text is shown.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch

from explorer.core.asked import Asked
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import Stopper, StopRules
from explorer.core.token import Token
from explorer.engine.base import Drawn
from explorer.engine.compute import memory
from explorer.engine.compute.finiteness import check_rows, sound
from explorer.engine.compute.forward.batch import Batch
from explorer.engine.compute.forward.forward import Cancelled, Forward
from explorer.engine.compute.tables import logits
from explorer.engine.compute.tables.drawing import BatchDraws, drawable, sampling_probs
from explorer.errors import UsageError

ROWS_AT_ONCE = 32
"""Sequences of one forward pass."""

POSITIONS_AT_ONCE = 1 << 16
"""Of the sequences of one forward pass, at their ends: what their caches may hold together."""

Row = Callable[[Sequence[int], Callable[[], bool]], torch.Tensor]
"""The logits [V] after a prefix; may raise Cancelled."""


@dataclass(eq=False)
class Line:
    """One sequence that is under way."""

    index: int
    prompt: int
    row: int
    """Among the sequences after its prompt."""
    ids: list[int]
    stopper: Stopper


class Sequences:
    """`row` gives the logits after a prefix of one sequence, `token` the Token of an id.

    With a `filler`, shorter prompts are padded with it on their right. `let_go` frees what else is kept, where memory
    runs out. Raises UsageError where `stop` leaves no room.
    """

    def __init__(
        self,
        forward: Forward,
        row: Row,
        token: Callable[[int], Token],
        prompts: Sequence[Sequence[int]],
        params: SamplingParams,
        num_sequences: int,
        stop: StopRules,
        eos_ids: Sequence[int],
        context_length: int | None,
        filler: int | None = None,
        let_go: Callable[[], None] | None = None,
    ) -> None:
        self._forward = forward
        self._let_go = let_go or forward.let_go
        self._row = row
        self._token = token
        self._prompts, self._eos_ids = prompts, eos_ids
        self._params = params
        self._num_sequences = num_sequences
        self._filler = filler
        every = []
        self._more = 0
        for index in range(len(prompts) * num_sequences):
            prompt, number = divmod(index, num_sequences)
            ids = list(prompts[prompt])
            room = None if context_length is None else context_length - len(ids)
            rules = stop.after(len(ids))
            self._more = max(self._more, rules.max_new_tokens)
            every.append(Line(index, prompt, number, ids, Stopper(rules, eos_ids, room)))
        self._waiting = deque(_parts(every, self._more))
        self._running: list[Line] = []
        self._batch: Batch | None = None
        """None while a sequence goes on alone."""
        self._draws: dict[int, BatchDraws] = {}

    @torch.inference_mode()
    def step(self, cancelled: Callable[[], bool]) -> list[Drawn]:
        """The next token of each sequence that is under way; empty at the end.

        Raises Cancelled, NotFinite, EngineError, and what means that the memory is not enough for one sequence.
        """
        if cancelled():
            raise Cancelled
        if not self._running and not self._waiting:
            return []
        rows = self._extend(cancelled) if self._running else None
        if rows is None:
            rows = self._begin(cancelled)
        if (number := sound(rows)) < len(rows):
            check_rows(rows[number:], len(self._running[number].ids))
        chosen, shares = self._choose(rows)
        drawn = []
        for one, found in zip(self._running, logits.drawn(rows, shares, chosen, self._token), strict=True):
            candidate, entropy, highest = found
            one.ids.append(candidate.token.id)
            drawn.append(Drawn(one.index, candidate, one.stopper.feed(candidate.token, entropy, highest)))
        self._drop([row for row, one in enumerate(drawn) if one.finish is None])
        return drawn

    def _begin(self, cancelled: Callable[[], bool]) -> torch.Tensor:
        """The next logits [R, V] of the first sequences that wait; they are split where they cannot go together."""
        while True:
            part = self._waiting.popleft()
            try:
                rows = self._first_rows(part, cancelled)
                if rows is not None:
                    break
                prompts = [list(group) for _, group in groupby(part, lambda one: one.prompt)]
                self._waiting.extendleft(reversed(prompts if len(prompts) > 1 else [[one] for one in part]))
                continue
            except Exception as error:
                if len(part) == 1 or self._filler is not None or not memory.ran_out(error):
                    raise
            self._wait_by_halves(part)
        self._running = part
        width, device = rows.shape[1], rows.device
        self._draws = {}
        if self._params.temperature != 0:
            assert self._params.seed is not None
            for prompt in {one.prompt for one in part}:
                self._draws[prompt] = BatchDraws(self._params.seed + prompt, self._num_sequences, width, device)
                drawn = next(len(one.ids) for one in part if one.prompt == prompt) - len(self._prompts[prompt])
                self._draws[prompt].skip(drawn)
        return rows

    def _wait_by_halves(self, part: list[Line]) -> None:
        """Let these sequences, for which memory ran out, wait in two parts; nothing is held of them any more."""
        self._running, self._batch = [], None
        self._let_go()
        middle = (len(part) + 1) // 2
        self._waiting.extendleft(half for half in (part[middle:], part[:middle]) if half)

    def _first_rows(self, part: list[Line], cancelled: Callable[[], bool]) -> torch.Tensor | None:
        """None where the model cannot hold these sequences side by side."""
        self._batch = None
        texts = list(dict.fromkeys(tuple(one.ids) for one in part))
        if len(texts) > 1:
            padded = self._forward.pad(texts, self._more, self._filler)
            if padded is None and self._filler is not None:
                raise UsageError("Right padding cannot be shown: this model takes no padded prompts side by side.")
            if padded is None:
                return None
            self._batch, rows = padded
            places = [texts.index(tuple(one.ids)) for one in part]
            if len(places) > len(texts):
                self._batch.select(places)
            return rows[places]
        row = self._row(part[0].ids, cancelled)
        if len(part) > 1:
            self._batch = self._forward.fork(part[0].ids, len(part), cancelled)
            if self._batch is None:
                return None
        return row.expand(len(part), -1)

    def _extend(self, cancelled: Callable[[], bool]) -> torch.Tensor | None:
        """The next logits [R, V] of those that are under way; None where memory ran out, and they wait again."""
        try:
            if self._batch is None:
                return self._row(self._running[0].ids, cancelled)[None]
            return self._batch.extend([one.ids[-1] for one in self._running])
        except Exception as error:
            # What stands on the right of a shorter prompt would be another padding in a half.
            if self._filler is not None or not memory.ran_out(error):
                raise
        # Not before the error is gone: its traceback holds the tensors of the pass.
        self._wait_by_halves(self._running)
        return None

    def _choose(self, rows: torch.Tensor) -> tuple[list[int], torch.Tensor]:
        """The tokens that come next, and the sampling probs [R, V] that they are drawn from."""
        chosen: list[int] = []
        shares: list[torch.Tensor] = []
        for prompt, begin, group in self._groups():
            probs = self._sampling_probs(rows[begin : begin + len(group)], group)
            draws = self._draws.get(prompt)
            chosen += probs.argmax(-1).tolist() if draws is None else draws.draw(probs, [one.row for one in group])
            shares.append(probs)
        return chosen, torch.cat(shares)

    def _sampling_probs(self, rows: torch.Tensor, group: list[Line]) -> torch.Tensor:
        """[n, V] after one prompt; at the temperature 0, all of it is with one token of each row."""
        asked = Asked(self._params, group[0].ids, len(self._prompts[group[0].prompt]), self._eos_ids)
        scores = drawable(logits.batch_scores(rows, [one.ids for one in group], asked))
        if self._params.temperature == 0:
            best = torch.tensor([logits.greedy(row) for row in scores], device=rows.device)
            return torch.zeros_like(scores).scatter(1, best[:, None], 1.0)
        return sampling_probs(scores)

    def _groups(self) -> Iterator[tuple[int, int, list[Line]]]:
        """The prompts whose sequences are under way, the row of the first of each, and the sequences."""
        begin = 0
        for prompt, members in groupby(self._running, lambda one: one.prompt):
            group = list(members)
            yield prompt, begin, group
            begin += len(group)

    def _drop(self, kept: list[int]) -> None:
        """Go on with these rows only."""
        if len(kept) == len(self._running):
            return
        self._running = [self._running[row] for row in kept]
        if not kept:
            self._batch = None
        elif self._batch is not None:
            self._batch.select(kept)


def _parts(every: list[Line], max_new_tokens: int) -> list[list[Line]]:
    """The sequences in parts that are small enough to go together, in order."""
    parts: list[list[Line]] = []
    longest = 0
    for one in every:
        longest = max(longest, len(one.ids) + max_new_tokens)
        if not parts or len(parts[-1]) == ROWS_AT_ONCE or (len(parts[-1]) + 1) * longest > POSITIONS_AT_ONCE:
            parts.append([])
            longest = len(one.ids) + max_new_tokens
        parts[-1].append(one)
    return parts
