import asyncio

import pytest
from textual.events import Paste

from explorer.core.record import events, journal
from explorer.core.sampling.params import SamplingParams
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.errors import EngineDied
from explorer.ui.screens.force import ForceScreen
from explorer.ui.screens.options import OptionsScreen
from explorer.ui.screens.search import SearchScreen
from tests.ui.person import SIZES, press, rest, settle, text

NARROW = [*SIZES, (40, 24)]


async def ask(pilot, key: str, *keys: str):
    """Open a dialog and press keys in it; the dialog."""
    await settle(pilot)
    await press(pilot, key)
    dialog = pilot.app.screen
    await write(pilot, *keys)
    return dialog


async def write(pilot, *keys: str) -> None:
    """Press keys, and wait for what each of them asks for."""
    await pilot.press(*keys)
    await rest(pilot)


def typed(line: str) -> list[str]:
    return [{" ": "space"}.get(character, character) for character in line]


def said(dialog) -> str:
    return str(dialog.said.render())


def shown(dialog) -> str:
    return "".join(word for word, _ in dialog.tokens.parts)


def drawn(widget) -> list[str]:
    return [strip.text for strip in widget.render_lines(widget.outer_size.region)]


def path(app, count: int) -> list:
    """The last tokens of the path."""
    return list(app.main.walk.snapshot.path[-count:])


def adds(record) -> list:
    return [event for event in journal.read(record).events if isinstance(event, events.Add)]


# Force.


async def test_a_text_is_forced_token_by_token_with_the_numbers_of_each(explore, tmp_path):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        dialog = await ask(pilot, "f", *typed(" fox sang"))
        assert isinstance(dialog, ForceScreen)
        assert shown(dialog) == "␣fox 266   ␣sang 269   "
        assert str(dialog.dialog.border_title) == "Force a text · 2 tokens"
        await press(pilot, "enter")
        assert text(app) == "<|begin|>Once upon a fox sang"
        bits = sum(place.surprisal for place in path(app, 2))
        assert app.main.status_line.status.note == f"2 forced tokens, {bits:.1f} bits in all"
        scored = [s async for part in app.main.walk.engine.score(app.main.walk.prefix, 0, 4) for s in part]
        for place, expected in zip(path(app, 2), scored, strict=True):
            assert (place.choice.source, place.choice.rank) == ("forced", expected.rank)
            assert (place.choice.prob, place.choice.entropy) == (expected.prob, expected.entropy)
        assert app.main.walk.undo()
        assert text(app) == "<|begin|>Once upon a"
    assert [(event.source, event.joined is True) for event in adds(tmp_path / "walk.jsonl")] == [
        ("forced", False),
        ("forced", True),
    ]


@pytest.mark.parametrize(
    ("line", "forced"),
    [
        ("#266", " fox"),
        ("0xec98 9b", "옛"),
        (r"\xec\x98\x9b", "옛"),
        (r"\#266", "#266"),
        (r"\0xec", "0xec"),
        ("# fox", "# fox"),
        (r"a\n\\n", "a\n\\n"),
        ("/fox/", "/fox/"),
    ],
)
async def test_a_line_may_be_a_text_an_id_or_bytes(explore, line, forced):
    app = explore()
    async with app.run_test(size=(80, 24)) as pilot:
        await ask(pilot, "f", *typed(line))
        await press(pilot, "enter")
        assert text(app) == f"<|begin|>Once upon a{forced}"


async def test_a_token_that_was_tried_is_gone_to_and_what_stands_is_not_encoded_anew(explore):
    app = explore()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "down", "enter", "left")
        await ask(pilot, "f", *typed(" little b"))
        await press(pilot, "enter")
        assert [place.choice.source for place in path(app, 3)] == ["picked", "forced", "forced"]
        await ask(pilot, "f", *typed("ear"))
        await press(pilot, "enter")
        assert [place.token.bytes for place in path(app, 5)] == [b" ", b"b", b"e", b"a", b"r"]
        assert len(app.main.walk.session.tree.nodes[0].children) == 1


async def test_what_has_no_room_or_no_meaning_is_said_and_nothing_is_added(explore):
    app = explore(ScriptedEngine({}, context_length=12))
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await ask(pilot, "f", "enter")
        assert "nothing to force" in said(dialog)
        await write(pilot, *typed("0x2"))
        assert "two hexadecimal digits" in said(dialog)
        await write(pilot, *["backspace"] * 3, *typed("#9999"))
        assert "There is no token 9999" in said(dialog)
        await write(pilot, *["backspace"] * 5, *typed("123456789"), "enter")
        assert said(dialog) == "With these 9 tokens the text has 13; the context holds 12."
        assert text(app) == "<|begin|>Once upon a"
        await write(pilot, "backspace")
        await press(pilot, "enter")
        assert text(app).endswith("a12345678")
        # What is typed where there is no room is said to be too much, and never taken for keys.
        dialog = await ask(pilot, "f", *typed("x"), "enter")
        assert said(dialog) == "With these 1 tokens the text has 13; the context holds 12."
        await pilot.press("escape")
        dialog = await ask(pilot, "o", *typed("x"), "tab")
        assert "context" in said(dialog)


async def test_what_is_said_of_a_line_stays_where_enter_follows_its_last_key_at_once(explore):
    app = explore(ScriptedEngine({}, context_length=5))
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await ask(pilot, "f")
        await pilot.press("a", "b", "enter")
        await write(pilot)
        assert "the context holds 5" in said(dialog)
        assert shown(dialog) == "a 97   b 98   "


async def test_a_paste_of_several_lines_is_one_line_that_means_them(explore):
    app = explore()
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await ask(pilot, "f", "a")
        app.post_message(Paste("\x1b[1m\n\\n fox"))
        await write(pilot)
        assert dialog.line.value == r"a\x1b[1m\n\\n fox"
        await press(pilot, "enter")
        assert app.main.walk.snapshot.path[4].token.bytes == b"a"
        assert b"".join(place.token.bytes for place in path(app, 9)) == b"a\x1b[1m\n\\n fox"


async def test_escape_forces_nothing_also_while_a_slow_engine_answers(explore):
    engine = ScriptedEngine.demo()
    app = explore(engine)
    async with app.run_test(size=(80, 24)) as pilot:
        await ask(pilot, "f", *typed(" fox"))
        engine.gate = asyncio.Event()
        await pilot.press("enter", "escape")
        engine.gate.set()
        await settle(pilot)
        assert (app.screen, text(app)) == (app.main.screen, "<|begin|>Once upon a")
        dialog = await ask(pilot, "f")
        assert dialog.line.value == ""


class Dying(ScriptedEngine):
    dead = False

    async def start(self, *report):
        self.dead = False
        return await super().start(*report)

    async def _wait(self):
        if self.dead:
            self.info = None
            raise EngineDied("The engine was killed (SIGKILL).")
        await super()._wait()


async def test_what_is_written_is_kept_where_the_engine_dies(explore):
    engine = Dying.demo()
    app = explore(engine)
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await ask(pilot, "f", *typed(" fox"))
        engine.dead = True
        await write(pilot, "enter")
        assert "was killed" in said(dialog) and "R starts it again" in said(dialog)
        await write(pilot, "escape")
        # The dialog opens all the same, so that nothing that is typed is taken for keys.
        dialog = await ask(pilot, "f", "enter")
        assert dialog.line.value == " fox"
        assert "was killed" in said(dialog)
        await write(pilot, "escape")
        dialog = await ask(pilot, "slash", "x")
        assert "was killed" in said(dialog)
        await write(pilot, "escape")
        await press(pilot, "R")
        await ask(pilot, "f")
        await press(pilot, "enter")
        assert text(app) == "<|begin|>Once upon a fox"
        dialog = await ask(pilot, "o", *typed(" bear"))
        engine.dead = True
        await write(pilot, "tab")
        assert "was killed" in said(dialog)
        await write(pilot, "escape")
        await press(pilot, "R")
        dialog = await ask(pilot, "o", "tab")
        assert dialog.choosing and len(dialog.ranking.options) == 1


# Search.


def hits(dialog) -> list[bytes]:
    return [hit.token.bytes for hit in dialog.hits.hits]


async def test_a_search_lists_what_matches_by_rank_and_adds_the_selected_one(explore, tmp_path):
    app = explore(params=SamplingParams(seed=1, top_k=3))
    async with app.run_test(size=(120, 36)) as pilot:
        dialog = await ask(pilot, "slash")
        assert isinstance(dialog, SearchScreen)
        assert str(dialog.dialog.border_title) == "Search the vocabulary · 276 found, the first 200 shown"
        await write(pilot, *"THE")
        assert hits(dialog) == [b" there", b" The"]
        lines = drawn(dialog.hits)
        assert lines[0].split() == ["rank", "id", "token", "model", "sampling"]
        there = await app.main.walk.engine.next(app.main.walk.prefix, SamplingParams(), 1, [263])
        assert lines[1].split()[:4] == ["▸", str(there.find(263).rank), "263", "␣there"]
        assert lines[1].split()[-1] == "top-k"
        await write(pilot, "down", "down", "up", "down")
        await press(pilot, "enter")
        assert text(app) == "<|begin|>Once upon a The"
        choice = app.main.walk.snapshot.path[-1].choice
        assert (choice.source, choice.rank) == ("picked", 272)
    [event] = adds(tmp_path / "walk.jsonl")
    assert (event.source, event.rank, event.prob) == ("picked", 272, choice.prob)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("/^ ?[Tt]he$/", [b" The"]),
        ("#268", [b" who"]),
        ("0x20 66", [b" fox"]),
        ("#999", []),
        ("nothing", []),
    ],
)
async def test_a_search_is_by_text_regex_id_or_bytes(explore, line, found):
    app = explore()
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await ask(pilot, "slash", *typed(line))
        assert hits(dialog) == found
        await write(pilot, "enter")
        assert app.screen is (app.main.screen if found else dialog)


async def test_a_line_that_cannot_be_read_is_said_and_adds_nothing(explore):
    app = explore()
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await ask(pilot, "slash", *typed("/(/"), "enter")
        assert "not a regular expression" in said(dialog)
        assert (hits(dialog), app.screen) == ([], dialog)
        await write(pilot, "escape")
        assert (app.screen, text(app)) == (app.main.screen, "<|begin|>Once upon a")


async def test_enter_right_after_the_last_key_adds_what_the_line_finds(explore):
    app = explore()
    async with app.run_test(size=(80, 24)) as pilot:
        await ask(pilot, "slash")
        await pilot.press(*"fox", "enter")
        await settle(pilot)
        assert text(app) == "<|begin|>Once upon a fox"


async def test_a_search_where_the_token_cursor_stands_begins_a_branch_there(explore):
    app = explore()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "enter", "enter")
        app.main.walk.focus = 5
        await ask(pilot, "slash", *"fox")
        await press(pilot, "enter")
        assert text(app) == "<|begin|>Once upon a time fox"
        app.main.walk.focus = 4
        await ask(pilot, "f", *typed(" bear."))
        await press(pilot, "enter")
        assert text(app) == "<|begin|>Once upon a bear."
        app.main.walk.undo()
        assert text(app) == "<|begin|>Once upon a time fox"


@pytest.mark.parametrize("key", ["f", "slash", "o"])
async def test_nothing_is_asked_before_the_first_token(explore, key):
    app = explore()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.main.walk.focus = 0
        dialog = await ask(pilot, key, *typed("a"), "tab" if key == "o" else "enter")
        assert "before the first token" in said(dialog)
        await pilot.press("escape")
        await settle(pilot)
        assert "first token" in app.main.candidates.message and not app.main.candidates.failed


# Options.


def ranked(dialog) -> list[bytes]:
    return [b"".join(one.token.bytes for one in option.scored) for option in dialog.ranking.options]


async def test_options_are_ranked_by_three_measures_and_the_chosen_one_is_forced(explore, tmp_path):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        lines = (" fox who sang", " little", " time,")
        keys = [key for line in lines for key in (*typed(line), "enter")]
        dialog = await ask(pilot, "o", *keys, "tab")
        assert isinstance(dialog, OptionsScreen)
        assert ranked(dialog) == [b" time,", b" little", b" fox who sang"]
        await write(pilot, "right")
        assert ranked(dialog) == [b" time,", b" fox who sang", b" little"]
        await write(pilot, "right")
        best = [option.per_byte for option in dialog.ranking.options if option.per_byte is not None]
        assert len(best) == 3 and best == sorted(best, reverse=True)
        await write(pilot, "left", "left", "down", "down")
        option = dialog.ranking.selected
        scored = [
            s async for part in app.main.walk.engine.score([*app.main.walk.prefix, 266, 268, 269], 0, 4) for s in part
        ]
        assert option.total == pytest.approx(sum(s.logprob for s in scored))
        assert option.per_token == pytest.approx(option.total / 3)
        assert option.per_byte == pytest.approx(option.total / len(lines[0]))
        await press(pilot, "enter")
        assert text(app) == "<|begin|>Once upon a fox who sang"
        assert [place.choice.source for place in path(app, 3)] == ["forced"] * 3
        app.main.walk.undo()
        assert text(app) == "<|begin|>Once upon a"
        dialog = await ask(pilot, "o")
        assert dialog.editor.content == "\n".join((*lines, ""))
    assert [event.joined is True for event in adds(tmp_path / "walk.jsonl")] == [False, True, True]


@pytest.mark.parametrize("size", NARROW)
async def test_spaces_at_the_ends_of_a_line_and_the_likeliest_are_seen(explore, size):
    app = explore()
    async with app.run_test(size=size) as pilot:
        dialog = await ask(pilot, "o", *typed(" fox "), "enter", *typed(" time"), "tab")
        written = [line.strip() for line in drawn(dialog.editor)]
        assert written[:2] == ["␣fox␣", "␣time"]
        lines = drawn(dialog.ranking)
        first = next(line for line in lines if line.startswith("▸"))
        assert first.startswith("▸␣time")
        assert first.count("•") == (3 if size[0] > 40 else 2)
        assert "␣fox␣" in "".join(lines)


async def test_what_is_compared_is_what_is_written_and_tab_goes_back_to_it(explore):
    app = explore()
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await ask(pilot, "o", "tab")
        assert "nothing to compare" in said(dialog) and not dialog.choosing
        await write(pilot, *typed("a"), "tab")
        assert dialog.choosing and dialog.ranking.display
        await write(pilot, "tab", "enter")
        assert not dialog.choosing and not dialog.ranking.display
        await write(pilot, *typed("0x2"), "ctrl+s")
        assert "two hexadecimal digits" in said(dialog)
        assert app.screen is dialog
        await write(pilot, "escape")
        assert (app.screen, text(app)) == (app.main.screen, "<|begin|>Once upon a")


@pytest.mark.parametrize("size", NARROW)
@pytest.mark.parametrize("key", ["f", "slash", "o"])
async def test_the_dialogs_stay_inside_of_the_screen(explore, key, size):
    app = explore()
    async with app.run_test(size=size) as pilot:
        dialog = await ask(pilot, key, *typed(" f"), *(["tab"] if key == "o" else []))
        region = dialog.query_one(".dialog").region
        assert app.screen.region.contains_region(region)
        for widget in dialog.query(".dialog > *"):
            assert region.contains_region(widget.region)
