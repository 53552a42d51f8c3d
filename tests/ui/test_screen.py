import asyncio
import os

import msgspec
import pytest
from textual.widgets import OptionList

from explorer.core.record import events as record
from explorer.core.record import journal
from explorer.core.sampling.params import SamplingParams
from explorer.engine.base import silent
from explorer.engine.scripted.scripted import EOS, ScriptedEngine
from explorer.errors import EngineError, ModelError
from explorer.ui.screens.prompt import PromptScreen
from tests.ui.person import events, press, rest, settle, text, until


async def test_opens_with_the_table_filled(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert text(app) == "<|begin|>Once upon a"
        assert [c.token.bytes for c in app.main.candidates.rows[:3]] == [b" time", b" little", b" fox"]


async def test_down_enter_adds_the_second_row_and_back_finds_it_selected(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "down", "enter")
        assert text(app).endswith("Once upon a little")
        await press(pilot, "left")
        assert text(app).endswith("Once upon a")
        assert app.main.candidates.row == 1
        assert app.main.candidates.selected.token.bytes == b" little"


@pytest.mark.parametrize(
    ("add", "back", "down"), [("enter", "left", "down"), ("right", "h", "j"), ("l", "backspace", "j")]
)
async def test_every_key_for_a_step_does_the_same(explore, add, back, down):
    app = explore()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, down, add)
        assert text(app).endswith(" little")
        await press(pilot, back, "k", add)
        assert text(app).endswith(" time")


async def test_a_record_holds_exactly_what_was_done(explore, tmp_path):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "down", "enter", "left", "space")
        await pilot.press("ctrl+q")
    assert events(tmp_path / "walk.jsonl") == [
        "Params",
        "Prompt",
        "Score",
        "Seen",
        "Add",
        "Seen",
        "Move",
        "Add",
        "Seen",
        "End",
    ]


async def test_the_same_seed_draws_the_same_text(explore, tmp_path):
    texts = []
    for name in ("one", "two"):
        app = explore(record=tmp_path / name)
        async with app.run_test(size=(120, 36)) as pilot:
            await settle(pilot)
            await press(pilot, "space", "space", "space")
            texts.append(text(app))
    assert texts[0] == texts[1]


async def test_going_back_and_forward_draws_the_same_token(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "space")
        first = text(app)
        await press(pilot, "left", "space")
        assert text(app) == first
        assert len(app.main.walk.session.tree.nodes) == 2


async def test_auto_sampling_runs_until_the_model_ends_the_text(explore):
    app = explore(max_new_tokens=200)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "a")
        assert app.main.walk.snapshot.path[-1].token.id == EOS
        assert "ended the text" in app.main.status_line.status.note
        assert not app.main.view.running


async def test_auto_sampling_stops_after_the_asked_number(explore):
    app = explore(max_new_tokens=4, params=SamplingParams(temperature=0, seed=1))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "a")
        assert len(app.main.walk.snapshot.path) == 4 + 4
        assert app.main.status_line.status.note == "stopped after 4 tokens"


async def test_escape_stops_auto_sampling_with_everything_shown_in_the_record(explore, tmp_path):
    engine = ScriptedEngine.demo()
    app = explore(engine, max_new_tokens=10_000, params=SamplingParams(temperature=0, seed=1))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("a")
        while len(app.main.walk.snapshot.path) < 20:
            await pilot.pause()
        engine.gate = asyncio.Event()
        await pilot.press("escape")
        await rest(pilot)
        assert not app.main.view.running
        shown = len(app.main.walk.snapshot.path)
        added = [e for e in journal.read(tmp_path / "walk.jsonl").events if isinstance(e, record.Add)]
        assert len(added) == shown - 4
        engine.gate.set()


async def test_a_knob_turned_on_the_way_holds_from_the_next_token(explore):
    class Pausing(ScriptedEngine):
        asked = 0

        async def _wait(self):
            self.asked += 1
            if self.asked == 12:
                paused.set()
                await go_on.wait()

    paused, go_on = asyncio.Event(), asyncio.Event()
    app = explore(Pausing.demo(), max_new_tokens=40, params=SamplingParams(temperature=0.1, seed=1))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("a")
        await paused.wait()
        app.screen.action_do("temperature_down")
        go_on.set()
        await settle(pilot)
        session = app.main.walk.session
        turned = [isinstance(e, record.Params) and e.params().temperature == 0 for e in session.events].index(True)
        after = [e for e in session.events[turned:] if isinstance(e, record.Add)]
        assert after
        assert all(e.sampling_prob == 1.0 for e in after)


async def test_a_step_for_a_cursor_that_moved_on_is_dropped(explore):
    engine = ScriptedEngine.demo()
    app = explore(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "enter")
        engine.gate = asyncio.Event()
        await pilot.press("space")
        await pilot.press("left")
        engine.gate.set()
        await settle(pilot)
        assert text(app).endswith("Once upon a")
        assert len(app.main.walk.session.tree.nodes) == 2


async def test_knobs_change_the_table_and_are_recorded(explore, tmp_path):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "g", "g", "g", "g", "g", "g", "g", "t", "p")
        params = app.main.walk.snapshot.params
        assert (params.top_k, params.temperature, params.top_p) == (2, 0.9, 0.95)
        assert [c.cut_by for c in app.main.candidates.rows[:3]] == [None, None, "top_k"]
        await press(pilot, "G", "T", "P", "n")
        params = app.main.walk.snapshot.params
        assert (params.top_k, params.temperature, params.top_p) == (5, 1.0, 1.0)
        assert params.seed != 1
    assert events(tmp_path / "walk.jsonl").count("Params") == 1 + 9 + 4


async def test_hangul_keys_do_what_their_latin_letters_do(explore):
    app = explore(max_new_tokens=3)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "ㅅ", "ㅔ", "ㅓ", "ㅣ")
        assert app.main.walk.snapshot.params.temperature == 0.9
        assert app.main.walk.snapshot.params.top_p == 0.95
        assert text(app).endswith(" little")
        await press(pilot, "ㅖ", "ㅆ", "ㅁ")
        assert app.main.walk.snapshot.params.settings.keys() == {"seed"}
        assert len(app.main.walk.snapshot.path) == 4 + 1 + 3


async def test_rows_are_listed_by_the_number_asked_for(explore):
    app = explore(top=10)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert len(app.main.candidates.rows) == 10
        await press(pilot, "plus")
        assert len(app.main.candidates.rows) == 20
        await press(pilot, "minus", "minus")
        assert len(app.main.candidates.rows) == 5


@pytest.mark.parametrize("keys", [(), ("minus",), ("minus", "minus"), ("plus", "minus", "minus", "minus")])
async def test_the_rows_and_the_line_of_the_others_have_all_of_the_mass(explore, keys):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, *keys)
        pane = app.main.candidates
        foot = "".join(words for words, _ in pane.line(len(pane.rows) + 1))
        others = float(foot.split("tokens")[1].split("%")[0])
        assert others == pytest.approx(100 * (1 - sum(candidate.prob for candidate in pane.rows)), abs=0.006)


async def test_a_tried_token_is_listed_even_where_it_is_unlikely(explore):
    app = explore(top=5)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "plus", *["down"] * 9, "enter", "minus", "left")
        assert [c.rank for c in app.main.candidates.rows] == [1, 2, 3, 4, 5, 10]
        assert app.main.candidates.selected.rank == 10


async def test_editing_the_prompt_begins_a_new_root_and_loses_nothing(explore, tmp_path):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "enter")
        await pilot.press("i")
        await rest(pilot)
        assert isinstance(app.screen, PromptScreen)
        await pilot.press("enter", *"ㅎi", "ctrl+s")
        await settle(pilot)
        assert app.main.walk.snapshot.prompt_text == "Once upon a\nㅎi"
        assert len(app.main.walk.session.trees) == 2
        assert len(app.main.walk.session.trees[0].nodes) == 2
        assert app.main.candidates.rows
    assert events(tmp_path / "walk.jsonl").count("Prompt") == 2


async def test_a_prompt_that_is_too_long_stays_in_the_editor(explore):
    app = explore(ScriptedEngine({}, context_length=20))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("i")
        await rest(pilot)
        await pilot.press(*"x" * 30, "ctrl+s")
        await rest(pilot)
        assert isinstance(app.screen, PromptScreen)
        assert app.main.walk.snapshot.prompt_text == "Once upon a"
        await pilot.press("escape")
        await settle(pilot)
        assert app.screen is app.main.screen


async def test_a_first_prompt_that_is_too_long_can_be_mended(explore, tmp_path):
    app = explore(ScriptedEngine({}, context_length=20), draft="x" * 40)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert "holds 20" in app.main.candidates.message
        await pilot.press("i")
        await rest(pilot)
        await pilot.press(*["backspace"] * 30, "ctrl+s")
        await settle(pilot)
        assert text(app) == "<|begin|>" + "x" * 10
        assert app.main.candidates.rows
        assert app.main.loader.fault is None


async def test_a_full_context_refuses_more_tokens_with_a_sentence(explore):
    app = explore(ScriptedEngine({}, context_length=6), max_new_tokens=50)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "a")
        assert len(app.main.walk.snapshot.path) == 6
        assert "context is full" in app.main.status_line.status.note
        await press(pilot, "enter")
        assert len(app.main.walk.snapshot.path) == 6
        assert "context is full" in app.main.status_line.status.note.lower()


async def test_that_the_context_ends_is_said_before_its_last_token(explore):
    app = explore(ScriptedEngine({}, context_length=30), draft="x" * 12)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        said = [app.main.status_line.status.note]
        while app.main.walk.room.left:
            await press(pilot, "enter")
            said.append(app.main.status_line.status.note)
        await press(pilot, "left")
        assert said[0] == ""
        assert said[-3:] == [
            "the context holds 2 more tokens",
            "the context holds one more token",
            "context is full: ← goes back, i edits",
        ]
        assert len([note for note in said if note]) == 17
        assert app.main.status_line.status.note == said[-2]


async def test_a_model_without_a_limit_says_nothing_of_its_end(explore):
    app = explore(ScriptedEngine({}, context_length=50), draft="x" * 48)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert app.main.walk.room.note(app.main.words)
        app.main.walk.info = msgspec.structs.replace(app.main.walk.info, context_length=None)
        app.main.paint()
        assert (app.main.walk.room.left, app.main.walk.room.is_full) == (None, False)
        assert app.main.status_line.status.note == ""


async def test_a_copy_of_the_record_is_saved_and_never_over_another_file(explore, tmp_path):
    app = explore(record=None)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "enter")
        taken = tmp_path / "taken"
        taken.write_text("mine")
        for path in (taken, tmp_path / "free"):
            await pilot.press("x")
            await rest(pilot)
            app.screen.query_one("Input").value = str(path)
            await pilot.press("enter")
            await rest(pilot)
            if path is taken:
                assert "exists already" in str(app.screen.query_one("#fault").render())
                await pilot.press("escape")
            await settle(pilot)
        assert taken.read_text() == "mine"
        assert events(tmp_path / "free") == ["Params", "Prompt", "Score", "Seen", "Add", "Seen"]


async def test_a_model_that_cannot_be_loaded_is_a_sentence_and_can_be_tried_again(explore):
    class Broken(ScriptedEngine):
        broken = True

        async def start(self, *report):
            if self.broken:
                raise ModelError("There is no folder nowhere.")
            return await super().start(*report)

    engine = Broken.demo()
    app = explore(engine)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "There is no folder nowhere." in app.main.candidates.message
        assert str(app.main.loader.fault) == "There is no folder nowhere."
        await press(pilot, "enter", "space", "a", "t", "left")
        engine.broken = False
        await press(pilot, "R")
        assert app.main.loader.fault is None
        assert text(app) == "<|begin|>Once upon a"


async def test_restarting_goes_on_at_the_same_token(explore, tmp_path):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "enter", "R", "enter")
        assert text(app).endswith("Once upon a time,")
    assert "Engine" in events(tmp_path / "walk.jsonl")


async def test_a_record_that_cannot_be_written_any_more_warns_and_the_walk_goes_on(explore, tmp_path):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        full = os.open("/dev/full", os.O_WRONLY)
        os.close(app.main.walk.session.journal._file)
        app.main.walk.session.journal._file = full
        await press(pilot, "enter", "enter")
        assert text(app).endswith(" a time,")
        assert "not recorded any more" in app.main.status_line.status.note
        await pilot.press("x")
        await rest(pilot)
        app.screen.query_one("Input").value = str(tmp_path / "elsewhere")
        await pilot.press("enter")
        await settle(pilot)
        assert events(tmp_path / "elsewhere").count("Add") == 2


async def test_help_and_palette_open_and_close(explore):
    app = explore()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for key in ("question_mark", "ctrl+p"):
            await pilot.press(key)
            await until(pilot, lambda: app.screen is not app.main.screen)
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is app.main.screen)


async def test_themes_are_switched_from_the_palette(explore):
    app = explore()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert set(app.available_themes) == {"dark", "light"}
        await pilot.press("ctrl+p")
        await until(pilot, lambda: app.screen is not app.main.screen)
        await pilot.press(*"light")
        hits = app.screen.query_one(OptionList)
        await app.workers.wait_for_complete()
        await until(pilot, lambda: hits.option_count and "Theme: light" in str(hits.options[0].prompt))
        await pilot.press("enter")
        await settle(pilot)
        assert app.theme == "light"


async def test_a_key_can_be_changed_by_the_command_id(explore):
    app = explore(keys={"sample": "z"})
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "z")
        assert len(app.main.walk.snapshot.path) == 5
        await press(pilot, "space")
        assert len(app.main.walk.snapshot.path) == 5


async def test_a_double_click_on_a_row_adds_it(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.click("#candidates", offset=(12, 4), times=2)
        await settle(pilot)
        assert text(app).endswith(" fox")


async def test_the_last_bytes_of_a_character_stand_beside_it_among_the_tokens_and_what_could_come(explore):
    app = explore(draft="a 뷁")
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        tokens = [app.main.tokens.render_line(y).text for y in range(app.main.tokens.region.height)]
        assert [label for label in ("‹EB›", "‹B7›", "‹81›→뷁") if any(label + " " in line for line in tokens)] == [
            "‹EB›",
            "‹B7›",
            "‹81›→뷁",
        ]
        await press(pilot, "ctrl+left", "ctrl+right", "ctrl+left")
        rows = [app.main.candidates.render_line(y).text for y in range(app.main.candidates.region.height)]
        assert any("‹81›→뷁" in line for line in rows), rows


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 20), (20, 8), (200, 60)])
async def test_every_size_can_be_drawn_while_it_changes(explore, size):
    app = explore(draft="Once 옛날 é \x1b[31m [/b] list[int]", max_new_tokens=20)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press("a")
        await pilot.resize_terminal(*size)
        await settle(pilot)
        await pilot.resize_terminal(100, 30)
        await settle(pilot)
        assert app.main.candidates.rows


async def test_draws_are_the_same_one_by_one_and_in_a_run(explore, tmp_path):
    texts = []
    for name, keys in (("one", ["space"] * 8), ("run", ["a"])):
        app = explore(record=tmp_path / name, max_new_tokens=8)
        async with app.run_test(size=(120, 36)) as pilot:
            await settle(pilot)
            await press(pilot, "enter", "left", *keys)
            texts.append(text(app))
    assert texts[0] == texts[1]


async def test_an_engine_that_cannot_answer_is_asked_once_and_its_sentence_is_shown(explore):
    class Failing(ScriptedEngine):
        asked = 0

        async def next(self, *arguments, **settings):
            self.asked += 1
            raise EngineError("The engine failed: something broke.")

    engine = Failing.demo()
    app = explore(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await rest(pilot)
        assert engine.asked == 1
        assert "something broke" in app.main.candidates.message
        await press(pilot, "t")
        assert engine.asked == 2


async def test_the_current_token_is_always_in_sight(explore):
    app = explore(params=SamplingParams(temperature=0, seed=1))
    async with app.run_test(size=(80, 16)) as pilot:
        await settle(pilot)
        for _ in range(30):
            await press(pilot, "space")
            for pane in (app.main.tokens, app.main.text_pane):
                height = pane.scrollable_content_region.height
                assert pane.scroll_offset.y == max(pane.virtual_size.height - height, 0)


async def test_every_token_of_the_prompt_gets_its_numbers_once(explore, tmp_path):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        path = app.main.walk.snapshot.path
        assert [place.rank for place in path] == [None, 259, 1, 1]
        assert path[0].surprisal is None
        assert all(place.surprisal > 0 for place in path[1:])
        await press(pilot, "t", "enter", "left", "R")
    assert events(tmp_path / "walk.jsonl").count("Score") == 1


async def test_a_knob_turned_while_the_prompt_is_scored_does_not_begin_it_again(explore):
    class Slow(ScriptedEngine):
        scored = 0

        async def score(self, ids, top, begin=0, *, report=silent):
            self.scored += 1
            await go_on.wait()
            async for part in super().score(ids, top, begin, report=report):
                yield part

    go_on = asyncio.Event()
    engine = Slow.demo()
    app = explore(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await rest(pilot)
        await pilot.press("t", "t", "p")
        go_on.set()
        await settle(pilot)
        assert engine.scored == 1
        assert app.main.candidates.rows
        assert app.main.walk.snapshot.params == SamplingParams(temperature=0.8, top_p=0.95, seed=1)


async def test_heat_walks_through_its_metrics_with_a_legend(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "enter")
        for metric in ("prob", "entropy", "surprisal", "rank", ""):
            await press(pilot, "e")
            assert app.main.view.heat == metric
            assert metric in str(app.main.text_pane.border_subtitle)


async def test_keys_that_come_before_the_next_table_add_nothing_false(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        for _ in range(20):
            app.simulate_key("enter")
        await settle(pilot)
        session = app.main.walk.session
        for node in session.tree.nodes[1:]:
            table = session.tree.nodes[node.parent].distribution
            assert node.choice.rank == table.find(node.token.id).rank
            assert node.choice.prob == table.find(node.token.id).prob


async def test_a_held_space_draws_one_token_after_the_other(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        for _ in range(30):
            app.simulate_key("space")
            await pilot.pause(0.01)
        await settle(pilot)
        assert len(app.main.walk.snapshot.path) > 4 + 3


async def test_an_engine_that_is_gone_shows_no_numbers_of_other_settings(explore):
    engine = ScriptedEngine.demo()
    app = explore(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        engine.info = None
        app.main.died("The engine was killed (SIGKILL).")
        await press(pilot, "t")
        assert app.main.candidates.rows == ()
        assert "R starts it again" in app.main.candidates.message
        await press(pilot, "R")
        assert app.main.candidates.rows
