import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.core.distribution import Candidate
from explorer.core.sampling.sequence import DrawnRow, SampledSequence
from explorer.core.token import Token, shown_bytes, take_text


def candidate(token: Token, logprob: float | None = -0.5) -> Candidate:
    return Candidate(token=token, rank=2, logit=1.0, logprob=logprob, prob=0.6, sampling_prob=0.7)


@given(st.lists(st.one_of(st.binary(max_size=3), st.text("a한👩", max_size=2).map(str.encode)), max_size=9))
def test_the_text_only_grows_and_ends_as_the_bytes_spell(parts):
    sequence, before = SampledSequence(0, 1), ""
    for number, part in enumerate(parts, 1):
        sequence.add(candidate(Token.from_bytes(number, part)), "length" if number == len(parts) else None)
        assert sequence.text.startswith(before)
        before = sequence.text
    text, rest = take_text(b"".join(parts))
    assert sequence.text == text + shown_bytes(rest)


def test_a_row_has_what_was_drawn_and_not_the_prompt_in_its_ids():
    sequence = SampledSequence(4, 9, [Token(1, b"<s>", "special"), Token.from_bytes(2, b"a")])
    sequence.add(candidate(Token.from_bytes(3, b"b")), None)
    sequence.add(candidate(Token.from_bytes(4, b"\xec"), -1.0), "stop_id")
    row = sequence.row()
    assert (row.index, row.seed, row.ids, row.text) == (4, 9, [3, 4], "<s>ab‹EC›")
    assert (row.finish_reason, row.why, row.logprob) == ("stop", "stop_id", -1.5)
    assert row.tokens == [DrawnRow(3, "b", "62", 0.6, 0.7, 2), DrawnRow(4, None, "ec", 0.6, 0.7, 2)]


def test_special_tokens_can_be_left_out_of_the_text():
    special = Token(1, b"<s>", "special")
    sequence = SampledSequence(0, None, [special, Token.from_bytes(2, b"a")], skip_special=True)
    sequence.add(candidate(special), "stop")
    assert (sequence.text, sequence.row().ids) == ("a", [1])


@pytest.mark.parametrize(
    ("why", "reason"),
    [("stop", "stop"), ("stop_string", "stop"), ("unsure", "stop"), ("length", "length"), ("context", "length")],
)
def test_the_finish_reason_is_one_of_two_words(why, reason):
    sequence = SampledSequence(0, 1)
    sequence.add(candidate(Token.from_bytes(1, b"a")), why)
    assert (sequence.row().finish_reason, sequence.row().why) == (reason, why)


def test_what_is_not_known_is_null():
    sequence = SampledSequence(0, None)
    sequence.add(candidate(Token.from_bytes(1, b"a"), None), None)
    row = sequence.row()
    assert (row.seed, row.logprob, row.finish_reason, row.why) == (None, None, None, None)
