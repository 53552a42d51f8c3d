import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.core.query import Query, escaped
from explorer.errors import UsageError


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        ("time", Query("text", "time")),
        (" time ", Query("text", " time ")),
        (r"a\nb\tc\rd\\n", Query("text", "a\nb\tc\rd\\n")),
        (r"\d\x", Query("text", r"\d\x")),
        (r"a\x1b[\x00", Query("text", "a\x1b[\0")),
        ("#1234", Query("id", id=1234)),
        ("# Title", Query("text", "# Title")),
        (" #12", Query("text", " #12")),
        (r"\#12", Query("text", "#12")),
        ("0x20 ec98", Query("bytes", data=b"\x20\xec\x98")),
        ("0xFF", Query("bytes", data=b"\xff")),
        (r"\0xFF", Query("text", "0xFF")),
        (r"\x20\xEC", Query("bytes", data=b"\x20\xec")),
        (r"\x20 ", Query("text", "  ")),
        ("/^ ?the$/", Query("regex", "^ ?the$")),
        (r"\/the/", Query("text", "/the/")),
        ("/the", Query("text", "/the")),
        ("//", Query("text", "//")),
        ("", Query("text", "")),
    ],
)
def test_a_line_means_one_of_four_things(typed, query):
    assert Query.parse(typed) == query


def test_where_no_regular_expression_is_wanted_slashes_are_text():
    assert Query.parse("/the/", regex=False) == Query("text", "/the/")


@pytest.mark.parametrize("typed", ["0x", "0x2", "0x20 e", "0xylophone", "0x20\n€€"])
def test_half_a_byte_is_said(typed):
    with pytest.raises(UsageError, match="two hexadecimal digits"):
        Query.parse(typed)


@given(st.text())
def test_every_text_can_be_typed(text):
    typed = text.replace("\\", "\\\\")
    literal = f"\\{typed}" if typed.startswith(("#", "0x", "/")) else typed
    assert Query.parse(literal) == Query("text", text)


@given(st.text(alphabet="ab\\ntrx01\n\t\x1b\x7f뷁") | st.text())
def test_what_is_pasted_into_a_line_means_itself(text):
    line = f"a{escaped(text)}"
    assert not any(ord(character) < 0x20 or character == "\x7f" for character in line)
    assert Query.parse(line) == Query("text", f"a{text}")
