"""Pictures of the screen at both sizes; a change of one is looked at before it is accepted."""

from datetime import datetime

import pytest

from explorer.core.chat import Chat, Message
from explorer.core.sampling.pace import RunSettings
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.ui.opening import Opening
from explorer.walk.beginning import begin
from tests.ui.person import SIZES, press, rest, settle

STRANGE = "Once upon a 옛날 옛적에 [/b] list[int] \x1b[31m é 👩‍🚀 <|end|>\n\tx"


async def _steps(pilot, *keys: str) -> None:
    await settle(pilot)
    await press(pilot, *keys)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_first_screen(explore, snap_compare, size, theme):
    app = explore(theme=theme, opening=Opening(coached=True))
    assert snap_compare(app, terminal_size=size, run_before=lambda pilot: _steps(pilot))


@pytest.mark.parametrize("size", SIZES)
def test_a_walk_with_a_branch_and_cut_rows(explore, snap_compare, size):
    app = explore(params=SamplingParams(top_k=2, seed=1))

    async def walk(pilot):
        await _steps(pilot, "down", "enter", "left", "enter", "space", "space", "left", "left", "left")

    assert snap_compare(app, terminal_size=size, run_before=walk)


@pytest.mark.parametrize("size", [*SIZES, (40, 20)])
def test_strange_text_is_literal_and_keeps_the_columns(explore, snap_compare, size):
    app = explore(draft=STRANGE, params=SamplingParams(temperature=0.8, seed=1))
    assert snap_compare(app, terminal_size=size, run_before=lambda pilot: _steps(pilot, "v"))


@pytest.mark.parametrize("key", ["question_mark", "i", "x"])
def test_the_dialogs(explore, snap_compare, key, monkeypatch):
    noon = datetime(2026, 1, 1, 12).astimezone()
    monkeypatch.setattr("explorer.ui.actions.session.now", lambda: noon)
    assert snap_compare(explore(), terminal_size=(80, 24), run_before=lambda pilot: _steps(pilot, key))


@pytest.mark.parametrize("size", SIZES)
def test_the_chat_editor(explore, snap_compare, size):
    talk = (Message("system", "Be kind."), Message("user", STRANGE), Message("assistant", None, {"tool_calls": []}))
    app = explore(draft=Chat((*talk, Message("user", ""))))

    async def edit(pilot):
        await _steps(pilot, "up")
        await pilot.app.screen.preview().wait()
        await rest(pilot)

    assert snap_compare(app, terminal_size=size, run_before=edit)


@pytest.mark.parametrize("size", SIZES)
def test_a_chat_that_is_to_be_written(explore, snap_compare, size):
    async def look(pilot):
        await settle(pilot)
        await pilot.app.screen.preview().wait()
        await rest(pilot)

    assert snap_compare(explore(draft=None), terminal_size=size, run_before=look)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("key", ["A", "N"])
def test_the_dialogs_of_auto_sampling(explore, snap_compare, key, size):
    rules = StopRules(max_new_tokens=40, strings=("\n\n", "[/b]"), entropy_above=3.5)
    app = explore(run_settings=RunSettings(rules=rules), params=SamplingParams(temperature=1.5, seed=1))

    async def ask(pilot):
        await _steps(pilot, key, "down")

    assert snap_compare(app, terminal_size=size, run_before=ask)


@pytest.mark.parametrize("size", [*SIZES, (40, 24)])
@pytest.mark.parametrize(
    ("key", "typed"), [("f", " fox\\n옛날"), ("slash", "O"), ("o", " fox who sang")], ids=["f", "slash", "o"]
)
def test_the_dialogs_that_ask_for_a_text(explore, snap_compare, key, typed, size):
    app = explore(params=SamplingParams(top_k=3, seed=1))

    async def ask(pilot):
        await _steps(pilot, key)
        for character in typed:
            await pilot.press("space" if character == " " else character)
        if key == "o":
            await pilot.press("enter", "space", *"time", "tab")
        await _steps(pilot, "down")

    assert snap_compare(app, terminal_size=size, run_before=ask)


@pytest.mark.parametrize("size", SIZES)
def test_the_branches(explore, snap_compare, size):
    async def walk(pilot):
        await _steps(pilot, *["enter"] * 7, *["left"] * 7, "down", *["enter"] * 9, "d", *["left"] * 5, "down", "enter")
        await _steps(pilot, "enter", *["left"] * 4, "down", *["enter"] * 4)
        await begin(pilot.app.main.walk, STRANGE)
        await rest(pilot)
        await _steps(pilot, "1", "2", "space", "d", "B", "home", "right", "down", "right", "right", "left", "enter")

    assert snap_compare(explore(), terminal_size=size, run_before=walk)
