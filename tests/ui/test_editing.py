import msgspec

from explorer.core.record import events, journal
from explorer.core.sampling.params import SamplingParams
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.errors import EngineError
from tests.ui.person import press, settle, text

PROMPT = "<|begin|>Once upon a"


def shown(app) -> list[bytes]:
    return [candidate.token.bytes for candidate in app.main.candidates.rows[:3]]


def note(app) -> str:
    return app.main.status_line.status.note


async def begun(pilot, *keys: str) -> None:
    await settle(pilot)
    await press(pilot, *keys)


async def test_the_token_cursor_shows_the_table_that_a_token_was_chosen_from(explore, tmp_path):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await begun(pilot, "down", "enter", "enter", "ctrl+left", "ctrl+left")
        assert text(app) == PROMPT + " little fox"
        assert (app.main.walk.focus, shown(app)) == (4, [b" time", b" little", b" fox"])
        assert app.main.candidates.selected.token.bytes == b" little"
        await press(pilot, "ctrl+right")
        assert app.main.candidates.selected.token.bytes == b" fox"
        await press(pilot, "ctrl+right")
        assert (app.main.walk.focus, note(app)) == (None, "")
    # Looking is no act: the record has the tables, and no move.
    happened = journal.read(tmp_path / "walk.jsonl").events
    assert not any(isinstance(event, events.Move) for event in happened)


async def test_inside_the_prompt_a_table_stands_before_each_token_but_the_first(explore, tmp_path):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await begun(pilot, "ctrl+left")
        assert (app.main.walk.focus, app.main.candidates.selected.token.bytes) == (3, b" a")
        await press(pilot, "ctrl+left", "ctrl+left", "ctrl+left", "ctrl+left")
        assert app.main.walk.focus == 0
        assert "before the first token" in app.main.candidates.message
        await press(pilot, "enter", "escape")
        assert (app.main.walk.focus, app.main.candidates.selected.token.bytes) == (None, b" time")
    seen = [event for event in journal.read(tmp_path / "walk.jsonl").events if isinstance(event, events.Seen)]
    assert [event.at for event in seen if event.at is not msgspec.UNSET] == [3, 2, 1]


async def test_a_table_inside_the_prompt_is_asked_for_once(explore, tmp_path):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await begun(pilot, "ctrl+left", "ctrl+left", "ctrl+right", "ctrl+left")
    seen = [event for event in journal.read(tmp_path / "walk.jsonl").events if isinstance(event, events.Seen)]
    assert len(seen) == 3


async def test_another_token_begins_a_branch_and_the_old_one_stays(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await begun(pilot, "enter", "enter", "ctrl+left", "ctrl+left", "down", "enter")
        assert text(app) == PROMPT + " little"
        assert len(app.main.walk.session.tree.nodes) == 4
        await press(pilot, "u")
        assert (text(app), note(app)) == (PROMPT + " time,", "undone: the way to another branch; Ctrl+R does it again")
        await press(pilot, "ctrl+r")
        assert text(app) == PROMPT + " little"


async def test_the_token_that_stands_there_is_walked_over(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await begun(pilot, "enter", "enter", "ctrl+left", "ctrl+left", "enter")
        assert app.main.walk.focus == 5
        await press(pilot, "enter")
        assert (app.main.walk.focus, text(app)) == (None, PROMPT + " time,")
        await press(pilot, "ctrl+left", "left")
        assert (app.main.walk.focus, text(app)) == (4, PROMPT + " time,")


async def test_another_token_inside_the_prompt_begins_another_prompt(explore, tmp_path):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await begun(pilot, "ctrl+left", "down", "enter")
        session = app.main.walk.session
        assert (session.root, [token.bytes for token in session.tree.prompt][1:]) == (1, [b"Once", b" upon"])
        assert len(session.snapshot().path) == 4
        await press(pilot, "u")
        assert text(app) == PROMPT
        # The same place again is the same prompt.
        await press(pilot, "ctrl+left", "down", "down", "enter")
        assert (len(session.trees), session.root) == (2, 1)


async def test_the_sampler_draws_at_the_token_cursor(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await begun(pilot, "down", "enter", "enter", "enter", "ctrl+left", "ctrl+left")
        session = app.main.walk.session
        assert text(app) == PROMPT + " little fox who"
        await press(pilot, "3", "space")
        assert (app.main.walk.focus, text(app).startswith(PROMPT + " little")) == (None, True)
        assert len(session.snapshot().path) == 8
        await press(pilot, "u")
        assert text(app) == PROMPT + " little fox who"


async def test_an_exchanged_token_carries_over_what_comes_after_it_with_new_numbers(explore, tmp_path):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await begun(pilot, "down", "enter", "enter", "enter", "ctrl+left", "ctrl+left", "down")
        assert app.main.candidates.selected.token.bytes == b" bear"
        await press(pilot, "E")
        assert text(app) == PROMPT + " little bear who"
        assert note(app) == "“␣bear” for “␣fox”; 1 token carried over"
        await press(pilot, "u")
        assert text(app) == PROMPT + " little fox who"
        await press(pilot, "ctrl+r")
        who = app.main.walk.snapshot.path[-1]
        assert (who.choice.source, who.rank, 0.5 < who.prob < 1, who.entropy > 0) == ("forced", 1, True, True)
    added = [event for event in journal.read(tmp_path / "walk.jsonl").events if isinstance(event, events.Add)]
    assert [(event.source, event.joined) for event in added[-2:]] == [("picked", True), ("forced", True)]


async def test_an_exchange_in_the_prompt_carries_all_of_it(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await begun(pilot, "enter", "3", "right_square_bracket", "down", "E")
        path = app.main.walk.snapshot.path
        assert [place.token.bytes for place in path][-1] == b" time"
        assert (len(path), path[3].token.bytes != b" a") == (5, True)
        await press(pilot, "u")
        assert text(app) == PROMPT + " time"


async def test_an_exchange_that_cannot_be_scored_changes_nothing(explore):
    class Fails(ScriptedEngine):
        async def score(self, ids, top, *more, **said):
            if len(ids) > 4:
                raise EngineError("No score today.")
            async for part in super().score(ids, top, *more, **said):
                yield part

    app = explore(Fails(ScriptedEngine.demo()._table))
    async with app.run_test(size=(120, 36)) as pilot:
        await begun(pilot, "down", "enter", "enter", "ctrl+left", "ctrl+left", "down", "E")
        assert (text(app), note(app)) == (PROMPT + " little fox", "No score today.")
        assert len(app.main.walk.session.tree.nodes) == 3


async def test_an_exchange_says_what_it_needs(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await begun(pilot, "E")
        assert "Ctrl+←" in note(app)
        await press(pilot, "ctrl+left", "E")
        assert "stands here already" in note(app)


async def test_a_run_is_undone_at_once(explore):
    app = explore(params=SamplingParams(temperature=0, seed=1), max_new_tokens=7)
    async with app.run_test(size=(120, 36)) as pilot:
        await begun(pilot, "u")
        assert note(app) == "there is nothing to undo"
        await press(pilot, "ctrl+r")
        assert note(app) == "there is nothing to do again"
        await press(pilot, "enter", "a")
        assert len(app.main.walk.snapshot.path) == 12
        await press(pilot, "u")
        assert text(app) == PROMPT + " time"
        await press(pilot, "u")
        assert text(app) == PROMPT


async def test_jumps_go_to_surprises_forks_and_token_numbers(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await begun(pilot, "down", "enter", "enter", "left", "down", "enter", "enter")
        assert text(app) == PROMPT + " little bear who"
        app.main.jumps = app.main.jumps.__class__(surprisal_above=None)
        await press(pilot, "left_square_bracket")
        assert (app.main.walk.focus, note(app)) == (5, "token 5: 2 branches begin here")
        await press(pilot, "left_square_bracket")
        assert (app.main.walk.focus, note(app)) == (0, "nothing more to jump to before; J says what counts")
        await press(pilot, "right_square_bracket")
        assert app.main.walk.focus == 5
        await press(pilot, "right_square_bracket")
        assert (app.main.walk.focus, note(app)) == (None, "nothing more to jump to ahead; J says what counts")
        await press(pilot, "2", "right_square_bracket")
        assert (app.main.walk.focus, note(app)) == (2, "token 2")
        await press(pilot, "9", "9", "right_square_bracket")
        assert (app.main.walk.focus, note(app)) == (None, "the path ends at token 6")


async def test_what_a_jump_stops_at_is_chosen_in_a_form(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("J", "backspace", "2", "enter")
        await settle(pilot)
        assert app.main.jumps.surprisal_above == 2
        assert note(app).startswith("] jumps to: surprisal above 2 bits")
        await press(pilot, "left_square_bracket")
        assert app.main.walk.focus == 1
        assert note(app).startswith("token 1: surprisal")


async def test_a_click_on_a_token_puts_the_cursor_there(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await begun(pilot, "enter", "enter")
        await pilot.click("#tokens", offset=(5, 5))
        await settle(pilot)
        assert app.main.walk.focus == 4
        # A border and a padding, then <|begin|>Once: the click is on the last letter of Once.
        await pilot.click("#text", offset=(2 + 12, 1))
        await settle(pilot)
        assert app.main.walk.focus == 1
        await pilot.click("#text", offset=(50, 1))
        await settle(pilot)
        assert app.main.walk.focus is None


async def test_the_token_cursor_is_in_sight_in_a_long_text(explore):
    app = explore(draft="Once upon a time, there was a little fox. " * 20)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for number in ("1", "90", "150"):
            await press(pilot, *number, "right_square_bracket")
            for pane in (app.main.text_pane, app.main.tokens):
                top, height = pane.scroll_offset.y, pane.scrollable_content_region.height
                line = int(number) if pane is app.main.tokens else pane._line_of(int(number))
                assert top <= line < top + height
        await press(pilot, "escape")
        assert app.main.tokens.scroll_offset.y == app.main.tokens.max_scroll_y
