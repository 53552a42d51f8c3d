import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.core.query import Query
from explorer.engine.vocabulary import entries
from explorer.engine.vocabulary.entries import Entries
from explorer.errors import UsageError

DATA = [b"<|end|>", b" The", b"the", None, b"\xec", b"\xec\x98\x9b", b"a\nb", b"STRASSE", b"", b"The"]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        (Query("text", ""), [0, 1, 2, 4, 5, 6, 7, 8, 9]),
        (Query("text", "tHe"), [1, 2, 9]),
        (Query("text", "straße"), [7]),
        (Query("text", "옛"), [5]),
        (Query("regex", "^the$"), [2]),
        (Query("regex", "(?i)^ ?the$"), [1, 2, 9]),
        (Query("regex", r"^\p{Hangul}"), [5]),
        (Query("regex", r"^.$"), [4, 5]),
        (Query("bytes", data=b"\xec"), [4, 5]),
        (Query("bytes", data=b"\x98"), []),
        (Query("id", id=3), [3]),
    ],
)
def test_each_kind_of_query_finds_what_it_means(query, ids):
    assert Entries(DATA).matching(query) == ids


def test_a_regular_expression_that_would_never_end_is_stopped(monkeypatch):
    monkeypatch.setattr(entries, "PATIENCE", 0.05)
    with pytest.raises(UsageError, match="takes more than"):
        Entries([b"a" * 64 + b"b"] * 9).matching(Query("regex", "^(a|aa)+$"))
    with pytest.raises(UsageError, match="takes more than"):
        monkeypatch.setattr(entries, "PATIENCE", 0.0)
        Entries([b"a"]).matching(Query("regex", "b"))


@pytest.mark.parametrize("pattern", ["a{1000000000}", "(a{999}){999}", "(?:a{1,999}b){,99}"])
def test_a_regular_expression_that_would_take_all_memory_is_refused(pattern):
    with pytest.raises(UsageError, match="repeats more than"):
        Entries(DATA).matching(Query("regex", pattern))
    assert Entries(DATA).matching(Query("regex", "^(?:.{1,3}){0,9}$"))


def test_a_search_that_is_not_wanted_any_more_ends():
    assert Entries(DATA).matching(Query("regex", "e"), lambda: True) == []


def test_a_token_that_has_the_bytes_spells_them_and_a_fallback_only_where_no_other_does():
    words = Entries([b"a", b"b", b"ab", b"a", b"\n", b"<s>"], special={5}, fallback={0, 1, 4})
    assert words.spelling(b"ab") == [2]
    assert words.spelling(b"ba\n") == [1, 3, 4]
    with pytest.raises(UsageError, match="'<s>'"):
        words.spelling(b"<s>")


def test_a_spelling_is_found_where_taking_the_longest_entry_leads_nowhere():
    words = Entries([b"a", b"ab", b"abc", b"bcd", b"e"])
    assert words.spelling(b"abcd") == [0, 3]
    assert words.spelling(b"abce") == [2, 4]
    with pytest.raises(UsageError, match="EC 98"):
        words.spelling(b"\xec\x98")


@given(st.lists(st.sampled_from([b"a", b"ab", b"b", b"ba", b"bb\xff", b"\xff"]), min_size=1, max_size=9))
def test_what_tokens_say_is_spelt_by_no_more_of_them(pieces):
    words = Entries([b"a", b"ab", b"b", b"ba", b"bb\xff", b"\xff"])
    data = b"".join(pieces)
    ids = words.spelling(data)
    assert b"".join([b"a", b"ab", b"b", b"ba", b"bb\xff", b"\xff"][i] for i in ids) == data
    assert len(ids) <= len(pieces)
