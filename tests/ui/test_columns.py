import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.core.distribution import Candidate
from explorer.core.token import Token
from explorer.ui.drawing.cells import width
from explorer.ui.tables.branches import BRANCHES
from explorer.ui.tables.candidates import HITS, CandidateLine, candidates
from explorer.ui.tables.column import Column, foot_parts, head_parts, placed, row_parts
from explorer.ui.tables.models import MODELS
from explorer.ui.tables.options import MEASURES, options
from explorer.ui.tables.sequences import SEQUENCES
from explorer.wording import WORDS

TABLES = [candidates(6, False), candidates(7, True), HITS, options(0), options(2), SEQUENCES, MODELS, BRANCHES]


def line(**settings) -> CandidateLine:
    numbers = {"rank": 12, "logit": 1.5, "logprob": -1.0, "prob": 0.37, "sampling_prob": 0.5}
    candidate = Candidate(token=Token(266, b" fox", "text"), **{**numbers, **settings})
    return CandidateLine(candidate=candidate, label="␣fox")


def words(parts) -> str:
    return "".join(text for text, _ in parts)


def shown(columns, cells: int) -> list[str]:
    return [column.id for column, _ in placed(columns, cells) if column.head]


@pytest.mark.parametrize("columns", TABLES)
@pytest.mark.parametrize("cells", [*range(43, 200, 7), 60, 90])
def test_the_columns_of_a_table_fill_the_line(columns, cells):
    assert sum(size for _, size in placed(columns, cells)) == cells
    assert width(words(head_parts(placed(columns, cells), WORDS))) == cells


@given(st.integers(0, 200), st.floats(0, 1), st.sampled_from([None, "top_k", "logit_bias"]), st.booleans())
def test_a_row_is_as_wide_as_its_head(cells, share, cut_by, cumulative):
    columns = placed(candidates(6, cumulative), cells)
    row = line(sampling_prob=share, cut_by=None if cut_by == "logit_bias" else cut_by)
    assert width(words(row_parts(columns, row))) == width(words(head_parts(columns, WORDS)))


def test_columns_give_way_where_there_is_no_room_for_all():
    assert shown(candidates(6, False), 60) == ["rank", "id", "token", "prob", "sampling_prob"]
    assert shown(candidates(6, False), 37) == ["rank", "token", "prob", "sampling_prob"]
    assert shown(candidates(6, True), 60) == ["rank", "id", "token", "prob", "mass", "sampling_prob"]
    assert shown(BRANCHES, 60) == ["branch", "tokens", "sum", "mean"]
    assert shown(BRANCHES, 59) == ["branch", "tokens", "sum"]
    assert shown(BRANCHES, 39) == ["branch", "sum"]
    names = [title for title, _ in MEASURES]
    assert shown(options(0), 51) == ["text", "tokens", *names]
    assert shown(options(0), 50) == ["text", *names]
    assert shown(options(0), 42) == ["text", "tokens", *names[:2]]
    assert shown(options(0), 20) == ["text", names[0]]


def test_a_number_is_never_cut():
    columns = placed(candidates(6, False), 64)
    assert "151935" in words(row_parts(columns, line(rank=151935)))


def test_a_column_that_is_added_has_a_title_a_number_and_its_room():
    logprob: Column[CandidateLine] = Column("logprob", 8, lambda row: f"{row.candidate.logprob:.2f}", lambda row: "")
    columns = placed((*HITS, logprob), 70)
    assert words(head_parts(columns, WORDS)).endswith(" sampling logprob")
    assert words(row_parts(columns, line())).endswith("   50.00%   -1.00")
    assert width(words(row_parts(columns, line()))) == 70


def test_the_line_below_the_rows_stands_under_the_columns_that_it_tells_of():
    columns = placed(candidates(6, True), 64)
    head = words(head_parts(columns, WORDS))
    foot = words(foot_parts(columns, "  … 7 other tokens", {"prob": "1.00%", "sampling_prob": "2.00%"}))
    assert foot.startswith("  … 7 other tokens ")
    assert foot.index("1.00%") + len("1.00%") == head.index("model") + len("model")
    assert foot.index("2.00%") + len("2.00%") == head.index("sampling") + len("sampling")
