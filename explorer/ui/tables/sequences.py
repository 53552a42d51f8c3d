"""Sequences as a table: a line for each that is drawn, with its length, its probability, its end and its text."""

from explorer.core.sampling.sequence import SampledSequence
from explorer.core.token import UNSETTLED, visible
from explorer.ui.drawing.numbers import decimal
from explorer.ui.tables.column import MARK, Column, Line, gap, quiet


class SequenceLine(Line, frozen=True, kw_only=True):
    """A sequence as it stands in the list of those that are drawn."""

    number: int
    sequence: SampledSequence
    logprob: float | None
    """The sum over its tokens, in nats."""
    ended: str
    """Why it did, in two words; a sign, while it may still grow."""


def _beginning(line: SequenceLine, cells: int) -> str:
    # What can be seen at most is looked at: a text may be long, and is drawn often.
    text = line.sequence.text
    return visible(text[:cells], UNSETTLED) + ("…" if len(text) > cells else "")


SEQUENCES: tuple[Column[SequenceLine], ...] = (
    MARK,
    Column("number", 4, lambda line: str(line.number), quiet, head=""),
    Column("tokens", 8, lambda line: str(len(line.sequence.drawn)), quiet),
    Column("logprob", 10, lambda line: decimal(line.logprob), quiet),
    gap(2),
    Column("ended", 13, lambda line: line.ended, quiet, align="left"),
    Column("text", None, lambda line: "", lambda line: "text", align="left", picture=_beginning),
)
