"""The file of the record is taken away or changed while a person walks: it is said, and nothing is lost."""

import pytest

from explorer.core.record import journal
from tests.ui.person import press, rest, settle
from tests.ui.test_full_disk import save


@pytest.mark.parametrize("happens", ["deleted", "changed"])
async def test_a_record_that_is_lost_is_told_and_the_whole_walk_is_saved_elsewhere(explore, tmp_path, happens):
    path, copy = tmp_path / "walk.jsonl", tmp_path / "copy.jsonl"
    app = explore(record=path)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        if happens == "deleted":
            path.unlink()
        else:
            path.write_bytes(b"of somebody else\n")
        await press(pilot, "down", "enter", "space")
        warnings = [one.message for one in app._notifications if "The walk goes on in memory" in one.message]
        assert len(warnings) == 1
        assert f"The record {path} " + ("is gone" if happens == "deleted" else "was changed") in warnings[0]
        assert app.main.status_line.status.note == "not recorded any more: save a copy with x"
        assert await save(pilot, copy) == ""
        session = app.main.walk.session
        assert journal.read(copy).events == session.events
        await pilot.press("ctrl+q")
        assert app.return_code == 0
    assert path.exists() == (happens == "changed")
    assert happens == "deleted" or path.read_bytes() == b"of somebody else\n"
    assert not app.main.left_unsaved


async def test_a_record_that_is_lost_while_nothing_happens_is_told_before_the_end(explore, tmp_path):
    app = explore(record=tmp_path / "walk.jsonl")
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        (tmp_path / "walk.jsonl").unlink()
        await pilot.press("ctrl+q")
        await rest(pilot)
        assert app.main.status_line.status.note == "the walk is not saved: x saves a copy, Ctrl+Q again quits without"
        app.end(15)
    assert app.return_code == 128 + 15
    assert not app.main.left_unsaved


async def test_a_walk_that_a_signal_ends_is_known_to_be_in_memory_alone(explore, tmp_path):
    app = explore(record=tmp_path / "walk.jsonl")
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        (tmp_path / "walk.jsonl").unlink()
        app.end(15)
    assert app.main.left_unsaved
