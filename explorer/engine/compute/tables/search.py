"""Where some tokens stand in the table after a prefix. Must not know what they have in common."""

from collections.abc import Callable, Sequence

import torch

from explorer.core.asked import Asked
from explorer.core.distribution import Candidate
from explorer.core.token import Token
from explorer.engine.compute.tables import logits
from explorer.engine.compute.tables.ranking import Row, comparable, highest


def first_of(
    ids: Sequence[int], row: Row, asked: Asked, limit: int, token: Callable[[int], Token]
) -> tuple[Candidate, ...]:
    """The `limit` first of some ids, ascending ones, in the order of the table; `token` gives the Token of an id."""
    index = torch.tensor(ids, dtype=torch.long, device=row.logits.device)
    scores = comparable(logits.moved(row, asked).logits.float())[index]
    first = index[highest(scores[None], limit)[0]].tolist()
    table = logits.distribution(row, asked, 1, first, token)
    wanted = set(first)
    # The table begins with the likeliest token, which may be none of them.
    return tuple(candidate for candidate in table.candidates if candidate.token.id in wanted)
