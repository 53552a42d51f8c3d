"""One hostile string in everything that the screen may quote."""

import msgspec
import pytest
from rich.segment import Segment
from textual.color import Color
from textual.theme import Theme

from explorer.core.chat import Chat, Message
from explorer.core.record import journal
from explorer.core.sampling.params import Preset, SamplingParams
from explorer.core.token import is_driving
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.errors import EngineError, ModelError
from explorer.ui.actions.loading import Models
from explorer.ui.app import ReplayApp, ThemedApp
from explorer.ui.guard import Guard
from explorer.walk.player import Player
from tests import explorers
from tests.cli.test_output import HOSTILE, hostile_record
from tests.ui.person import press, rest, settle, until
from tests.ui.test_models import entry
from tests.ui.test_wording import on_screen

MARKUP = "[/b][red]"
QUOTED = MARKUP + HOSTILE


@pytest.fixture
def unguarded(monkeypatch):
    """Without the last look: what is drawn must be fit to be drawn."""
    filters = super(ThemedApp, ThemedApp).get_line_filters
    monkeypatch.setattr(ThemedApp, "get_line_filters", lambda app: filters(app))


def drawn(app) -> str:
    """What is on the screen; a failure where any of it drives a terminal."""
    text = on_screen(app)
    assert {c for c in text if is_driving(c)} <= {"\n"}
    return text


class Named(ScriptedEngine):
    """An engine with a hostile name, which fails with a hostile sentence where it is asked for a search."""

    async def start(self, *report):
        info = await super().start(*report)
        self.info = msgspec.structs.replace(info, model=f"/models/{QUOTED}", dtype=QUOTED, device=QUOTED)
        return self.info

    async def search(self, *arguments, **named):
        raise EngineError(f"The engine says {QUOTED}.")

    async def render_chat(self, *arguments, **named):
        raise EngineError(f"The template says {QUOTED}.")


def build(explore, **settings):
    def refuse(name):
        raise ModelError(f"There is no folder {QUOTED}.")

    shipped = explorers.THEMES[0]
    theme = Theme(name=QUOTED, primary="red", background="black", variables=shipped.variables)
    usual = {
        "engine": Named.demo(),
        "models": Models("demo", lambda name: QUOTED, lambda: [entry(QUOTED, problem=QUOTED), entry("a")], refuse),
        "presets": [Preset(QUOTED, SamplingParams(seed=1))],
        "themes": [*explorers.THEMES, theme],
        "faults": [f"The theme {QUOTED} cannot be read."],
        "draft": f"Once {QUOTED}",
    }
    return explore(**{**usual, **settings})


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
@pytest.mark.parametrize(
    "keys",
    [
        ["enter", "enter", "e", "v", "v", "B"],
        ["c", "down"],
        ["m", "down"],
        ["m", "x", "enter"],
        ["i"],
        ["i", "f2"],
        ["slash", "a", "enter"],
        ["f", "a"],
        ["x"],
        ["A"],
        ["question_mark"],
        ["z", "Z"],
        ["R"],
    ],
    ids=" ".join,
)
async def test_nothing_that_is_quoted_drives_the_terminal(unguarded, explore, keys, size):
    app = build(explore)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        assert "␛" in drawn(app)
        for key in keys:
            await pilot.press(key)
            await rest(pilot)
            drawn(app)


async def test_the_palette_tells_themes_literally(unguarded, explore):
    app = build(explore)
    async with app.run_test(size=(120, 60)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+p", *"theme")
        await until(pilot, lambda: MARKUP in drawn(app))


async def test_a_chat_and_a_name_drive_no_terminal(unguarded, explore):
    chat = Chat((Message("system", QUOTED, {QUOTED: 1}), Message("user", QUOTED)))
    app = build(explore, engine=ScriptedEngine.demo(), draft=chat)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        walk = app.main.walk
        walk.apply(walk.session.bookmark(QUOTED))
        app.main.warn(QUOTED)
        app.main.note(QUOTED, "error")
        app.main.changed()
        await rest(pilot)
        drawn(app)
        await press(pilot, "i")
        drawn(app)
        await press(pilot, "escape", "B")
        drawn(app)
        await pilot.press("escape")
        app.main.fail(EngineError(QUOTED))
        await rest(pilot)
        drawn(app)


async def test_a_record_drives_no_terminal(unguarded, tmp_path):
    path = hostile_record(tmp_path / "walk.jsonl")
    app = ReplayApp(Player(journal.read(path), f"{QUOTED}.jsonl", unread=QUOTED), themes=explorers.THEMES, theme="dark")
    async with app.run_test(size=(120, 36)) as pilot:
        await rest(pilot)
        drawn(app)
        for _ in range(12):
            await press(pilot, "right")
            drawn(app)


def test_what_was_overlooked_ends_at_the_guard():
    line = [Segment("plain"), Segment(f"a{HOSTILE}\udcffb"), Segment("end")]
    guarded = Guard().apply(line, Color(0, 0, 0))
    assert [one.text for one in guarded] == ["plain", "a]0;own[6nc·b", "end"]
    assert sum(one.cell_length for one in guarded) == sum(one.cell_length for one in line)


async def test_every_line_of_the_screen_passes_the_guard(explore):
    app = explore(draft="Once")
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "x")
        app.screen.query_one("Input").value = HOSTILE
        await rest(pilot)
        assert "]0;own" in drawn(app)
