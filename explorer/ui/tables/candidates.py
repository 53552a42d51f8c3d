"""Candidates as a table: the tokens that could come next, and those that a search finds."""

from collections.abc import Callable
from functools import cache

from explorer.core.columns import ID, PROB, RANK, SAMPLING_PROB, TOKEN, Told
from explorer.core.distribution import Candidate
from explorer.ui.drawing.numbers import bar, percent
from explorer.ui.drawing.styles import Style, kind_style
from explorer.ui.tables.column import MARK, Column, Line, gap


class CandidateLine(Line, frozen=True, kw_only=True):
    """A candidate as it stands in a table."""

    candidate: Candidate
    label: str
    """The token as it is to be read."""
    tried: bool = False
    """Whether it was added here before."""
    ends_top_p: bool = False
    """Whether it is the last one above the line of top-p."""
    mass: float | None = None
    """The model's, of all tokens down to here."""

    def unless_cut(self, style: Style) -> Style:
        """The style, unless a sampler cut the token: then the whole row says so."""
        if not self.candidate.cut_by:
            return style
        return "text" if self.selected else "cut"


def _plain(line: CandidateLine) -> Style:
    return line.unless_cut("text")


def _number(line: CandidateLine) -> Style:
    return line.unless_cut(line.quiet)


def _kind(line: CandidateLine) -> Style:
    return line.unless_cut("visited" if line.tried else kind_style(line.candidate.token))


def _tried_sign(line: CandidateLine) -> str:
    return "•" if line.tried else "└" if line.ends_top_p else ""


def _moved_sign(line: CandidateLine) -> str:
    rank, place = line.candidate.rank, line.candidate.place
    return "▲" if place < rank else "▼" if place > rank else ""


def _bar(line: CandidateLine, cells: int) -> str:
    candidate = line.candidate
    share = (candidate.prob or 0.0) if candidate.cut_by else candidate.sampling_prob
    return " " + bar(share, cells - 1)


def _bar_cells(left: int) -> int:
    """Two thirds of what a short token leaves, and a cell before them."""
    cells = max((left - 17) * 2 // 3, 0)
    return cells and cells + 1


def _told(
    told: Told, cells: int, style: Callable[[CandidateLine], Style] = _plain, gives_way: int = 0, beside: int = 0
) -> Column[CandidateLine]:
    """A number that is told of a candidate."""

    def text(line: CandidateLine) -> str:
        return told.text(line.candidate, percent)

    return Column(told.id, cells, text, style, gives_way=gives_way, beside=beside)


TEXT: Column[CandidateLine] = Column(TOKEN.id, None, lambda line: line.label, _kind, align="left")


@cache
def candidates(id_cells: int, cumulative: bool) -> tuple[Column[CandidateLine], ...]:
    """The table of the next token, with ids of at most so many cells; with the cumulative mass, or not."""
    mass: Column[CandidateLine] = Column(
        "mass", 8, lambda line: percent(line.mass), lambda line: line.unless_cut("quiet")
    )
    return (
        MARK,
        Column("tried", 1, _tried_sign, lambda line: "visited" if line.tried else "bar", head=""),
        _told(RANK, 5, _number),
        _told(ID, id_cells, _number, gives_way=2, beside=6),
        Column("moved", 2, _moved_sign, lambda line: line.unless_cut("bar"), head="", align="left"),
        TEXT,
        _told(PROB, 8),
        *([mass] if cumulative else []),
        _told(SAMPLING_PROB, 9),
        Column(
            "bar",
            _bar_cells,
            lambda line: "",
            lambda line: line.unless_cut("bar"),
            head="",
            gives_way=1,
            picture=_bar,
        ),
    )


HITS: tuple[Column[CandidateLine], ...] = (
    MARK,
    _told(RANK, 8, _number),
    _told(ID, 8, _number, gives_way=1, beside=7),
    gap(2),
    TEXT,
    _told(PROB, 8),
    _told(SAMPLING_PROB, 9),
)
"""What a search found: a vocabulary has hundreds of thousands of tokens at most."""
