"""Columns: what a table of candidates tells of each one, on the screen and at the command line, and its title there.

Must not know how wide a column is, nor how a front end writes a probability.
"""

from collections.abc import Callable

import msgspec

from explorer.core.distribution import Candidate
from explorer.core.sampling.knobs import CUT_NAMES
from explorer.core.token import label

Share = Callable[[float | None], str]
"""Writes a probability, or that it is not known."""


class Told(msgspec.Struct, frozen=True):
    """One thing that is told of a candidate."""

    id: str
    title: str
    text: Callable[[Candidate, Share], str]


def cut_name(cut_by: str) -> str:
    """A sampler as a table names it; one that this program does not know as the record names it."""
    return CUT_NAMES.get(cut_by, cut_by)


def _sampling(candidate: Candidate, share: Share) -> str:
    return cut_name(candidate.cut_by) if candidate.cut_by else share(candidate.sampling_prob)


RANK = Told("rank", "rank", lambda candidate, share: str(candidate.rank))
ID = Told("id", "id", lambda candidate, share: str(candidate.token.id))
TOKEN = Told("token", "token", lambda candidate, share: label(candidate.token))
PROB = Told("prob", "model", lambda candidate, share: share(candidate.prob))
SAMPLING_PROB = Told("sampling_prob", "sampling", _sampling)
"""The probability of a draw, or the sampler that cut the token."""
