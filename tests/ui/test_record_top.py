from functools import partial

from explorer.core.record import events, journal
from explorer.core.sampling.params import SamplingParams
from explorer.walk import opening
from tests.ui.person import press, settle


async def test_a_record_keeps_fewer_rows_than_are_shown_and_a_resume_asks_for_them_again(explore, tmp_path):
    path = tmp_path / "walk.jsonl"
    begin = partial(opening.begin, params=SamplingParams(seed=1), record=path, record_top=3)
    app = explore(open_session=begin)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, *["down"] * 9, "enter", "left")
        shown = app.main.walk.snapshot.distribution
        assert len(shown.candidates) == 20
        await pilot.press("ctrl+q")
    record = journal.read(path)
    tables = [event for event in record.events if isinstance(event, events.Seen)]
    assert [len(table.candidates) for table in tables] == [3, 3]

    async def resume(engine, draft):
        return await opening.resume(engine, record, path, record_top=3)

    app = explore(open_session=resume)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert app.main.walk.snapshot.distribution == shown
        assert app.main.candidates.selected.token == shown.candidates[9].token
        await pilot.press("ctrl+q")
    again = [event for event in journal.read(path).events if isinstance(event, events.Seen)][2:]
    # The token that was tried there is beside the first three.
    assert [[row.rank for row in table.candidates] for table in again] == [[1, 2, 3, 10]]
