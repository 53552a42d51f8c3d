"""Sequences as a table: a line for each that is drawn, with its length, its probability, its end and its text."""

from explorer.core.sampling.sequence import SampledSequence
from explorer.core.token import UNSETTLED, visible
from explorer.ui.drawing.numbers import decimal
from explorer.ui.tables.column import MARK, Column, Line, gap, quiet
from explorer.walk.fork import WHY


class SequenceLine(Line, frozen=True, kw_only=True):
    """A sequence as it stands in the list of those that are drawn."""

    number: int
    sequence: SampledSequence
    logprob: float | None
    """The sum over its tokens, in nats."""
    drawing: bool
    """Whether it may still grow."""


def _why(line: SequenceLine) -> str:
    finish = line.sequence.finish
    return "…" if finish is None and line.drawing else WHY.get(finish, "")


def _beginning(line: SequenceLine, cells: int) -> str:
    # What can be seen at most is looked at: a text may be long, and is drawn often.
    text = line.sequence.text
    return visible(text[:cells], UNSETTLED) + ("…" if len(text) > cells else "")


SEQUENCES: tuple[Column[SequenceLine], ...] = (
    MARK,
    Column("number", "", 4, lambda line: str(line.number), quiet),
    Column("tokens", "tokens", 8, lambda line: str(len(line.sequence.drawn)), quiet),
    Column("logprob", "logprob", 10, lambda line: decimal(line.logprob), quiet),
    gap(2),
    Column("ended", "ended", 13, _why, quiet, align="left"),
    Column("text", "text", None, lambda line: "", lambda line: "text", align="left", picture=_beginning),
)
