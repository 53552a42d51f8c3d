"""Leaving the program: by its key, from wherever a person is."""

import pytest
from textual.screen import ModalScreen

from explorer.core.record import journal
from explorer.core.record.events import End
from explorer.ui.screens.help import HelpScreen
from tests.ui.person import press, rest, settle, until
from tests.ui.test_replay import record, replay

__all__ = ["record"]

DIALOGS = ["f", "slash", "o", "i", "m", "x", "A", "J", "D", "N", "question_mark", "ctrl+p"]


async def opened(pilot, key: str) -> None:
    await settle(pilot)
    await pilot.press(key)
    await until(pilot, lambda: isinstance(pilot.app.screen, ModalScreen))
    await pilot.pause()


@pytest.mark.parametrize("key", DIALOGS)
async def test_the_key_that_leaves_does_so_from_every_dialog_and_the_record_is_whole(explore, tmp_path, key):
    app = explore(record=tmp_path / "walk.jsonl")
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, key)
        await pilot.press("a", "ctrl+q")
    assert app.return_code == 0
    assert isinstance(journal.read(tmp_path / "walk.jsonl").events[-1], End)


async def test_another_key_that_leaves_does_so_from_a_dialog_too_unless_it_writes_there(explore):
    app = explore(keys={"quit": "ctrl+x,y"})
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "f")
        await pilot.press("y", "ctrl+q", "y")
        assert app.screen.line.value == "yy"
        await pilot.press("ctrl+x")
    assert app.return_code == 0


async def test_a_walk_that_is_not_saved_is_not_left_from_a_dialog_without_a_word(explore, tmp_path):
    app = explore(record=tmp_path / "walk.jsonl")
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "f")
        (tmp_path / "walk.jsonl").unlink()
        await pilot.press("ctrl+q")
        await rest(pilot)
        told = "the walk is not saved: x saves a copy, Ctrl+Q again quits without"
        assert [one.message for one in app._notifications].count(told) == 1
        assert app.return_code is None
        await pilot.press("ctrl+q")
    assert app.return_code == 0


async def test_a_replay_is_left_from_its_help(record):
    app = replay(record)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "question_mark")
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("ctrl+q")
    assert app.return_code == 0
