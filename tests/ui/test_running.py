import asyncio

import pytest

from explorer.core.record import events as record
from explorer.core.record import journal
from explorer.core.sampling.pace import RunSettings
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.errors import EngineDied
from explorer.ui.screens.form import FormScreen
from tests.ui.person import drawn, press, rest, said, settle

LONG = RunSettings(rules=StopRules(max_new_tokens=2000, eos=False))


def added(path) -> int:
    return sum(isinstance(event, record.Add) for event in journal.read(path).events)


async def test_a_count_before_a_key_draws_so_many_tokens(explore):
    app = explore(run_settings=LONG)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "5")
        assert said(app).startswith("5 …")
        await press(pilot, "space")
        assert (drawn(app), said(app)) == (5, "stopped after 5 tokens")
        await press(pilot, "space")
        assert (drawn(app), said(app)) == (6, "")
        await press(pilot, "1", "2", "a")
        assert drawn(app) == 18


async def test_a_count_is_forgotten_by_escape_and_by_any_other_key(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "7", "escape")
        assert said(app) == ""
        await press(pilot, "space")
        assert drawn(app) == 1
        await press(pilot, "7", "down", "space")
        assert drawn(app) == 2
        await press(pilot, "0")
        assert said(app) == "a count begins with 1 to 9"
        await press(pilot, "space")
        assert drawn(app) == 3


async def test_a_count_that_is_too_large_ends_with_the_context(explore):
    app = explore(ScriptedEngine({}, context_length=20), draft="x", run_settings=LONG)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, *"9999999", "space")
        assert (drawn(app), said(app)) == (18, "stopped: the context is full")


async def test_escape_under_a_speed_limit_and_a_count_keeps_what_was_drawn(explore, tmp_path):
    app = explore(run_settings=RunSettings(tokens_per_second=1))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("9", "space")
        while not drawn(app):
            await pilot.pause()
        await press(pilot, "escape")
        assert (drawn(app), said(app)) == (1, "stopped by hand")
        assert added(tmp_path / "walk.jsonl") == 1


async def test_keys_are_answered_while_a_fast_engine_draws(explore, tmp_path):
    engine = ScriptedEngine.demo(context_length=3000)
    app = explore(engine, run_settings=LONG)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        paints = []
        paint = app.main.paint

        def counted() -> None:
            paints.append(drawn(app))
            paint()

        app.main.paint = counted
        await pilot.press("a")
        while drawn(app) < 50:
            await pilot.pause()
        app.simulate_key("e")
        while app.main.view.heat != "prob":
            await asyncio.sleep(0)
        assert app.main.view.running
        app.simulate_key("escape")
        while app.main.view.running:
            await asyncio.sleep(0)
        await settle(pilot)
        assert drawn(app) == added(tmp_path / "walk.jsonl") < LONG.rules.max_new_tokens
        assert len(paints) < drawn(app)
        assert app.main.tokens.snapshot is app.main.text_pane.snapshot
        assert app.main.tokens.snapshot.ids == app.main.walk.snapshot.ids


async def test_drawing_again_says_so_and_says_why_not(explore):
    app = explore(params=SamplingParams(temperature=3, seed=4))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "r")
        assert "the prompt was not drawn" in said(app)
        await press(pilot, "space", "r")
        assert said(app).startswith("draw 2 here: “")
        await press(pilot, "left", "right", "r", "r")
        assert said(app).startswith("draw 4 here: “")
        assert app.main.walk.session.tree.nodes[0].taken == 4
        await press(pilot, "enter", "r")
        assert "was picked, not drawn" in said(app)


async def test_held_keys_draw_one_token_after_the_other(explore):
    app = explore(params=SamplingParams(temperature=3, seed=4))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for key in ("space", "r", "space", "r", "comma", "r") * 5:
            app.simulate_key(key)
            await pilot.pause(0.01)
        await settle(pilot)
        nodes = app.main.walk.session.tree.nodes
        assert drawn(app) >= 1
        assert all(node.choice.draw is not None for node in nodes[1:])


async def test_the_form_sets_how_a_run_goes(explore):
    app = explore(run_settings=LONG, params=SamplingParams(temperature=0, seed=1))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("A")
        await rest(pilot)
        assert isinstance(app.screen, FormScreen)
        await pilot.press("down", "down", "down", *" was", "down", *"x", "enter")
        await rest(pilot)
        assert "stop ids" in str(app.screen.query_one("#fault").render())
        await pilot.press("backspace", "enter")
        await settle(pilot)
        assert app.main.run.settings.rules.strings == ("was",)
        await press(pilot, "a")
        assert said(app) == "stopped at “was”"


async def test_speed_is_changed_by_keys(explore):
    app = explore()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "comma")
        assert said(app) == "at most 50 tokens a second"
        await press(pilot, "comma", "comma", "comma", "comma", "comma", "comma")
        assert said(app) == "at most 1 token a second"
        await press(pilot, *["full_stop"] * 6)
        assert said(app) == "no speed limit"


@pytest.mark.parametrize("size", [(40, 20), (80, 24)])
async def test_a_run_may_be_resized_and_the_engine_may_die_in_the_middle(explore, size):
    class Dying(ScriptedEngine):
        steps = 0

        async def generate(self, *args, **options):
            async for step in super().generate(*args, **options):
                self.steps += 1
                if self.steps == 40:
                    self.info = None
                    raise EngineDied("The engine was killed (SIGKILL).", "")
                yield step

    engine = Dying.demo()
    app = explore(engine, run_settings=LONG, params=SamplingParams(temperature=0, seed=1))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("a")
        await pilot.resize_terminal(*size)
        await settle(pilot)
        assert not app.main.view.running
        assert "was killed" in said(app)
        before = drawn(app)
        await press(pilot, "R", "3", "space")
        assert drawn(app) == before + 3
