import itertools
import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from explorer.core.token import Token, begun, label, shown_bytes, take_text, visible

HALF = "옛".encode()[:2]
ANY_CHARACTER = st.characters(min_codepoint=0)
ANY_BYTES = st.binary(max_size=40) | st.text(max_size=12).map(lambda text: text.encode()[:-1])


def drives_a_terminal(character: str) -> bool:
    category = unicodedata.category(character)
    return category.startswith("C") or category in ("Zl", "Zp")


@given(st.text(max_size=30), st.lists(st.integers(0, 120)))
@example("👩‍👩‍👧 한글\x00\r\n", list(range(40)))
def test_the_pieces_of_any_split_of_a_text_join_to_the_text(text, cuts):
    data = text.encode()
    places = sorted({0, len(data), *(cut for cut in cuts if cut <= len(data))})
    shown, pending = "", b""
    for begin, end in itertools.pairwise(places):
        piece, pending = take_text(pending + data[begin:end])
        shown += piece
    assert (shown, pending) == (text, b"")


@given(ANY_BYTES)
def test_bytes_that_are_no_character_never_become_a_replacement_character(data):
    shown, _ = take_text(data)
    assert shown.count("\ufffd") <= data.count("\ufffd".encode())


@given(ANY_BYTES)
def test_the_rest_is_the_beginning_of_a_character(data):
    _, rest = take_text(data)
    assert len(rest) <= 3 and data.endswith(rest)
    if rest:
        with pytest.raises(UnicodeDecodeError, match="unexpected end of data"):
            rest.decode()


@given(st.binary(max_size=30).filter(lambda data: b"\xe2" not in data))
def test_no_byte_is_lost_in_what_is_shown(data):
    shown, rest = take_text(data)
    parts = re.split("(‹[0-9A-F ]+›)", shown)
    spelt = b"".join(bytes.fromhex(part[1:-1]) if part.startswith("‹") else part.encode() for part in parts)
    assert spelt + rest == data


def test_an_unfinished_character_waits_for_its_last_byte():
    assert take_text(b"a" + HALF) == ("a", HALF)
    assert take_text(HALF + "옛".encode()[2:]) == ("옛", b"")


def test_bytes_that_can_never_become_a_character_are_shown_as_bytes():
    assert take_text(HALF + b"a\xff") == ("‹EC 98›a‹FF›", b"")


@given(st.text(ANY_CHARACTER, max_size=20))
def test_visible_text_holds_nothing_that_drives_a_terminal(text):
    assert not [c for c in visible(text) if drives_a_terminal(c)]


@given(st.text(ANY_CHARACTER, max_size=20))
def test_visible_keeps_what_it_is_asked_to_keep(text):
    assert not [c for c in visible(text, keep="\n\t") if drives_a_terminal(c) and c not in "\n\t"]
    assert visible(text, keep="\n\t").count("\n") == text.count("\n")


@given(st.binary(max_size=12) | st.text(max_size=8).map(str.encode))
def test_a_label_is_one_line_without_spaces_that_drives_no_terminal(data):
    shown = label(Token.from_bytes(1, data))
    assert (shown and " " not in shown.replace("‹", "").split("›")[0]) or "‹" in shown
    assert not [c for c in shown if drives_a_terminal(c)]
    assert unicodedata.category(shown[0])[0] != "M"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", "␛[31m"),
        ("\x00", "␀"),
        ("\r", "␍"),
        ("\x7f", "␡"),
        ("\u202e", "‹202E›"),
        ("\u2028\u2029", "‹LS›‹PS›"),
        ("\u200b\ue000", "‹200B›‹E000›"),
        ("한글 é", "한글 é"),
    ],
)
def test_control_characters_are_shown_as_pictures(text, shown):
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        (Token(1, b" time", "text"), "␣time"),
        (Token(1, b"\r\n", "text"), "␍↵"),
        (Token(1, b"", "text"), "(empty)"),
        (Token(1, b"", "unused"), "(unused)"),
        (Token(1, b"a" + HALF, "bytes"), "a‹EC 98›"),
        (Token(1, "\u0301".encode(), "text"), "◌\u0301"),
        (Token(1, b"[bold]", "text"), "[bold]"),
    ],
)
def test_the_label_of_a_token(token, shown):
    assert label(token) == shown


@pytest.mark.parametrize(
    ("before", "data", "shown"),
    [
        (b"\xec\x84", b"\x9c", "‹9C›→서"),
        (b"\xec", b"\x84\x9c", "‹84›‹9C›→서"),
        (b"\xec", b"\x84", "‹84›"),
        (b"\xec\x84", b"\x9c\xec", "‹9C›‹EC›→서"),
        (b"\xec\x84", b"\x9c a", "‹9C›␣a→서"),
        (b"\xec\x84", b" a", "␣a"),
        (b"\xec\x84", b"\xec", "‹EC›"),
        (b"\xcc", b"\x81", "‹81›→◌\u0301"),
        (b"\xe2\x80", b"\xae", "‹AE›→‹202E›"),
        (b"\xf0\x9f\x98", b"\x80", "‹80›→😀"),
        (b"", b"\x9c", "‹9C›"),
    ],
)
def test_behind_half_a_character_stands_the_whole_one_that_it_ends(before, data, shown):
    assert label(Token.from_bytes(1, data), before) == shown


@given(st.text(max_size=8).map(str.encode), st.data())
def test_bytes_end_in_those_of_a_character_that_was_begun(data, drawn):
    cut = drawn.draw(st.integers(0, len(data)))
    begins = begun(data[:cut])
    assert data[:cut].endswith(begins)
    assert data[: cut - len(begins)].decode().encode() + begins == data[:cut]


def test_shown_bytes_of_nothing_are_nothing():
    assert shown_bytes(b"") == ""


@given(st.binary(max_size=12))
def test_a_token_from_bytes_is_text_exactly_when_its_bytes_are_whole(data):
    token = Token.from_bytes(7, data)
    assert (token.kind == "text") == (token.text is not None)
    assert token.text is None or token.text.encode() == data
