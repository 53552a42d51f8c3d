import re
from collections.abc import Iterator, Mapping
from string import Formatter

from textual.pilot import Pilot

from explorer.core.record import journal
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.errors import EngineDied
from explorer.ui.app import ReplayApp
from explorer.ui.commands import COMMANDS, REPLAY_COMMANDS
from explorer.ui.keymap import Keymap
from explorer.walk.player import Player
from explorer.wording import Wording, sentences
from tests.explorers import THEMES
from tests.replay.conftest import record_walk
from tests.ui.person import press, rest, said, settle

BIG = (200, 120)
"""Room for the whole help, and for the longest hint at the edge of a pane."""

CHANGED = {
    "prompt": "f2",
    "restart": "f3",
    "tree": "f4",
    "temperature_down": "f5",
    "temperature_up": "f6",
    "top_p_down": "f7",
    "top_p_up": "f8",
    "top_k_down": "f9",
    "top_k_up": "f10",
    "new_seed": "f11",
    "knobs": "f12",
    "name_spot": "f13",
    "delete": "f14",
    "exchange": "f15",
    "add": "f16",
    "back": "f17",
    "sample": "f18",
    "auto": "f19",
    "jump": "f20",
    "undo": "f21",
    "redo": "f22",
    "token_left": "f23",
}
REPLAY_CHANGED = {"play": "f2", "next_act": "f3", "previous_act": "f4", "go_to_act": "f5", "leave": "f6"}


def on_screen(app) -> str:
    """What can be read, line by line."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


def tellings(sentence: str, keys: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """For each key in a sentence, its command, and the key with the word after it, or before."""
    told, places = "", []
    for literal, name, command, _ in Formatter().parse(sentence):
        told += literal
        if name == "key" and command:
            key = keys.get(command, command)
            places.append((command, len(told), len(told) + len(key)))
            told += key
        elif name:
            told += "\0"
    for command, begin, end in places:
        after, before = re.match(r"[,:]? [^\s\0]+", told[end:]), re.search(r"([^\s\0]+ ){1,3}$", told[:begin])
        if after:
            yield command, told[begin:end] + after[0]
        elif before:
            yield command, before[0] + told[begin:end]


def told(seen: str, keys: Mapping[str, str], changed: Mapping[str, str]) -> set[tuple[str, str]]:
    """The sentences that tell the key of a command by these keys, with that command; only of those that are changed."""
    return {
        (name, command)
        for name, sentence in sentences("en").items()
        for command, words in tellings(sentence, keys)
        if command in changed and re.search(rf"(?<!\w){re.escape(words)}(?!\w)", seen)
    }


class Dying(ScriptedEngine):
    dead = False

    async def _wait(self):
        if self.dead:
            self.info = None
            raise EngineDied("The engine was killed (SIGKILL).")
        await super()._wait()


async def walked_through(explore, keys: Mapping[str, str]) -> str:
    """All that is seen on a walk on which a person looks at everything."""
    engine = Dying.demo()
    app = explore(engine, keys=keys, record=None)
    keymap, seen = app.main.keymap, []

    async def do(pilot: Pilot, *commands: str) -> None:
        for command in commands:
            await press(pilot, keymap.keys(command)[0] if command in keymap.commands else command)
            seen.append(on_screen(app))

    async with app.run_test(size=BIG) as pilot:
        await settle(pilot)
        await do(pilot, "back", "tree", "escape", "tree", "tree", "knobs", "knobs")
        await do(pilot, "add", "add", "draw_again", "delete", "undo", "redo", "exchange", "token_left", "escape")
        await do(pilot, "5", "escape", "help", "escape", "jump")
        engine.dead = True
        await do(pilot, "force", "a", "enter", "escape", "sample")
    return "\n".join(seen)


async def test_no_sentence_on_the_screen_tells_a_key_that_was_changed(explore):
    before, after = Keymap(COMMANDS, {}).first, Keymap(COMMANDS, CHANGED).first
    usual = await walked_through(explore, {})
    changed = await walked_through(explore, CHANGED)
    assert told(changed, before, CHANGED) == set()
    assert told(changed, after, CHANGED) == told(usual, before, CHANGED)
    assert {command for _, command in told(usual, before, CHANGED)} == CHANGED.keys() - {"new_seed"}


async def test_the_sampler_has_room_for_the_keys_that_turn_it(explore):
    for keys, ends in (({}, ["t T", "p P", "g G", "n"]), (CHANGED, ["F5 F6", "F7 F8", "F9 F10", "F11"])):
        app = explore(keys=keys, record=None)
        async with app.run_test(size=(120, 36)) as pilot:
            await settle(pilot)
            lines = [app.main.sampler.render_line(number).text for number in range(4)]
            cells = max(4, *map(len, ends))
            assert [line[-cells - 2 :] for line in lines] == [f" {end:>{cells}} " for end in ends]
            assert {len(line) for line in lines} == {app.main.sampler.cells}


async def test_the_help_tells_every_key_as_it_was_changed(explore):
    app = explore(keys=CHANGED)
    async with app.run_test(size=BIG) as pilot:
        await settle(pilot)
        await press(pilot, "question_mark")
        for command in CHANGED:
            meaning = app.main.words(f"commands.{command}.help")
            assert re.search(rf"{app.main.keymap.written(command)} +{re.escape(meaning)}", on_screen(app))


async def test_no_sentence_of_a_replay_tells_a_key_that_was_changed(tmp_path):
    record = journal.read(await record_walk(ScriptedEngine.demo(), tmp_path / "walk.jsonl"))
    before, after = Keymap(REPLAY_COMMANDS, {}).first, Keymap(REPLAY_COMMANDS, REPLAY_CHANGED).first
    for keys, here in (({}, before), (REPLAY_CHANGED, after)):
        app, seen = ReplayApp(Player(record, "walk.jsonl"), themes=THEMES, theme="dark", keys=keys), ""
        async with app.run_test(size=BIG) as pilot:
            await rest(pilot)
            for key in ("right" if not keys else "f3", "2", "question_mark", "escape", "g" if not keys else "f5"):
                await press(pilot, key)
                seen += on_screen(app)
        assert {command for _, command in told(seen, here, REPLAY_CHANGED)} == REPLAY_CHANGED.keys() - {"play"}
        if keys:
            assert told(seen, before, REPLAY_CHANGED) == set()


async def test_the_footer_has_the_words_and_the_keys_of_the_desk(explore):
    class Loud(Wording):
        def __call__(self, name: str, /, **values: object) -> str:
            return super().__call__(name, **values).upper()

    app = explore(keys=CHANGED)
    app.main.words = Loud(app.main.keymap.first)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        footer = on_screen(app).splitlines()[-1]
        for words in ("F2 PROMPT", "F16 ADD", "F17 BACK", "F18 SAMPLE", "F19 AUTO", "m MODEL", "? HELP", "^Q QUIT"):
            assert words in footer


async def test_a_key_that_is_given_to_two_commands_is_told_at_the_start_and_the_program_goes_on(explore):
    app = explore(keys={"force": "i", "tree": "f5"})
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        sentence = "The key i is given to two commands, “force” and “prompt”"
        assert [one.severity for one in app._notifications if one.message.startswith(sentence)] == ["warning"]
        assert len(app._notifications) == 1
        await press(pilot, "enter", "enter", "left")
        assert "goes back" not in said(app)
        await press(pilot, "f5")
        assert app.screen.focused is app.main.tree_pane


async def test_without_a_clash_nothing_is_told_at_the_start(explore):
    # The keys of two commands may change places.
    app = explore(keys={"force": "i", "prompt": "f"})
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert len(app._notifications) == 0
