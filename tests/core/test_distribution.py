import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.cli.shapes import NextTable
from explorer.core.distribution import Candidate, CandidateRow, Distribution
from explorer.core.record.events import Seen
from explorer.core.token import Token
from explorer.export.json import TableRow

NUMBER = st.none() | st.floats(allow_nan=False, allow_infinity=False)
CANDIDATES = st.builds(
    Candidate,
    token=st.builds(Token.from_bytes, st.integers(0, 300_000), st.binary(max_size=8)),
    rank=st.integers(1, 300_000),
    logit=NUMBER,
    logprob=st.none() | st.floats(-1e9, 0),
    prob=st.none() | st.floats(0, 1),
    sampling_prob=st.floats(0, 1),
    cut_by=st.sampled_from([None, "temperature", "top_k", "top_p"]),
    adjusted_rank=st.none() | st.integers(1, 300_000),
)


def listed(token: Token, rank: int = 1) -> Candidate:
    """A candidate whose numbers do not matter."""
    return Candidate(token=token, rank=rank, logit=0.0, logprob=-1.0, prob=0.4, sampling_prob=0.4)


@given(CANDIDATES)
def test_a_candidate_survives_its_row_and_json(candidate):
    line = msgspec.json.encode(CandidateRow.of(candidate))
    assert msgspec.json.decode(line, type=CandidateRow).candidate({}) == candidate


def test_a_row_takes_its_token_from_the_vocabulary_where_it_is_known():
    special = Token(5, b"<|end|>", "special", "<|end|>")
    row = CandidateRow.of(listed(special))
    assert row.candidate({5: special}).token is special
    assert row.candidate({}).token == Token(5, b"<|end|>", "text")


def test_the_text_of_a_row_is_absent_where_the_bytes_are_half_a_character():
    row = CandidateRow.of(listed(Token(5, b"\xec\x98", "bytes")))
    assert (row.text, row.bytes) == (None, "ec98")


def test_a_row_whose_bytes_are_not_hexadecimal_is_refused():
    line = b'{"rank":1,"id":5,"text":null,"bytes":"zz","logit":0,"logprob":0,"prob":0,"sampling_prob":0,"cut_by":null}'
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(line, type=CandidateRow)


def test_a_row_of_an_older_record_has_no_adjusted_rank():
    line = b'{"rank":3,"id":5,"text":"a","bytes":"61","logit":0,"logprob":0,"prob":0,"sampling_prob":0,"cut_by":null}'
    candidate = msgspec.json.decode(line, type=CandidateRow).candidate({})
    assert (candidate.adjusted_rank, candidate.place) == (None, 3)
    assert msgspec.structs.replace(candidate, adjusted_rank=1).place == 1


def test_find_gives_the_candidate_of_an_id_that_is_listed():
    candidates = tuple(listed(Token.from_bytes(i, b"x"), rank) for rank, i in ((1, 9), (2, 4)))
    distribution = Distribution(candidates, 10, 1.0, 0.4, 10)
    assert distribution.find(4) is candidates[1]
    assert distribution.find(1) is None


@pytest.mark.parametrize("written", [Seen, NextTable, TableRow])
def test_a_table_has_the_same_names_and_types_wherever_it_is_written(written):
    shape = {field.name: field.type for field in msgspec.structs.fields(Distribution)} | {
        "candidates": list[CandidateRow]
    }
    assert {field.name: field.type for field in msgspec.structs.fields(written) if field.name in shape} == shape
    assert Distribution((), 10, 1.0, 0.4, 10).fields().keys() == shape.keys()
