import math
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.core.heat import heat
from explorer.core.token import Token
from explorer.core.walk.snapshot import PathToken
from explorer.engine.base import Progress
from explorer.ui import theme
from explorer.ui.command import JAMO_OF_KEY, latin_keys
from explorer.ui.commands import COMMANDS, markdown
from explorer.ui.drawing.cells import clusters, drawable, fit, width
from explorer.ui.drawing.numbers import bar, percent
from explorer.ui.drawing.progress import ProgressText
from explorer.ui.widgets.text import Wrapped
from explorer.ui.widgets.tokens import TokensPane
from explorer.wording import WORDS


@given(st.text(), st.integers(0, 40), st.sampled_from(["left", "right"]))
def test_fit_gives_exactly_the_width(text, cells, align):
    assert width(fit(text, cells, align)) == cells


@given(st.text())
def test_clusters_are_the_text_and_begin_with_what_takes_room(text):
    parts = list(clusters(text))
    assert "".join(part for part, _ in parts) == text
    assert sum(size for _, size in parts) == width(text)
    assert all(size for _, size in parts[1:])


@given(st.lists(st.text(max_size=12), max_size=30), st.integers(2, 30))
def test_wrapped_lines_fit_and_hold_the_whole_text(pieces, cells):
    wrapped = Wrapped(cells)
    for index, piece in enumerate(pieces):
        wrapped.append(piece, index)
    for line in wrapped.lines:
        assert sum(size for _, size, _ in line) <= cells
    shown = "".join(cell for line in wrapped.lines for cell, _, _ in line)
    plain = [c for piece in pieces for c in drawable(piece) if unicodedata.category(c)[0] in "LNPS"]
    rest = iter(shown)
    assert all(character in rest for character in plain)


@given(st.lists(st.text(max_size=12), max_size=20), st.integers(2, 30))
def test_wrapping_does_not_depend_on_how_the_text_is_cut_into_tokens(pieces, cells):
    one, many = Wrapped(cells), Wrapped(cells)
    letters = [piece.encode("ascii", "ignore").decode() for piece in pieces]
    one.append("".join(letters), 0)
    for index, piece in enumerate(letters):
        many.append(piece, index)
    assert [[c for c, _, _ in line] for line in one.lines] == [[c for c, _, _ in line] for line in many.lines]


@given(st.floats(0, 1))
def test_a_probability_is_eight_cells_and_nothing_only_when_it_is_nothing(share):
    assert len(percent(share)) == 8
    assert (percent(share).strip() == "0.00%") == (share == 0)
    assert len(bar(share, 10)) == 10


def test_every_key_has_one_command():
    keys = [key for command in COMMANDS for key in command.keys.split(",")]
    assert len(keys) == len(set(keys))


def test_the_digits_are_free_for_counts():
    keys = {key for command in COMMANDS for key in command.keys.split(",")}
    assert not keys & {*"0123456789"}


def test_the_page_of_keys_is_generated_from_the_table():
    assert Path("docs/keys.md").read_text("utf-8") == markdown()


def test_every_jamo_is_the_key_that_writes_it():
    assert all(latin_keys(jamo) == key for key, jamo in JAMO_OF_KEY.items())
    assert [latin_keys(text) for text in ("메", "값", "ㅘ", "ㅁㅔ")] == ["ap", "rkqt", "hk", "ap"]
    assert [latin_keys(text) for text in ("a", "", "時", "é")] == [""] * 4


def test_the_shipped_themes_are_whole():
    themes, faults = theme.read_themes([theme.shipped_folder()])
    assert {t.name for t in themes} == {"dark", "light"}
    assert faults == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = 1", "needs a name"),
        ("x", "is not TOML"),
        ('name = "n"\n[colors]\nprimary = "#123"\n[variables]\n', "lacks background"),
        ('name = "n"\n[colors]\ngreenish = "#123"\n[variables]\n', "does not know greenish"),
    ],
)
def test_a_broken_theme_is_named_and_never_fatal(tmp_path, text, said):
    (tmp_path / "mine.toml").write_text(text)
    themes, faults = theme.read_themes([theme.shipped_folder(), tmp_path])
    assert len(themes) == 2
    assert len(faults) == 1
    assert said in faults[0]
    assert "mine.toml" in faults[0]


def test_a_theme_of_ones_own_with_a_wrong_colour_is_named(tmp_path):
    text = (theme.shipped_folder() / "dark.toml").read_text().replace("#7aa2f7", "bluish")
    (tmp_path / "mine.toml").write_text(text)
    assert "is not a colour" in theme.read_themes([tmp_path])[1][0]


def test_heat_is_a_pure_function_of_the_number():
    token = Token(1, b"a", "text")

    def place(prob: float | None, entropy: float | None = None, rank: int | None = 1) -> PathToken:
        return PathToken(token, "a", None, None, None if prob is None else math.log(prob), rank, entropy)

    assert [heat("prob", place(p)) for p in (1.0, 0.5, 0.3, 0.1, 0.01, 0.001)] == [0, 0, 1, 2, 3, 4]
    assert [heat("entropy", place(1.0, bits)) for bits in (0.0, 1.5, 3.0, 6.0, 9.0, None)] == [0, 1, 2, 3, 4, None]
    assert heat("surprisal", place(None)) is None
    assert [heat("rank", place(0.5, rank=rank)) for rank in (1, 3, 10, 100, 101, None)] == [0, 1, 2, 3, 4, None]
    assert heat("", place(0.5)) is None


def test_progress_says_the_rate_and_the_time_left_after_a_second():
    now = [0.0]
    progress = ProgressText(WORDS, lambda: now[0])
    assert progress.text(Progress("starting the engine")) == "starting the engine …"
    assert "a second" not in progress.text(Progress("reading the prompt", 100, 1000))
    now[0] = 2.0
    assert progress.text(Progress("reading the prompt", 300, 1000)).endswith("100 a second · 7 s left")
    assert "a second" not in progress.text(Progress("reading the prompt", 10, 1000))


@pytest.mark.parametrize("rank", [1, 99_999, 151_936, 1_048_576])
@pytest.mark.parametrize("prob", [None, 1e-9, 0.5, 1.0])
def test_a_rank_touches_no_number_beside_it(rank, prob):
    place = PathToken(Token(1, b"a", "text", "a"), "a", None, None, prob and math.log(prob), rank, 1.0)
    assert len(TokensPane._numbers(place).split()) == 3
