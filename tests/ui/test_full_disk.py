"""The disk is full: a small one, which is mounted for the test where that is allowed."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.core.record import journal
from explorer.core.walk.session import Session
from explorer.core.walk.steps import restore
from tests.ui.person import press, rest, settle, text

PAGE = os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A disk of eight pages."""
    folder = tmp_path / "small"
    folder.mkdir()
    options = f"size={8 * PAGE},mode=700"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(disk: Path, left: int) -> None:
    """Leave so many pages of the disk free."""
    free = os.statvfs(disk)
    (disk / "filler").write_bytes(bytes((free.f_bavail - left) * free.f_frsize))


async def save(pilot, path: Path) -> str:
    """Save a copy; what the dialog says is wrong."""
    await pilot.press("x")
    await rest(pilot)
    dialog = pilot.app.screen
    dialog.query_one("Input").value = str(path)
    await pilot.press("enter")
    await rest(pilot)
    fault = str(dialog.query_one("#fault").render()) if pilot.app.screen is dialog else ""
    if fault:
        await pilot.press("escape")
    await settle(pilot)
    return fault


async def test_a_disk_that_fills_stops_the_record_with_a_warning_and_everything_is_saved_elsewhere(
    explore, small_disk, tmp_path
):
    path, copy = small_disk / "walk.jsonl", tmp_path / "copy.jsonl"
    app = explore(record=path)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        fill(small_disk, 1)
        await press(pilot, "a")
        session = app.main.walk.session
        assert app.main.walk.unrecorded == "not recorded any more: save a copy with x"
        warning = next(one.message for one in app._notifications if "no space left" in one.message)
        assert f"The record {path} cannot be written any more" in warning
        assert "save a copy elsewhere with x" in warning

        stopped = journal.read(path)
        assert stopped.torn, "the disk did not fill within a line"
        assert stopped.events == session.events[: len(stopped.events)]
        before = len(session.events)
        await press(pilot, "left", "down", "enter")
        assert len(session.events) > before > len(stopped.events)

        assert "no space left on device" in await save(pilot, small_disk / "copy.jsonl")
        assert sorted(file.name for file in small_disk.iterdir()) == ["filler", "walk.jsonl"]
        await press(pilot, "ctrl+q")
        assert app.main.status_line.status.note == "the walk is not saved: x saves a copy, Ctrl+Q again quits without"
        assert await save(pilot, copy) == ""
        saved = journal.read(copy)
        assert (saved.events, saved.torn) == (session.events, b"")
        again = Session(saved.header)
        restore(saved, str(copy), again)
        assert again.prefix() == session.prefix()
        assert "".join(place.text for place in again.snapshot().path) == text(app)
        await pilot.press("ctrl+q")
        assert app.return_code == 0


async def test_a_walk_that_is_not_saved_is_given_up_by_leaving_twice(explore, small_disk):
    app = explore(record=small_disk / "walk.jsonl")
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        fill(small_disk, 0)
        await press(pilot, "a", "ctrl+q", "enter", "ctrl+q")
        assert app.return_code is None
        await pilot.press("ctrl+q")
        assert app.return_code == 0


async def test_a_walk_that_begins_on_a_full_disk_is_refused_with_a_sentence(explore, small_disk):
    fill(small_disk, 0)
    app = explore(record=small_disk / "walk.jsonl")
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert "walk.jsonl cannot be written: no space left on device" in app.main.candidates.message
        assert "--record PATH names another file" in app.main.candidates.message
    assert not (small_disk / "walk.jsonl").exists()
