from pathlib import Path

import pytest

from explorer.core.record import events, journal
from explorer.core.record.record import Record
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.ui.app import ReplayApp
from explorer.ui.screens.help import HelpScreen
from explorer.ui.theme import read_themes, shipped_folder
from explorer.walk.player import Player
from explorer.wording import WORDS
from tests.replay.conftest import record_walk
from tests.ui.person import press, rest

SIZES = [(120, 36), (80, 24), (40, 12)]


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def record(tmp_path) -> Record:
    return journal.read(await record_walk(ScriptedEngine.demo(), tmp_path / "walk.jsonl"))


def replay(record, clock=None, unread=""):
    themes = read_themes([shipped_folder()])[0]
    return ReplayApp(Player(record, "walk.jsonl", unread=unread), themes=themes, theme="dark", clock=clock or Clock())


def text(app):
    return "".join(place.text for place in app.main.text_pane.snapshot.path)


def line(widget):
    return widget.render_line(0).text


@pytest.mark.parametrize("size", SIZES)
async def test_it_shows_the_beginning_and_goes_on_and_back(record, size):
    app = replay(record)
    async with app.run_test(size=size) as pilot:
        await rest(pilot)
        assert text(app) == "<|begin|>Once upon a"
        assert app.main.candidates.rows[0].token.text == " time"
        assert line(app.main.player_line).split()[2:5] == ["1", "of", str(app.main.player.acts)]
        await press(pilot, "right")
        assert text(app) == "<|begin|>Once upon a little"
        await press(pilot, "right", "l", "left")
        assert app.main.player.act == 2
        await press(pilot, "home")
        assert text(app) == "<|begin|>Once upon a"
        await press(pilot, "end")
        assert text(app) == "<|begin|>옛날 a"
        assert app.main.status_line.status.note == "the end"


async def test_a_number_before_a_key_counts(record):
    app = replay(record)
    async with app.run_test() as pilot:
        await press(pilot, "1", "0", "right")
        assert app.main.player.act == 10
        await press(pilot, "4", "left")
        assert app.main.player.act == 6
        await press(pilot, "3", "g")
        assert app.main.player.act == 2
        await press(pilot, "9", "9", "9", "g")
        assert app.main.player.act == 2
        assert "there are" in app.main.status_line.status.note
        await press(pilot, "g")
        assert "type a number first" in app.main.status_line.status.note
        await press(pilot, "5", "escape", "right")
        assert app.main.player.act == 3


async def test_it_plays_as_time_passes_and_stops_at_the_end(record, clock):
    app = replay(record, clock)
    app.main.player.pace = app.main.player.pace.parse("2/s")
    async with app.run_test() as pilot:
        await pilot.press("space")
        assert "▶" in line(app.main.player_line)
        clock.now += 0.4
        app.main.tick()
        assert app.main.player.act == 0
        clock.now += 1.2
        app.main.tick()
        assert app.main.player.act == 3
        await pilot.press("full_stop")
        assert app.main.player.pace.text == "4/s"
        clock.now += 0.3
        app.main.tick()
        assert app.main.player.act == 4
        await pilot.press("space")
        clock.now += 9
        app.main.tick()
        assert app.main.player.act == 4
        await pilot.press("comma", "space")
        await pilot.resize_terminal(50, 14)
        clock.now += 999
        app.main.tick()
        await rest(pilot)
        assert (app.main.player.at_end, app.main.player.playing) == (True, False)
        assert "‖" in line(app.main.player_line)
        await pilot.press("space")
        assert (app.main.player.act, app.main.player.playing) == (0, True)


async def test_a_step_pauses(record, clock):
    app = replay(record, clock)
    async with app.run_test() as pilot:
        await pilot.press("space", "right")
        assert not app.main.player.playing


async def test_where_no_table_was_recorded_it_is_said(record):
    bare = [event for event in record.events if not isinstance(event, events.Seen)]
    app = replay(Record(record.header, bare))
    async with app.run_test() as pilot:
        await rest(pilot)
        assert (app.main.candidates.message, app.main.candidates.rows) == (WORDS("replay.no_table"), ())


async def test_why_it_ends_early_is_said_in_full_at_the_end(record):
    app = replay(Record(record.header, record.events[:9]), unread="Line 12 of walk.jsonl is not an event.")
    async with app.run_test() as pilot:
        await press(pilot, "end")
        assert app.main.status_line.status.note == "Line 12 of walk.jsonl is not an event."
        assert app.main.status_line.status.severity == "warning"
        await press(pilot, "home", "end")
        assert len(app._notifications) == 1


async def test_ids_without_bytes_are_shown_as_ids():
    app = replay(journal.read(Path("tests/data/record-v1.jsonl")))
    async with app.run_test(size=(120, 36)) as pilot:
        await rest(pilot)
        assert text(app) == "#256#258#259#260"
        assert "#256" in "".join(part for part, _ in app.main.tokens.line(0))
        await press(pilot, "end")
        assert app.main.player.at_end


async def test_help_has_the_keys_of_a_replay_and_escape_leaves(record):
    app = replay(record)
    async with app.run_test() as pilot:
        await press(pilot, "question_mark")
        assert isinstance(app.screen, HelpScreen)
        await press(pilot, "escape")
        assert app.screen is app.main.screen
        await press(pilot, "e", "v", "V", "minus")
        assert (app.main.view.rows, app.main.view.tokens) == (10, "piece")
        await press(pilot, "escape")
    assert app.return_code == 0


async def test_a_long_record_is_gone_through_in_parts(header):
    happened: list[events.AnyEvent] = [events.Prompt(text="a", ids=[97], bytes=["61"])]
    happened += [events.Add(parent=index, node=index + 1, id=97, bytes="61", source="forced") for index in range(4500)]
    app = replay(Record(header, happened))
    async with app.run_test() as pilot:
        await press(pilot, "end")
        assert len(text(app)) == 4501
        await press(pilot, "left")
        assert len(text(app)) == 4500
