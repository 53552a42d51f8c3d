import asyncio

import msgspec

from explorer.core.record import events, journal
from explorer.core.sampling.pace import RunSettings
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.errors import EngineDied
from explorer.ui.screens.sequences import SequencesScreen
from tests.ui.person import drawn, press, rest, said, settle, until

PARAMS = SamplingParams(temperature=3.0, seed=4)
RULES = StopRules(max_new_tokens=6, eos=False)
SETTINGS = RunSettings(rules=RULES)


async def test_sequences_are_drawn_chosen_and_kept(explore, tmp_path):
    app = explore(params=PARAMS, run_settings=SETTINGS)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "space")
        await pilot.press("5", "N")
        await rest(pilot)
        await until(pilot, lambda: not app.screen.pane.drawing)
        assert isinstance(app.screen, SequencesScreen)
        assert "30 tokens · 5 of 5 finished" in str(app.screen.dialog.border_title)
        await pilot.press("down", "down", "enter")
        await settle(pilot)
        assert (drawn(app), said(app)) == (7, "the end of sequence 3 of 5")
        assert app.main.candidates.rows
        await pilot.press("N")
        await rest(pilot)
        assert len(app.screen._fork.sequences) == 4
        await until(pilot, lambda: not app.screen.pane.drawing)
        await pilot.press("escape")
        await settle(pilot)
        assert drawn(app) == 7
        assert "•" in said(app)
        assert (
            len(app.main.walk.snapshot.children)
            == sum(c.token.id in app.main.walk.snapshot.children for c in app.main.candidates.rows)
            > 1
        )
        nodes = len(app.main.walk.session.tree.nodes)
    assert sum(isinstance(e, events.Add) for e in journal.read(tmp_path / "walk.jsonl").events) == nodes - 1


async def test_escape_keeps_what_was_drawn_and_quitting_in_the_middle_does_too(explore, tmp_path):
    settings = RunSettings(rules=msgspec.structs.replace(RULES, max_new_tokens=400))
    for name, keys in (("stopped", ["escape", "escape", "ctrl+q"]), ("quit", ["ctrl+q"])):
        engine = ScriptedEngine.demo()
        app = explore(
            engine,
            record=tmp_path / name,
            params=PARAMS,
            run_settings=settings,
        )
        async with app.run_test(size=(80, 24)) as pilot:
            await settle(pilot)
            await pilot.press("N")
            await rest(pilot)
            while app.screen._fork.tokens < 20:
                await pilot.pause()
            engine.gate = asyncio.Event()
            await rest(pilot)
            tokens = app.screen._fork.tokens
            for key in keys:
                await pilot.press(key)
                await rest(pilot)
        found = journal.read(tmp_path / name).events
        counted = [e for e in found if isinstance(e, events.Add) or (isinstance(e, events.Move) and e.rows)]
        assert len(counted) == tokens
        assert [type(e) for e in found[-2:]] == [events.Move, events.End] or isinstance(found[-1], events.End)
        assert app.main.walk.session.node == 0


async def test_the_engine_may_die_while_sequences_are_drawn(explore):
    class Dying(ScriptedEngine):
        async def sample(self, *args, **options):
            async for step in super().sample(*args, **options):
                yield step
                raise EngineDied("The engine was killed (SIGKILL).", "")

    app = explore(Dying.demo(), params=PARAMS)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("N")
        await rest(pilot)
        while app.screen.pane.drawing:
            await pilot.pause()
        assert "was killed" in str(app.screen.query_one("#fault").render())
        await pilot.press("enter")
        await settle(pilot)
        assert drawn(app) == 1


async def test_at_a_full_context_and_at_temperature_0_it_is_said_why_not(explore):
    app = explore(ScriptedEngine({}, context_length=6), draft="xxxx", params=PARAMS)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, *["t"] * 30, "N")
        assert "every sequence is the same" in said(app)
        await press(pilot, "space", "N")
        assert app.screen is app.main.screen
        assert "context is full" in said(app)
