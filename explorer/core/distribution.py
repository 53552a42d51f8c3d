"""Candidate and Distribution: what a model says about the next token, and what the samplers make of it.

The numbers are computed by an engine; this module owns their names, those too under which they are written to a record,
to `--json` and to an export. Must not know how they are computed.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec

from explorer.core.token import Token

Prob = Annotated[float, msgspec.Meta(ge=0)]
Logprob = Annotated[float, msgspec.Meta(le=1)]
"""Of a record, which may have been edited. No bound at 1 and 0, which a sum in float32 may pass by its last digit."""


class Candidate(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One token that could come next. `logit`, `logprob` and `prob` are the model's own, before any sampler."""

    token: Token
    rank: int
    """1 + tokens with a higher logit + tokens with the same logit and a smaller id."""
    logit: float | None
    """As the model gave it; None where it is not finite."""
    logprob: float | None
    """Natural logarithm of `prob`; None where it is not finite."""
    prob: float | None
    """Softmax in float32 over the whole vocabulary, at temperature 1."""
    sampling_prob: float
    """After the samplers: what a draw uses. 0.0 for a token that was cut."""
    cut_by: str | None = None
    """The name of the first sampler that cut the token; None for a token that is kept."""
    adjusted_rank: int | None = None
    """The rank after the logit bias and the repetition penalty, where it is another one."""

    @property
    def place(self) -> int:
        """The rank in the order of the table."""
        return self.rank if self.adjusted_rank is None else self.adjusted_rank


class Distribution(msgspec.Struct, frozen=True, gc=False):
    """The next token after one prefix: the first candidates by their places, and what is left out."""

    candidates: tuple[Candidate, ...]
    vocab_size: int
    """Rows of the model's output, which may be more than the tokenizer has."""
    entropy: float | None
    """In bits, of the model's own distribution over the whole vocabulary."""
    other_prob: float | None
    """The model's mass of the tokens that are not listed."""
    kept: int
    """How many tokens of the whole vocabulary the samplers kept."""
    cut_mass: float | None = None
    """The model's mass of the tokens that the samplers cut."""
    sampling_entropy: float | None = None
    """In bits, of the distribution after the samplers."""

    def fields(self) -> dict[str, Any]:
        """Its numbers and rows under the names that they have in JSON, in whatever struct writes a table."""
        return {
            "vocab_size": self.vocab_size,
            "entropy": self.entropy,
            "other_prob": self.other_prob,
            "kept": self.kept,
            "cut_mass": self.cut_mass,
            "sampling_entropy": self.sampling_entropy,
            "candidates": [CandidateRow.of(candidate) for candidate in self.candidates],
        }

    def find(self, token_id: int) -> Candidate | None:
        """The candidate with this id, if it is listed."""
        return next((c for c in self.candidates if c.token.id == token_id), None)

    def prob_beside(self, shown: Iterable[Candidate]) -> float | None:
        """The model's mass of all tokens but the candidates that are shown; None where it is not known."""
        ids = {candidate.token.id for candidate in shown}
        mass = self.other_prob
        for candidate in self.candidates:
            if candidate.token.id not in ids:
                mass = None if mass is None or candidate.prob is None else mass + candidate.prob
        return mass


class CandidateRow(msgspec.Struct, frozen=True, gc=False):
    """A candidate as it is written to JSON: the one shape of `next --json` and of a record's `seen`."""

    rank: int
    id: int
    text: str | None
    """None where the bytes are not whole UTF-8."""
    bytes: str
    """In hexadecimal."""
    logit: float | None
    logprob: Logprob | None
    prob: Prob | None
    sampling_prob: Prob
    cut_by: str | None
    adjusted_rank: int | None = None

    def __post_init__(self) -> None:
        bytes.fromhex(self.bytes)  # A ValueError here is a line that is no event, when a record is read.

    @classmethod
    def of(cls, candidate: Candidate) -> "CandidateRow":
        token = candidate.token
        return cls(
            candidate.rank,
            token.id,
            token.text,
            token.bytes.hex(),
            candidate.logit,
            candidate.logprob,
            candidate.prob,
            candidate.sampling_prob,
            candidate.cut_by,
            candidate.adjusted_rank,
        )

    def candidate(self, known: Mapping[int, Token]) -> Candidate:
        """The candidate of the row; its token from `known`, else from the row's bytes."""
        token = known.get(self.id) or Token.from_bytes(self.id, bytes.fromhex(self.bytes))
        return Candidate(
            token=token,
            rank=self.rank,
            logit=self.logit,
            logprob=self.logprob,
            prob=self.prob,
            sampling_prob=self.sampling_prob,
            cut_by=self.cut_by,
            adjusted_rank=self.adjusted_rank,
        )
