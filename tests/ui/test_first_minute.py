"""What a person sees who never was here: while the model loads, and until they have found their way."""

import asyncio

import msgspec
import pytest

from explorer.core.chat import Chat, Message
from explorer.core.record import events, journal
from explorer.core.sampling.params import SamplingParams
from explorer.embedded import EMBEDDED
from explorer.engine.base import Progress
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.errors import UsageError
from explorer.ui.actions.loading import Models
from explorer.ui.opening import Opening
from explorer.ui.screens.models import ModelsScreen
from explorer.ui.screens.prompt import PromptScreen
from explorer.walk.first_look import BALANCED, MESSAGE, SENTENCE
from tests.ui.person import choose, press, rest, said, settle, text
from tests.ui.test_models import entry
from tests.ui.test_wording import on_screen

BIG, WIDE, MEDIUM, SMALL = (200, 120), (120, 36), (80, 24), (60, 20)
ADVICE = "Slow in bfloat16: --dtype float32 reads texts faster, for 269 MB more memory."
OWN = {"temperature": 0.6, "top_k": 20}


class Told(ScriptedEngine):
    """A model that its info is told of by the test, and that loads until it may be there."""

    def __init__(self, table, context_length: int = 512) -> None:
        super().__init__(table, context_length)
        self.facts: dict[str, object] = {}
        self.may = asyncio.Event()
        self.may.set()

    async def start(self, report=lambda progress: None):
        report(Progress("loading the weights", 3, 10))
        await self.may.wait()
        self.info = msgspec.structs.replace(await super().start(report), **self.facts)
        return self.info


class Strict(Told):
    """A template that refuses a turn without a text."""

    async def answer_render_chat(self, call, report):
        if not call.messages[-1].content:
            raise UsageError("The template says: empty.")
        return await super().answer_render_chat(call, report)


def told(kind: type[Told] = Told, **facts) -> Told:
    engine = kind.demo()
    engine.facts = facts
    return engine


def models(current: str, others: dict[str, Told] | None = None) -> Models:
    """The present model, and others by their names."""
    known = others or {}
    return Models(current, lambda name: f"the {name}", lambda: [entry(name) for name in known], known.__getitem__)


def settings(app) -> dict[str, object]:
    return app.main.walk.snapshot.params.replace(seed=None).settings


def sampler(app) -> list[str]:
    """The lines of the Sampler pane, with its title."""
    pane = app.main.sampler
    lines = ["".join(part for part, _ in pane.line(number)) for number in range(4)]
    return [str(pane.border_title), *lines]


# Before the model is there.


@pytest.mark.parametrize("size", [WIDE, MEDIUM, SMALL])
async def test_the_sampler_shows_what_is_asked_from_the_first_picture_on(explore, size):
    engine, asked = told(), SamplingParams(temperature=0.7, top_p=0.85, top_k=50, seed=77)
    engine.may.clear()
    app = explore(engine, params=asked, opening=Opening(params=asked))
    async with app.run_test(size=size) as pilot:
        await rest(pilot)
        assert app.main.walk.session is None
        before = sampler(app)
        assert [value in line for value, line in zip(("0.70", "0.85", "50", "77"), before[1:], strict=True)] == [
            True
        ] * 4
        engine.may.set()
        await settle(pilot)
        assert sampler(app) == before


async def test_settings_that_only_the_model_can_tell_are_left_open_until_it_does(explore):
    engine = told()
    engine.may.clear()
    own = SamplingParams(temperature=0.6, top_k=20, seed=77)
    unknown = frozenset({"temperature", "top_p", "top_k"})
    app = explore(engine, params=own, opening=Opening(params=SamplingParams(seed=77), unknown=unknown))
    async with app.run_test(size=WIDE) as pilot:
        await rest(pilot)
        assert "model's own" in str(app.main.sampler.border_title)
        assert [app.main.sampler._turned(name)[0] for name in ("temperature", "top_p", "seed")] == ["–", "–", "77"]
        engine.may.set()
        await settle(pilot)
        assert [app.main.sampler._turned(name)[0] for name in ("temperature", "top_k")] == ["0.60", "20"]


@pytest.mark.parametrize("size", [WIDE, MEDIUM, SMALL])
async def test_what_loads_and_what_will_stand_there_is_said(explore, size):
    engine = told()
    engine.may.clear()
    app = explore(engine, models=models("small"))
    async with app.run_test(size=size) as pilot:
        await rest(pilot)
        seen = on_screen(app)
        assert "the small: loading the weights …" in seen
        assert "3 of 10" in seen
        assert "Soon here: every token that could come next" in app.main.candidates.message
        assert ("Soon the text stands here" in seen) == (size != SMALL)
        await pilot.press("enter", "space", "i", "down")  # Before there is anything that they could mean.
        await rest(pilot)
        engine.may.set()
        await settle(pilot)
        assert text(app).endswith("Once upon a")
        assert "Soon" not in on_screen(app)


# Coaching.


async def test_coaching_follows_what_was_done_and_is_gone_after_the_third_step(explore):
    app = explore(opening=Opening(coached=True))
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        height = app.main.candidates.size.height
        assert "↓ choose · Enter adds it · Space lets the sampler draw · ? help" in on_screen(app)
        await press(pilot, "down", "up", "t", "e")  # No steps.
        assert "↓ choose · Enter adds it" in on_screen(app)
        await press(pilot, "enter")
        assert "← goes back, nothing is lost · Space lets the sampler draw" in on_screen(app)
        await press(pilot, "space")
        assert "i your own text · B the branches · m another model · ? all keys" in on_screen(app)
        await press(pilot, "enter")
        assert "all keys" not in on_screen(app)
        assert app.main.candidates.size.height == height + 1
        await press(pilot, "u", "u", "u")
        await press(pilot, "R")
        assert app.main.coach.gone
        assert "nothing is lost ·" not in on_screen(app)


async def test_coaching_tells_of_drawing_again_after_a_draw_and_of_the_stop_while_it_goes_on(explore):
    engine = ScriptedEngine.demo()
    app = explore(engine, opening=Opening(coached=True))
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await press(pilot, "space")
        assert "r draws another one · ← goes back, nothing is lost · a draws on and on" in on_screen(app)
        engine.gate = asyncio.Event()
        await pilot.press("a")
        await rest(pilot)
        assert "Esc stops · , slower · . faster" in on_screen(app)


async def test_coaching_on_the_model_that_ships_names_the_key_to_a_real_one(explore):
    app = explore(models=models(EMBEDDED), opening=Opening(coached=True))
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        assert "m a real model" in on_screen(app)
        await press(pilot, "enter", "space")
        assert "m a real model" in on_screen(app)


async def test_coaching_in_a_chat_is_about_the_answer(explore):
    app = explore(draft=Chat((Message("user", "Hi"),)), opening=Opening(coached=True))
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        assert "Space draws a token · a the whole answer" in on_screen(app)


@pytest.mark.parametrize("model", ["small", EMBEDDED])
@pytest.mark.parametrize("width", [120, 80, 60, 40])
async def test_coaching_is_never_cut_within_a_word_and_names_the_keys_first(explore, width, model):
    app = explore(models=models(model), opening=Opening(coached=True), keys={"sample": "f8"})
    async with app.run_test(size=(width, 24)) as pilot:
        await settle(pilot)
        line = app.main.coach.render_line(0).text.strip()
        assert line.startswith("↓ choose · Enter adds it · F8 ")
        assert "…" not in line
        assert ("m " in line) == (model == EMBEDDED and width >= 60)


async def test_a_low_terminal_and_a_person_who_was_here_have_no_coaching(explore):
    for size, coached in (((80, 15), True), (WIDE, False)):
        app = explore(opening=Opening(coached=coached))
        async with app.run_test(size=size) as pilot:
            await settle(pilot)
            assert not app.main.coach.display
            assert "lets the sampler draw" not in on_screen(app)


# Hints.


async def test_a_model_with_settings_of_its_own_has_one_hint_of_them(explore):
    app = explore(told(sampling_defaults=OWN), opening=Opening(chosen=False))
    async with app.run_test(size=BIG) as pilot:
        await settle(pilot)
        assert said(app) == "Z takes the model's own settings: temperature 0.6, top-k 20"
        await press(pilot, "down")
        assert said(app).startswith("Z takes")
        await press(pilot, "enter")
        assert said(app) == ""
        await press(pilot, "R")
        assert said(app) == ""


async def test_a_hint_of_settings_is_gone_once_they_are_turned_and_not_given_where_they_were_asked_for(explore):
    app = explore(told(sampling_defaults=OWN), opening=Opening(chosen=False))
    async with app.run_test(size=BIG) as pilot:
        await settle(pilot)
        await press(pilot, "t")
        assert said(app) == ""
    app = explore(told(sampling_defaults=OWN), opening=Opening(chosen=True), record=None)
    async with app.run_test(size=BIG) as pilot:
        await settle(pilot)
        assert said(app) == ""


async def test_hints_wait_for_one_another(explore):
    app = explore(told(sampling_defaults=OWN, advice=ADVICE), opening=Opening(chosen=False))
    async with app.run_test(size=BIG) as pilot:
        await settle(pilot)
        assert said(app) == ADVICE
        await press(pilot, "enter")
        assert said(app).startswith("Z takes")
        await press(pilot, "enter")
        assert said(app) == ""


@pytest.mark.parametrize("size", [WIDE, MEDIUM, SMALL])
async def test_the_flag_against_a_slow_dtype_is_in_sight_at_any_width(explore, size):
    app = explore(told(advice=ADVICE))
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        assert "Slow in bfloat16: --dtype float32" in on_screen(app)


# A chat to be written.


def writing(app) -> PromptScreen:
    assert isinstance(app.screen, PromptScreen)
    return app.screen


@pytest.mark.parametrize("size", [WIDE, MEDIUM])
async def test_a_model_that_answers_is_opened_on_a_chat_that_is_ready_to_be_written(explore, size, tmp_path):
    app = explore(told(sampling_defaults=OWN), draft=None, opening=Opening(chosen=False))
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        assert app.focused is writing(app).turns.turns[-1].editor
        assert "Write to the model; Ctrl+S sends it." in on_screen(app)
        assert "Esc looks around first" in on_screen(app)
        await pilot.press("H", "i")
        await rest(pilot)
        assert writing(app).turns.messages == (Message("user", "Hi"),)
        assert "Esc looks around first" not in on_screen(app)
        await press(pilot, "ctrl+s")
        assert app.main.walk.snapshot.prompt_text == "<|begin|>user: Hi<|end|>\nassistant:"
        assert said(app).startswith("Z takes")
        assert app.main.candidates.rows
        await press(pilot, "enter")
    happened = journal.read(tmp_path / "walk.jsonl").events
    assert [event.messages for event in happened if isinstance(event, events.Prompt)] == [
        [{"role": "user", "content": "Hi"}]
    ]


async def test_whoever_leaves_the_chat_unwritten_sees_what_would_be_answered_to_nothing(explore):
    app = explore(told(), draft=None)
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await press(pilot, "escape")
        assert app.main.walk.snapshot.prompt_chat == MESSAGE
        assert app.main.candidates.rows
        assert said(app) == "i writes to the model"
        await press(pilot, "enter", "left", "i")
        assert writing(app).turns.messages == MESSAGE.messages


async def test_what_was_written_and_left_is_there_again(explore):
    app = explore(told(), draft=None)
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("H", "i")
        await press(pilot, "escape")
        assert app.main.walk.snapshot.prompt_chat == MESSAGE
        await press(pilot, "i")
        assert writing(app).turns.messages == (Message("user", "Hi"),)


async def test_a_template_that_refuses_an_empty_turn_is_opened_on_a_text_when_the_chat_is_left(explore):
    app = explore(told(Strict), draft=None)
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        assert "empty" not in str(writing(app).said.render())
        await press(pilot, "escape")
        assert app.main.walk.snapshot.prompt_text == SENTENCE
        assert app.main.candidates.rows


async def test_a_chat_to_be_written_waits_until_another_dialog_is_left(explore):
    engine = told()
    engine.may.clear()
    app = explore(engine, draft=None, models=models("small", {"other": told()}))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("m")
        await rest(pilot)
        engine.may.set()
        await rest(pilot)
        assert isinstance(app.screen, ModelsScreen)
        await press(pilot, "escape")
        assert writing(app).turns.messages == MESSAGE.messages


async def test_what_was_being_written_is_there_again_when_the_engine_died_meanwhile(explore):
    engine = told()
    app = explore(engine, draft=None)
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("H", "i")
        await rest(pilot)
        engine.info = None
        engine.on_death("The engine was killed.")
        await press(pilot, "escape")
        assert app.main.walk.session is None
        assert "R starts it again" in on_screen(app)
        await press(pilot, "R")
        assert writing(app).turns.messages == (Message("user", "Hi"),)
        await press(pilot, "ctrl+s")
        assert app.main.candidates.rows


# The settings of the model that ships.


async def test_settings_that_nobody_chose_go_with_the_model(explore, tmp_path):
    others = {"other": told(), EMBEDDED: told()}
    asked = BALANCED.params.replace(seed=5)
    app = explore(params=asked, models=models(EMBEDDED, others), opening=Opening(params=asked, chosen=False))
    async with app.run_test(size=BIG) as pilot:
        await settle(pilot)
        assert said(app) == "balanced: else it writes nonsense · z changes it"
        assert str(app.main.sampler.border_title) == "Sampler · balanced"
        await choose(pilot, "other")
        assert settings(app) == {}
        await choose(pilot, EMBEDDED)
        assert settings(app) == BALANCED.params.settings
        assert app.main.walk.snapshot.params.seed == 5
        await press(pilot, "R")
        assert settings(app) == BALANCED.params.settings
    happened = journal.read(tmp_path / "walk.jsonl").events
    assert [event.params().temperature for event in happened if isinstance(event, events.Params)] == [0.7, 1.0, 0.7]


@pytest.mark.parametrize("key", ["t", "z", "n"])
async def test_settings_that_a_person_chose_are_never_overwritten(explore, key):
    others = {"other": told(), EMBEDDED: told()}
    asked = BALANCED.params.replace(seed=5)
    app = explore(params=asked, models=models(EMBEDDED, others), opening=Opening(params=asked, chosen=False))
    async with app.run_test(size=BIG) as pilot:
        await settle(pilot)
        await press(pilot, key)
        mine = app.main.walk.snapshot.params
        for name in ("other", EMBEDDED):
            await choose(pilot, name)
            assert app.main.walk.snapshot.params == mine


async def test_settings_that_were_asked_for_at_the_start_are_kept_on_every_model(explore):
    asked = SamplingParams(seed=5)
    app = explore(params=asked, models=models("other", {EMBEDDED: told()}), opening=Opening(params=asked, chosen=True))
    async with app.run_test(size=BIG) as pilot:
        await settle(pilot)
        await choose(pilot, EMBEDDED)
        assert app.main.walk.snapshot.params == asked
