"""A person who presses any keys: nothing stops the program, and the record is the session."""

import random

import pytest
from textual.screen import ModalScreen

from explorer.core.record import journal
from explorer.core.walk.session import Session
from explorer.core.walk.steps import restore
from explorer.ui.command import bindings
from explorer.ui.commands import COMMANDS
from tests.ui.person import settle

LEAVING = {"ctrl+q", "ctrl+c"}
COMMAND_KEYS = [key for one in bindings(COMMANDS) for key in one.key.split(",") if key not in LEAVING]
OTHERS = [
    *("tab", "shift+tab", "enter", "escape", "escape", "backspace", "delete", "home", "end", "pageup", "pagedown"),
    *("up", "down", "left", "right", "space", "f2", "f3", "f4", "f5", "f6", "f7", "ctrl+s", "ctrl+j", "ctrl+a"),
    *("ctrl+u", "ctrl+k", "ctrl+w", "ctrl+z", "shift+up", "shift+down", "0", "3", "9", "number_sign", "slash"),
    *("left_parenthesis", "backslash", "tilde", "colon", "comma", "a", "x", "가", "ㅁ"),
]
DIALOGS = ["f", "slash", "o", "i", "m", "x", "A", "J", "D", "N", "question_mark", "c", "B", "ctrl+p"]


async def press_any(pilot, seed: int, keys: int) -> None:
    """Many keys, as they come from a person in a hurry; now and then what they did is looked at."""
    choose = random.Random(seed)
    for _ in range(keys // 8):
        kind = choose.choice([COMMAND_KEYS, OTHERS, DIALOGS])
        for key in choose.choices(kind, k=8):
            pilot.app.simulate_key(key)
            if choose.random() < 0.5:
                await pilot.pause()
        if choose.random() < 0.2:
            await back(pilot)


async def back(pilot) -> None:
    """Leave every dialog, and stop what runs."""
    while isinstance(pilot.app.screen, ModalScreen):
        pilot.app.simulate_key("escape")
        await pilot.pause()
    pilot.app.simulate_key("escape")
    await pilot.pause()


# What is given up before it began leaves a coroutine that nobody awaits.
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("seed", "keys"),
    [(1, 160), (2, 160), *(pytest.param(seed, 2000, marks=pytest.mark.long) for seed in range(3, 23))],
)
async def test_any_keys_end_nothing_and_the_record_is_the_session(explore, tmp_path, monkeypatch, seed, keys):
    monkeypatch.chdir(tmp_path)  # Copies are saved there.
    app = explore(record=tmp_path / "walk.jsonl")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press_any(pilot, seed, keys)
        await back(pilot)
        await settle(pilot)
        session, shown = app.main.walk.session, app.main.walk.session.snapshot()
        app.exit()
    record = journal.read(tmp_path / "walk.jsonl")
    assert record.torn == b""
    assert record.events == session.events
    again = Session(record.header)
    restore(record, "the record", again)
    assert again.prefix() == session.prefix()
    told = [[(place.text, place.rank, place.logprob) for place in path] for path in (again.snapshot().path, shown.path)]
    assert told[0] == told[1]
