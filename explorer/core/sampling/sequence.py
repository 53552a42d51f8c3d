"""SampledSequence: the tokens that were drawn after a prompt, the text that they spell, and the row of `sample --json`.

Owns the sums over a sequence, and which part of its text is complete. Must not know who draws.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from explorer.core.distribution import Candidate
from explorer.core.sampling.stopping import FinishReason
from explorer.core.token import Token, shown_bytes, take_text


class DrawnRow(msgspec.Struct, frozen=True):
    """A token with the numbers that it had where it was drawn."""

    id: int
    text: str | None
    """None where the bytes are not whole UTF-8."""
    bytes: str
    """In hexadecimal."""
    prob: float | None
    sampling_prob: float
    rank: int


class SequenceRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A sequence as it is written to JSON."""

    index: int
    seed: int | None
    """Of this sequence; None where nothing was drawn by chance."""
    ids: list[int]
    """The new ones."""
    text: str
    finish_reason: Literal["stop", "length"] | None
    """None where it was broken off."""
    why: FinishReason | None
    """What is behind the finish reason."""
    logprob: float | None
    """Sum of the model's own over the new tokens; None where one is unknown."""
    tokens: list[DrawnRow]
    demonstration: str | None = None
    """What the sequence shows, where it is none to be used."""


class SampledSequence:
    """Grows by one token at a time. `prompt` is echoed: its text is part of the text."""

    def __init__(
        self,
        index: int,
        seed: int | None,
        prompt: Iterable[Token] = (),
        *,
        skip_special: bool = False,
        demonstration: str | None = None,
    ) -> None:
        self.index = index
        self.finish: FinishReason | None = None
        self.text = ""
        """Whole characters; what is left of the last one comes with its end."""
        self.drawn: list[Candidate] = []
        self._seed = seed
        self._demonstration = demonstration
        self._skip_special = skip_special
        self._rest = b""
        for token in prompt:
            self._spell(token)

    def add(self, candidate: Candidate, finish: FinishReason | None) -> None:
        """One more token, and why it is the last, if it is."""
        self.drawn.append(candidate)
        self._spell(candidate.token)
        self.finish = finish
        if finish is not None:
            self.end()

    def end(self) -> None:
        """No token comes any more: bytes that have not become a character are shown as bytes."""
        self.text += shown_bytes(self._rest)
        self._rest = b""

    def _spell(self, token: Token) -> None:
        if not (self._skip_special and token.kind == "special"):
            shown, self._rest = take_text(self._rest + token.bytes)
            self.text += shown

    def row(self) -> SequenceRow:
        """The sequence for JSON."""
        rows = []
        logprob: float | None = 0.0
        for one in self.drawn:
            rows.append(
                DrawnRow(one.token.id, one.token.text, one.token.bytes.hex(), one.prob, one.sampling_prob, one.rank)
            )
            logprob = None if logprob is None or one.logprob is None else logprob + one.logprob
        reason: Literal["stop", "length"] | None = None
        if self.finish is not None:
            reason = "length" if self.finish in ("length", "context") else "stop"
        ids = [row.id for row in rows]
        return SequenceRow(
            self.index, self._seed, ids, self.text, reason, self.finish, logprob, rows, self._demonstration
        )
