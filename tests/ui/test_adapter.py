"""The key `L`: the adapter on and off, as two engines of one record."""

import asyncio

from explorer.core.record import journal
from explorer.core.record.events import Engine as EngineEvent
from explorer.core.record.record import adapter_of
from explorer.replay.claims import fold
from explorer.replay.verification import Verification
from explorer.walk import opening
from tests.explorers import Adapted
from tests.ui.person import events, press, said, settle, text


def status(app) -> str:
    return app.main.status_line.status.model


def first_prob(app) -> float:
    return app.main.walk.snapshot.distribution.candidates[0].prob


async def test_the_adapter_is_switched_off_and_on_again_where_the_walk_stands(explore, tmp_path):
    app = explore(Adapted())
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert status(app) == "scripted + a/lora"
        await press(pilot, "enter")
        walked, on, here = text(app), first_prob(app), (app.main.session.root, app.main.session.node)
        await press(pilot, "L")
        assert (text(app), status(app)) == (walked, "scripted (adapter off)")
        assert "a/lora is off" in said(app)
        off = first_prob(app)
        assert off > on
        assert app.main.session.root != here[0]
        await press(pilot, "u")
        assert (text(app), first_prob(app)) == (walked, off)  # There is no way back into the numbers of the other side.
        await press(pilot, "L")
        assert (app.main.session.root, app.main.session.node) == here
        assert (text(app), first_prob(app), status(app)) == (walked, on, "scripted + a/lora")
        await press(pilot, "L")
        assert len(app.main.session.trees) == 2 and first_prob(app) == off
        await press(pilot, "enter", "L")
        assert len(app.main.session.trees) == 3
    kinds = events(tmp_path / "walk.jsonl")
    assert kinds.count("Engine") == 4 and kinds.count("Prompt") == 3


async def test_where_there_is_no_adapter_it_is_said(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "L")
        assert "there is no adapter on" in said(app) and "--adapter" in said(app)
        assert len(app.main.session.trees) == 1


async def test_two_presses_at_once_are_one_there_and_one_back(explore):
    app = explore(Adapted())
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        app.main.walk.engine.gate = asyncio.Event()
        await pilot.press("L", "L")
        app.main.walk.engine.gate.set()
        await settle(pilot)
        assert status(app) == "scripted + a/lora"
        assert app.main.walk.info.adapter.on and app.main.session.adapter == "a/lora"


async def test_every_number_holds_on_the_engine_that_made_it(explore, tmp_path):
    app = explore(Adapted())
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "enter", "space", "L", "space", "space", "L", "space", "L")
    record = journal.read(tmp_path / "walk.jsonl")
    assert [adapter_of(one) for one in record.engines] == ["a/lora", "", "a/lora", ""]
    session, parts = fold(record, "the record")
    assert sorted(adapter_of(part.engine) for part in parts) == ["", "a/lora"]
    for right in (True, False):
        verification = Verification(session)
        for part in parts:
            engine = Adapted(on=(adapter_of(part.engine) != "") is right)
            await engine.start()
            await verification.check(part, engine)
        assert verification.report.holds is right
        assert {part.model for part in verification.report.parts} == {"scripted", "scripted + a/lora"}


async def test_a_walk_is_resumed_on_the_side_where_it_ended(explore, tmp_path):
    app = explore(Adapted())
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "enter", "L", "enter")
        walked, trees = text(app), len(app.main.session.trees)
    path = tmp_path / "walk.jsonl"
    for on, more in ((False, 0), (True, 1)):
        engine = Adapted(on=on)
        await engine.start()
        session = await opening.resume(engine, journal.read(path), path)
        assert "".join(place.text for place in session.snapshot().path) == walked
        assert len(session.trees) == trees + more
        assert isinstance(session.events[-1 if not more else -2], EngineEvent)
        session.journal.close()
