"""Report: what a verification found, as it is printed and as `--json` gives it.

Owns the shapes and the counting. Must not know how a number is compared.
"""

import msgspec


class Deviation(msgspec.Struct, frozen=True):
    """A number that does not hold."""

    line: int
    """Of the record, from 1."""
    event: str
    root: int
    node: int
    at: int | None
    what: str
    """The name of the number in the record; `refused` where nothing can be computed, and `computed` says why."""
    token: str | None
    """Whose number it is, on one line; None where it is of the whole."""
    recorded: str | float | None
    computed: str | float | None
    text: str
    """The end of the text before the place."""


class Count(msgspec.Struct):
    """Of one kind."""

    checked: int = 0
    wrong: int = 0


class PartReport(msgspec.Struct, frozen=True):
    """On what a part was recorded, and what computed it again."""

    model: str
    """With the adapter on it, as in `by_model`."""
    dtype: str
    device: str
    versions: dict[str, str]
    by_model: str
    by_dtype: str
    by_device: str
    by_versions: dict[str, str]
    tolerance: float
    """Of |Δlogprob|, in nats."""
    note: str = ""
    """A sentence where the weights are those of another file than recorded."""


class Report(msgspec.Struct, kw_only=True):
    """The whole."""

    holds: bool = True
    parts: list[PartReport] = []
    numbers: int = 0
    """Compared."""
    kinds: dict[str, Count] = {}
    """By event, and by what is checked beside numbers: `draw`, `encode`."""
    max_logprob_error: float | None = None
    """The greatest |Δlogprob| in nats."""
    mean_logprob_error: float | None = None
    logprobs: int = 0
    """What the mean is of."""
    changed_ranks: int = 0
    """Ranks that are another number now; also where that is no deviation, because the logits are nearly equal."""
    changed_cuts: int = 0
    """Tokens that are cut by another sampler now, or by none, or by one where none did; counted in the same way."""
    changed_draws: int = 0
    draws_unchecked: int = 0
    """Made on a kind of device whose random numbers this one does not have, or after a draw that differs."""
    prompts_unchecked: int = 0
    """Carried over from another model, or a part of another prompt: nobody typed their text on this model."""
    deviations: list[Deviation] = []
    """By their lines: the first is where the record and the model part."""

    def count(self, kind: str, checked: int, wrong: int) -> None:
        count = self.kinds.setdefault(kind, Count())
        count.checked += checked
        count.wrong += wrong
        self.numbers += checked

    def take_error(self, error: float) -> None:
        """One |Δlogprob|."""
        self.max_logprob_error = max(self.max_logprob_error or 0.0, error)
        self.mean_logprob_error = ((self.mean_logprob_error or 0.0) * self.logprobs + error) / (self.logprobs + 1)
        self.logprobs += 1

    def finish(self) -> None:
        self.deviations.sort(key=lambda deviation: deviation.line)
        self.holds = not self.deviations
