"""Options as a table: texts that could come next, and how likely each is by three measures."""

from collections.abc import Callable
from functools import cache

from explorer.core.token import Token, label
from explorer.ui.drawing.numbers import decimal
from explorer.ui.tables.column import MARK, Column, Line, quiet
from explorer.walk.ranking import Option


class OptionLine(Line, frozen=True, kw_only=True):
    """A text as it stands in a comparison."""

    option: Option
    best: tuple[bool, ...]
    """Whether it is the likeliest, by each measure."""


MEASURES: tuple[tuple[str, Callable[[Option], float | None]], ...] = (
    ("total", lambda option: option.total),
    ("per_token", lambda option: option.per_token),
    ("per_byte", lambda option: option.per_byte),
)
"""The ids of their columns, and the natural logarithms."""

SHORTEST = 12
"""Cells of an option's text, below which columns give way: the tokens, then the last measure."""


def _measure(number: int, ordered: bool) -> Column[OptionLine]:
    name, value = MEASURES[number]

    def text(line: OptionLine) -> str:
        logprob = value(line.option)
        return decimal(logprob) + ("•" if line.best[number] else " ")

    return Column(
        name,
        10,
        text,
        lambda line: "visited" if line.best[number] else "text",
        head="▾{} " if ordered else "{} ",
        gives_way=number and len(MEASURES) + 1 - number,
        beside=SHORTEST,
    )


@cache
def options(measure: int) -> tuple[Column[OptionLine], ...]:
    """A comparison, in the order of one of the measures."""

    def text(line: OptionLine) -> str:
        return label(Token.from_bytes(0, b"".join(one.token.bytes for one in line.option.scored)))

    return (
        MARK,
        Column("text", None, text, lambda line: "text", align="left", least=0),
        Column(
            "tokens",
            8,
            lambda line: str(len(line.option.scored)),
            quiet,
            gives_way=1,
            beside=SHORTEST,
        ),
        *(_measure(number, number == measure) for number in range(len(MEASURES))),
    )
