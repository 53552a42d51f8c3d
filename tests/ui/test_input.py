"""What a terminal sends: keys are keys, and a paste is text, whatever is in it."""

import itertools
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.message import Message

from explorer.ui.input import BURST, NO_END, TerminalInput

BEGIN, END = b"\x1b[200~", b"\x1b[201~"


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


class Clock:
    """The time of the terminal, which passes when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        for module in ("explorer.ui.input", "textual._parser"):
            monkeypatch.setattr(f"{module}.get_time", lambda: self.now)

    def wait(self, terminal: TerminalInput, seconds: float) -> list[Message]:
        """What comes while nothing is sent."""
        heard: list[Message] = []
        for _ in range(round(seconds / 0.05) + 1):
            self.now += 0.05
            heard += terminal.tick()
        return heard

    def hear(self, parts: Sequence[bytes], between: float = 0.0) -> list[str]:
        terminal, heard = TerminalInput(), []
        for part in parts:
            heard += terminal.feed(part)
            heard += self.wait(terminal, between) if between else [*terminal.tick()]
        return said(heard + self.wait(terminal, NO_END + BURST))


def said(messages: Sequence[Message]) -> list[str]:
    return list(_said(messages))


def _said(messages: Sequence[Message]) -> Iterator[str]:
    for message in messages:
        if isinstance(message, events.Paste):
            yield f"paste {message.text}"
        elif isinstance(message, events.Key):
            yield message.key
        else:
            yield type(message).__name__


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([b"a\x1b[A"], ["a", "up"]),
        ([b"\x1b"], ["escape"]),
        ([b"\x1b["], ["left_square_bracket"]),
        ([b"\x1b[2", b"~"], ["insert"]),
        ([b"\x1b[", b"20~"], ["f9"]),
        ([b"\x1b[I"], ["AppFocus"]),
        ([b"\xea\xb0", b"\x80"], ["가"]),
        ([BEGIN + b"plain" + END], ["paste plain"]),
        ([BEGIN + b"a \x1b[31mred\x1b[0m" + END], ["paste a \x1b[31mred\x1b[0m"]),
        ([BEGIN + b"\xc2\x9b31m \x1b\x1b O" + END + b"q"], ["paste \x9b31m \x1b\x1b O", "q"]),
        ([BEGIN + b"a" + END + b"q" + END], ["paste aq"]),
        ([BEGIN + b"a" + END, b"qm", b"x" + END], ["paste aqmx"]),
        ([BEGIN + b"a" + END + b"q" + BEGIN + b"b" + END], ["paste aqb"]),
        ([b"\x1b", b"[200~a", END], ["paste a"]),
        ([BEGIN + b"a\x1b[2", b"01~"], ["paste a"]),
        ([BEGIN + b"no end"], ["paste no end"]),
        ([BEGIN + b"\x00\xff" + END], ["paste \ufffd"]),
        ([b"\xff\xfe"], ["replacement_character", "replacement_character"]),
        ([b"\x1b[1114112u", b"a"], ["a"]),
        ([b"\x1b[55296u"], []),
    ],
    ids=repr,
)
def test_keys_are_keys_and_a_paste_is_one_text(clock, parts, expected):
    assert clock.hear(parts) == expected


@given(st.binary(max_size=60), st.lists(st.integers(0, 80), max_size=8))
def test_no_byte_of_a_paste_is_a_key_however_it_is_cut(content, cuts):
    data = BEGIN + content + END
    places = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    parts = [data[begin:end] for begin, end in itertools.pairwise(places)]
    with pytest.MonkeyPatch.context() as monkeypatch:
        heard = Clock(monkeypatch).hear(parts)
    text = content.decode(errors="replace")
    for mark in (BEGIN.decode(), END.decode(), "\x00"):
        text = text.replace(mark, "")
    assert [one for one in heard if not one.startswith("paste ")] == []
    assert "".join(heard).removeprefix("paste ") == text


def test_an_end_of_which_the_rest_comes_late_is_one(clock):
    assert clock.hear([BEGIN + b"a", b"b" * 5000, b"c" + END], between=0.5) == ["paste a" + "b" * 5000 + "c"]


def test_a_paste_without_an_end_stops_no_key_that_follows(clock):
    assert clock.hear([BEGIN + b"text", b"q", b"\x1b[A"], between=NO_END + BURST) == ["paste text", "q", "up"]


def test_the_rest_of_a_paste_that_stalled_is_no_key(clock):
    heard = clock.hear([BEGIN + b"text", b"quit" * 100 + END], between=NO_END + BURST)
    assert heard == ["paste text", "paste " + "quit" * 100]


def test_the_mark_of_a_paste_may_come_after_an_escape_that_was_taken_for_the_key(clock):
    assert clock.hear([b"\x1b", b"[200~quit" + END], between=0.3) == ["escape", "paste quit"]


def test_a_megabyte_is_one_paste(clock):
    data = BEGIN + b"\x1b[31m line\n" * 90_000 + END
    heard = clock.hear([data[start : start + 4096] for start in range(0, len(data), 4096)])
    assert heard == ["paste " + "\x1b[31m line\n" * 90_000]
