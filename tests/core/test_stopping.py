from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.core.sampling.stopping import Stopper, StopRules
from explorer.core.token import Token
from explorer.errors import UsageError

ENDLESS = 10**6
LETTERS = "ab한é👩 "


def cut(data: bytes, places: list[int]) -> list[Token]:
    """The bytes as tokens that end at the places."""
    ends = sorted({place % (len(data) + 1) for place in places} | {len(data)})
    return [Token.from_bytes(n, data[a:b]) for n, (a, b) in enumerate(zip([0, *ends], ends, strict=False))]


@given(
    st.lists(st.one_of(st.text(LETTERS, max_size=4).map(str.encode), st.binary(max_size=2)), max_size=8).map(b"".join),
    st.lists(st.integers(0, 99), max_size=12),
    st.lists(st.text(LETTERS, min_size=1, max_size=4), min_size=1, max_size=3),
)
def test_a_stop_string_is_found_where_a_search_of_the_whole_text_finds_it(data, places, strings):
    stopper = Stopper(StopRules(strings=tuple(strings), max_new_tokens=ENDLESS), [])
    whole = b""
    for token in cut(data, places):
        whole += token.bytes
        found = any(string in whole.decode(errors="replace") for string in strings)
        assert stopper.feed(token) == ("stop_string" if found else None)
        if found:
            return


def test_a_string_over_several_tokens_with_split_characters_is_found_at_its_last_byte():
    stopper = Stopper(StopRules(strings=("a한글",)), [])
    parts = [b"xa", b"\xed", b"\x95\x9c", b"\xea\xb8", b"\x80z"]
    reasons = [stopper.feed(Token.from_bytes(n, part)) for n, part in enumerate(parts)]
    assert reasons == [None, None, None, None, "stop_string"]


def test_a_broken_character_is_not_the_text_under_which_it_is_shown():
    stopper = Stopper(StopRules(strings=("‹", "EB", "\N{REPLACEMENT CHARACTER}")), [])
    assert stopper.feed(Token.from_bytes(1, b"\xeb")) is None
    assert stopper.feed(Token.from_bytes(2, b"x")) is None


X = Token.from_bytes(7, b"x")


def test_an_end_token_stops_unless_it_is_told_not_to():
    assert Stopper(StopRules(), [7]).feed(X) == "stop"
    assert Stopper(StopRules(eos=False), [7]).feed(X) is None
    assert Stopper(StopRules(eos=False, ids=(7,)), [7]).feed(X) == "stop_id"
    assert Stopper(StopRules(), [8]).feed(X) is None


@pytest.mark.parametrize(("rules", "room", "reason"), [(3, None, "length"), (3, 5, "length"), (5, 3, "context")])
def test_the_last_token_is_the_one_that_reaches_a_limit(rules, room, reason):
    stopper = Stopper(StopRules(max_new_tokens=rules), [], room)
    assert [stopper.feed(X) for _ in range(3)] == [None, None, reason]


def test_the_model_is_unsure_beyond_either_bound():
    rules = StopRules(entropy_above=2.0, prob_below=0.5)
    seen = [(2.0, 0.5), (2.1, 0.9), (0.1, 0.4), (None, None), (2.1, None), (None, 0.4)]
    reasons = [Stopper(rules, []).feed(X, *numbers) for numbers in seen]
    assert reasons == [None, "unsure", "unsure", None, "unsure", "unsure"]
    assert Stopper(StopRules(), []).feed(X, 99.0, 0.001) is None


def test_of_several_reasons_the_first_is_said():
    rules = StopRules(strings=("x",), ids=(7,), max_new_tokens=1, entropy_above=0.0)
    dropped: list[dict[str, Any]] = [{}, {"eos": False}, {"ids": ()}, {"strings": ()}, {}, {"max_new_tokens": 9}]
    rooms = [1, 1, 1, 1, None, None]
    reasons = []
    for change, room in zip(dropped, rooms, strict=True):
        rules = msgspec.structs.replace(rules, **change)
        reasons.append(Stopper(rules, [7], room).feed(X, 1.0))
    assert reasons == ["stop", "stop_id", "stop_string", "context", "length", "unsure"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"max_new_tokens": 0}, "max-new-tokens"),
        ({"strings": ("a", "")}, "empty"),
        ({"strings": ("\udcff",)}, "UTF-8"),
        ({"ids": (-1,)}, "stop id"),
        ({"entropy_above": -1.0}, "entropy"),
        ({"entropy_above": float("nan")}, "entropy"),
        ({"prob_below": 0.0}, "probability"),
        ({"prob_below": 1.5}, "probability"),
    ],
)
def test_what_makes_no_sense_is_said(wrong, said):
    with pytest.raises(UsageError, match=said):
        StopRules(**wrong)
