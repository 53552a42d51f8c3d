"""Branches as a table: the numbers beside the runs of the tree."""

import msgspec

from explorer.core.walk.runs import Total
from explorer.ui.drawing.numbers import UNKNOWN, count, decimal
from explorer.ui.drawing.styles import Style
from explorer.ui.tables.column import Column


class RunLine(msgspec.Struct, frozen=True, kw_only=True):
    """A run of tokens as it stands in the tree; what is drawn of its text is the pane's."""

    length: int
    total: Total
    """Of the path to its end."""
    style: Style
    """Of its text."""


def _number_of_run(line: RunLine) -> Style:
    return "cut" if line.style == "cut" else "quiet"


def _sum(line: RunLine) -> str:
    """The logprob in nats; with a sign that it is at most this, where one of the tokens is unknown."""
    total = line.total
    if not total.known:
        return UNKNOWN if total.unknown else ""
    return f"{'≤' if total.unknown else ''}{decimal(total.logprob)}"


def _mean(line: RunLine) -> str:
    return "" if line.total.mean is None else decimal(line.total.mean)


BRANCHES: tuple[Column[RunLine], ...] = (
    Column("branch", None, lambda line: "", lambda line: line.style, head="   {}", align="left"),
    Column("tokens", 7, lambda line: count(line.length), _number_of_run, gives_way=2, beside=23),
    Column("sum", 10, _sum, lambda line: "quiet" if line.style == "prompt" else line.style),
    Column("mean", 7, _mean, _number_of_run, gives_way=1, beside=36),
)
"""The first column, whose text has several styles, is drawn by the pane."""
