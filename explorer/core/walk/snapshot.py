"""Snapshot: a session as it stood at one moment, frozen, for whoever shows it.

Owns what a screen can know. Must not know how it is gathered.
"""

import msgspec

from explorer.core.chat import Chat
from explorer.core.choice import Choice
from explorer.core.distribution import Distribution
from explorer.core.sampling.params import SamplingParams
from explorer.core.score import prob_of, surprisal
from explorer.core.token import Token, begun


class PathToken(msgspec.Struct, frozen=True):
    """A token of the path from the first of the prompt to the cursor."""

    token: Token
    text: str
    """What the token completes; an unfinished character comes with its last token."""
    choice: Choice | None
    """None for a token of the prompt."""
    node: int | None
    """None for a token of the prompt, except its last, which is node 0."""
    logprob: float | None = None
    """The model's own, where the token stands; None where it is not known, minus infinity where it is impossible."""
    rank: int | None = None
    entropy: float | None = None
    """Of the distribution that the token was chosen from, in bits."""

    @property
    def prob(self) -> float | None:
        return prob_of(self.logprob)

    @property
    def surprisal(self) -> float | None:
        """In bits."""
        return surprisal(self.logprob)


class Snapshot(msgspec.Struct, frozen=True):
    """The session as it stood at one moment: all that a screen shows of it."""

    path: tuple[PathToken, ...]
    prompt_length: int
    prompt_text: str
    prompt_chat: Chat | None
    """What the person wrote, where the text is a rendered chat."""
    pending: str
    """The bytes of an unfinished character at the cursor, shown as such; empty at a boundary."""
    distribution: Distribution | None
    """After the cursor, or before the token under the token cursor; None until it was seen with these settings."""
    params: SamplingParams
    children: frozenset[int]
    """Token ids that were tried where the table stands."""
    last_child: int | None
    """The token id that was visited last from there: under the token cursor, the one that stands on the path."""
    node: int
    root: int
    named: tuple[Token, ...] = ()
    """The tokens that settings name."""
    focus: int | None = None
    """The index on the path of the token under the token cursor; None where it is at the end of the path."""
    bookmark: str | None = None
    """The name of the cursor's node."""

    @property
    def ids(self) -> list[int]:
        """The prefix."""
        return [place.token.id for place in self.path]

    def begun_before(self, index: int | None) -> bytes:
        """The first bytes of a character that the token of an index, or the one after the path, may go on with."""
        before = self.path[:index] if index is None else self.path[max(index - 3, 0) : index]
        return begun(b"".join(place.token.bytes for place in before[-3:]))


EMPTY = Snapshot((), 0, "", None, "", None, SamplingParams(), frozenset(), None, 0, 0)
