import pytest

from explorer.core.record import events as record
from explorer.core.sampling.params import Preset, SamplingParams
from tests.ui.person import press, settle


def params(app) -> SamplingParams:
    return app.main.walk.snapshot.params


async def test_every_setting_is_turned_and_reset_in_the_panel_beside_the_table(explore):
    app = explore()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "c", "down", "left", "down", "left", "down", "left", "down", "right")
        assert params(app) == SamplingParams(temperature=0.9, top_p=0.95, top_k=200, min_p=0.01, seed=1)
        assert app.main.candidates.region.width > 20
        await press(pilot, "delete", "up", "backspace")
        assert params(app) == SamplingParams(temperature=0.9, top_p=0.95, seed=1)
        assert sum(isinstance(e, record.Params) for e in app.main.walk.session.events) == 7
        await press(pilot, "escape")
        assert not app.main.panel.display
        await press(pilot, "down", "enter")
        assert len(app.main.walk.snapshot.path) == 5


async def test_a_value_is_typed_and_a_wrong_one_is_a_sentence_that_loses_nothing(explore):
    app = explore()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "c", "down", "down", "enter", *"2", "enter")
        assert "top-p must be above 0 and at most 1" in str(app.main.panel.said.render())
        assert (app.main.panel.entry.value, params(app)) == ("2", SamplingParams(seed=1))
        await press(pilot, "backspace", *"0.25", "enter")
        assert params(app).top_p == 0.25
        await press(pilot, "enter", *"9", "escape")
        assert params(app).top_p == 0.25
        await press(pilot, "down", "right")
        assert params(app).top_k == 0


async def test_a_token_is_banned_and_biased_by_one_key_and_let_go_in_the_panel(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        first = app.main.candidates.selected.token.id
        await press(pilot, "b")
        assert app.main.candidates.selected.cut_by == "suppress_tokens"
        await press(pilot, "Y", "Y", "Y")
        assert params(app).logit_bias == ((first, -3.0),)
        assert app.main.candidates.selected.token.id == first
        assert [token.id for token in app.main.walk.snapshot.named] == [first, first]
        await press(pilot, "c")
        app.main.panel.knobs.select("suppress_tokens", first)
        await press(pilot, "delete")
        app.main.panel.knobs.select("logit_bias", first)
        await press(pilot, "right", "enter", *"2.5", "enter")
        assert params(app) == SamplingParams(logit_bias=((first, 2.5),), seed=1)
        app.main.panel.knobs.select("suppress_tokens")
        await press(pilot, "enter", *"99999", "enter")
        assert "There is no token 99999" in str(app.main.panel.said.render())


async def test_presets_are_walked_through_and_named_and_the_seed_stays(explore):
    mine = Preset("mine", SamplingParams(top_h=0.5))
    app = explore(presets=(mine,))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        names = []
        for _ in range(5):
            await press(pilot, "z")
            names.append(app.main.sampler.border_title)
        assert names == [f"Sampler · {name}" for name in ("greedy", "balanced", "creative", "mine", "plain")]
        assert params(app) == SamplingParams(seed=1)
        await press(pilot, "Z")
        assert "no settings of its own" in app.main.status_line.status.note
        await press(pilot, "c", "enter", *"mine", "enter", "escape")
        assert params(app) == SamplingParams(top_h=0.5, seed=1)
        assert "top-h 0.5" in app.main.sampler.border_subtitle


async def test_the_mouse_turns_settings(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "c")
        knobs = app.main.panel.knobs
        right = knobs.scrollable_content_region.width
        await pilot.click(knobs, offset=(right - 3, 1))
        await settle(pilot)
        assert params(app).temperature == 0.9
        await pilot.click(knobs, offset=(right - 1, 1))
        await settle(pilot)
        assert params(app).temperature == 1.0


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 20), (20, 8)])
async def test_the_panel_can_be_drawn_at_every_size_while_everything_is_turned(explore, size):
    everything = SamplingParams(temperature=0, top_p=0.1, min_p=1, typical_p=0.1, top_h=0.1, top_k=1, seed=1)
    app = explore(params=everything.replace(logit_bias=((257, -100.0),), suppress_tokens=tuple(range(9))))
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await press(pilot, "c")
        await pilot.resize_terminal(*size)
        await press(pilot, *["down"] * 30, *["right"] * 3, *["up"] * 5)
        assert app.main.panel.display
        assert app.main.candidates.rows
