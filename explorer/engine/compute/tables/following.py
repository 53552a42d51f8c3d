"""Following: what rows of logits say of the tokens that follow them in a text.

Pure functions, as logits.py. Must not know models or caches.
"""

import math
from collections.abc import Callable, Sequence

import torch

from explorer.core.score import Alternative, Scored, prob_of
from explorer.core.token import Token
from explorer.engine.compute.tables.logits import finite
from explorer.engine.compute.tables.ranking import comparable, entropy, highest

ROWS_AT_ONCE = 16
"""Rows of logits that are turned into float32 together: more are slower on a CPU, and their memory adds up."""


def scored(rows: torch.Tensor, targets: Sequence[int], top: int, token: Callable[[int], Token]) -> list[Scored]:
    """What rows of logits [n, V] say of the tokens that follow them, `targets` [n], or one fewer at the end of a text.

    Never holds more than ROWS_AT_ONCE rows in float32.
    """
    done: list[Scored] = []
    for begin in range(0, len(targets), ROWS_AT_ONCE):
        wanted = targets[begin : begin + ROWS_AT_ONCE]
        done += _scored_part(rows[begin : begin + len(wanted)].float(), wanted, top, token)
    return done


def _scored_part(rows: torch.Tensor, targets: Sequence[int], top: int, token: Callable[[int], Token]) -> list[Scored]:
    index = torch.tensor(list(targets), device=rows.device)[:, None]
    logprobs = rows.log_softmax(-1)
    logits = rows.gather(1, index)
    smaller = torch.arange(rows.shape[1], device=rows.device) < index
    ranks = 1 + (rows > logits).sum(-1) + ((rows == logits) & smaller).sum(-1)
    columns = zip(
        targets,
        logprobs.gather(1, index)[:, 0].tolist(),
        ranks.tolist(),
        entropy(logprobs).tolist(),
        _alternatives(rows, logprobs, top, token) if top else [()] * len(targets),
        strict=True,
    )
    done = []
    for target, logprob, rank, bits, alternatives in columns:
        # Beside a logit that is no number, nothing is higher or lower.
        known, place = (None, None) if math.isnan(logprob) else (logprob, rank)
        done.append(Scored(token(target), known, prob_of(known), place, finite(bits), alternatives))
    return done


def _alternatives(
    rows: torch.Tensor, logprobs: torch.Tensor, top: int, token: Callable[[int], Token]
) -> list[tuple[Alternative, ...]]:
    """The first of each row [n, V]; none that is impossible or not known."""
    ids = highest(comparable(rows), top)
    columns = zip(ids.tolist(), logprobs.gather(1, ids).tolist(), strict=True)
    return [
        tuple(
            Alternative(token(token_id), rank, value, math.exp(value))
            for rank, (token_id, value) in enumerate(zip(listed, values, strict=True), 1)
            if math.isfinite(value)
        )
        for listed, values in columns
    ]
