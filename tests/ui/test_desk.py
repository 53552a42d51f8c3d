import asyncio
import time
from functools import partial
from itertools import count
from pathlib import Path

import msgspec

from explorer.core.record import journal
from explorer.core.sampling.pace import RunSettings
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.engine.base import Reporter, silent
from explorer.engine.description import EngineInfo
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.ui.actions.loading import Models
from explorer.ui.app import ThemedApp
from explorer.ui.commands import COMMANDS
from explorer.ui.keymap import Keymap
from explorer.ui.opening import Opening
from explorer.ui.repaint import FRAME
from explorer.ui.screen import MainScreen
from explorer.ui.theme import read_themes, shipped_folder
from explorer.ui.walk_desk import WalkDesk
from explorer.walk import opening
from explorer.wording import Wording
from tests.ui.person import press, rest, settle


def desk_on(engine: ScriptedEngine, record: Path, draft: str) -> WalkDesk:
    ticks = count()
    keymap = Keymap(COMMANDS, {})
    return WalkDesk(
        engine,
        partial(opening.begin, params=SamplingParams(seed=1), record=record),
        keymap=keymap,
        words=Wording(keymap.first),
        models=Models("demo", str, list, lambda name: ScriptedEngine.demo()),
        presets=(),
        draft=draft,
        top=20,
        run_settings=RunSettings(),
        opening=Opening(),
        clock=lambda: next(ticks) * 0.005,
    )


class Pair(ThemedApp):
    """Two walks on two engines side by side."""

    def __init__(self, *desks: WalkDesk) -> None:
        self.desks = desks
        super().__init__(MainScreen(*desks), read_themes([shipped_folder()])[0], "dark", {}, ())


def text(desk: WalkDesk) -> str:
    return "".join(place.text for place in desk.walk.snapshot.path)


def kinds(path: Path) -> list[str]:
    return [type(event).__name__ for event in journal.read(path).events]


async def test_two_desks_side_by_side_walk_two_engines(tmp_path: Path) -> None:
    left = desk_on(ScriptedEngine.demo(), tmp_path / "left", "Once upon a")
    right = desk_on(ScriptedEngine({ord("a"): {ord("b"): 20.0}, ord("b"): {ord("a"): 20.0}}), tmp_path / "right", "a")
    app = Pair(left, right)
    async with app.run_test(size=(160, 40)) as pilot:
        screen = app.screen
        assert isinstance(screen, MainScreen)
        await settle(pilot)
        assert left.region.right == right.region.x
        await press(pilot, "down", "enter")
        assert (text(left), text(right)) == ("<|begin|>Once upon a little", "<|begin|>a")
        screen.at = 1
        await press(pilot, "enter", "enter", "T")
        assert (text(left), text(right)) == ("<|begin|>Once upon a little", "<|begin|>aba")
        assert (left.walk.snapshot.params.temperature, right.walk.snapshot.params.temperature) == (1.0, 1.1)
        await press(pilot, "5", "space", "v")
        screen.at = 0
        await press(pilot, "u", "e")
        assert text(left) == "<|begin|>Once upon a"
        assert len(right.walk.snapshot.path) == 9
        assert (left.view.heat, right.view.heat) == ("prob", "")
        assert (left.view.tokens, right.view.tokens) == ("text", "piece")
        assert right.tokens.border_title == "Tokens · piece"
        assert left.tokens.snapshot.path == left.walk.snapshot.path
        assert right.candidates.snapshot.path == right.walk.snapshot.path
        assert (left.view.note, right.view.note) == (
            "undone: one token; Ctrl+R does it again",
            "stopped after 5 tokens",
        )
        assert (left.status_line.status.used, right.status_line.status.used) == (4, 9)
        await pilot.press("ctrl+q")
    assert kinds(tmp_path / "left")[-1] == kinds(tmp_path / "right")[-1] == "End"
    assert "Undo" in kinds(tmp_path / "left")
    assert "Undo" not in kinds(tmp_path / "right")


async def test_one_desk_stops_what_it_draws_and_not_what_the_other_draws(tmp_path: Path) -> None:
    engines = [ScriptedEngine.demo(), ScriptedEngine.demo()]
    left, right = (desk_on(engine, tmp_path / str(n), "Once upon a") for n, engine in enumerate(engines))
    app = Pair(left, right)
    async with app.run_test(size=(160, 40)) as pilot:
        screen = app.screen
        assert isinstance(screen, MainScreen)
        await settle(pilot)
        for engine in engines:
            engine.gate = asyncio.Event()
        for screen.at in (1, 0):
            await pilot.press("a")
        assert (left.view.running, right.view.running) == (True, True)
        await pilot.press("escape")
        await rest(pilot)
        assert (left.view.running, right.view.running) == (False, True)
        for engine in engines:
            assert engine.gate is not None
            engine.gate.set()
        await settle(pilot)
        assert len(left.walk.snapshot.path) == 4 < len(right.walk.snapshot.path)


async def test_a_desk_paints_a_few_times_while_thousands_of_tokens_are_drawn_and_shows_the_last(tmp_path: Path) -> None:
    engine = ScriptedEngine({}, context_length=2000)
    desk = desk_on(engine, tmp_path / "walk", "a")
    app = Pair(desk)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        paint, painted = desk.paint, []

        def counted() -> None:
            painted.append(len(desk.walk.snapshot.path))
            paint()

        desk.paint = counted  # type: ignore[method-assign]  # The desk paints; it is only counted.
        rules = StopRules(max_new_tokens=1500, eos=False)
        desk.run.settings = RunSettings(rules=rules)
        began = time.monotonic()
        await press(pilot, "a")
        assert len(painted) <= (time.monotonic() - began) / FRAME + 3
        assert painted[-1] == len(desk.walk.snapshot.path) == len(desk.text_pane.snapshot.path) > 1500


async def test_a_command_goes_on_from_what_is_shown(tmp_path: Path) -> None:
    desk = desk_on(ScriptedEngine.demo(), tmp_path / "walk", "Once upon a")
    app = Pair(desk)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        assert isinstance(screen, MainScreen)
        await press(pilot, "down", "enter", "left")
        # Two commands without a picture between them: the table of the first is there, and the second acts on it.
        screen.action_do("back")
        screen.action_do("row_down")
        screen.action_do("add")
        await settle(pilot)
        assert text(desk) == "<|begin|>Once upon a fox"


class Partial(ScriptedEngine):
    """Answers no search, and has no numbers for a prompt, as some servers."""

    async def start(self, report: Reporter = silent) -> EngineInfo:
        info = await super().start(report)
        self.info = msgspec.structs.replace(info, answers=tuple({*info.answers} - {"search", "score"}))
        return self.info


async def test_what_an_engine_does_not_answer_is_greyed_out_and_not_asked(tmp_path: Path) -> None:
    desk = desk_on(Partial({}), tmp_path / "walk", "a")
    app = Pair(desk)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        enabled = {name: app.screen.check_action("do", (name,)) for name in ("search", "force", "options", "sample")}
        assert enabled == {"search": None, "force": None, "options": True, "sample": True}
        await press(pilot, "slash", "space")
        assert app.screen is desk.screen
        assert len(desk.walk.snapshot.path) == 3
        assert desk.walk.snapshot.path[1].rank is None
