from collections.abc import Callable
from typing import Any

import pytest
from textual.app import App

from explorer.core.form import Field
from explorer.core.sampling.sequence import SampledSequence
from explorer.errors import EngineDied, UsageError
from explorer.ui.app import ThemedApp
from explorer.ui.commands import COMMANDS
from explorer.ui.keymap import Keymap
from explorer.ui.screens.dialog import Dialog
from explorer.ui.screens.force import ForceScreen
from explorer.ui.screens.form import FormScreen
from explorer.ui.screens.help import HelpScreen
from explorer.ui.screens.models import ModelsScreen
from explorer.ui.screens.name import NameScreen
from explorer.ui.screens.options import OptionsScreen
from explorer.ui.screens.prompt import Draft, PromptScreen
from explorer.ui.screens.save import SaveScreen
from explorer.ui.screens.search import SearchScreen
from explorer.ui.screens.sequences import SequencesScreen
from explorer.ui.theme import read_themes, shipped_folder
from explorer.wording import Wording
from tests.ui.test_models import entry


async def refuse(*asked):
    raise UsageError("There is nothing of that here.")


class Drawn:
    """Two sequences that are drawn by now."""

    tokens, finished = 0, 0

    def __init__(self) -> None:
        self.sequences = [SampledSequence(index, 1) for index in range(2)]

    async def draw(self, look) -> None:
        look()


KEYMAP = Keymap(COMMANDS, {})
WORDS = Wording(KEYMAP.first)

DIALOGS: dict[str, Callable[[], Dialog[Any]]] = {
    "help": lambda: HelpScreen(KEYMAP, WORDS),
    "force": lambda: ForceScreen(WORDS, " fox", refuse, refuse),
    "form": lambda: FormScreen(WORDS, "Form", [Field("a", "A", "")], {"a": "1"}, dict),
    "models": lambda: ModelsScreen(WORDS, [entry("one"), entry("two")], "one"),
    "name": lambda: NameScreen(WORDS, "here"),
    "options": lambda: OptionsScreen(WORDS, " fox", refuse),
    "prompt": lambda: PromptScreen(WORDS, Draft("Once"), refuse, refuse),
    "chat": lambda: PromptScreen(WORDS, Draft("Once", None, True), refuse, refuse),
    "save": lambda: SaveScreen(WORDS, "walk.jsonl", refuse),
    "search": lambda: SearchScreen(WORDS, refuse),
    "sequences": lambda: SequencesScreen(WORDS, Drawn()),  # type: ignore[arg-type]  # It is all that the dialog asks of a fork.
}


class Asking(App[None]):
    CSS_PATH = ThemedApp.CSS_PATH

    def __init__(self) -> None:
        super().__init__()
        for theme in read_themes([shipped_folder()])[0]:
            self.register_theme(theme)
        self.theme = "dark"


async def press_all(app, dialog) -> None:
    """What every key of a dialog does, but those that leave."""
    for binding in dialog.BINDINGS:
        if binding.action not in ("cancel", "dismiss") and not binding.action.startswith("app."):
            await app.run_action(binding.action, dialog)


@pytest.mark.parametrize("name", DIALOGS)
async def test_a_key_that_comes_before_a_dialog_is_there_or_when_it_is_gone_means_nothing(name):
    app = Asking()
    async with app.run_test(size=(80, 24)) as pilot:
        dialog, left = DIALOGS[name](), []
        app.push_screen(dialog, left.append)
        assert not dialog.ready
        await press_all(app, dialog)
        await pilot.pause()
        assert (app.screen is dialog, dialog.ready) == (True, True)
        dialog.dismiss(None)
        await press_all(app, dialog)
        assert not dialog.ready
        await pilot.pause()
        await press_all(app, dialog)
        dialog.say("Nobody reads this.")
        assert left == [None]


@pytest.mark.parametrize("name", [name for name in DIALOGS if name != "sequences"])
async def test_escape_leaves_a_dialog_that_has_only_just_been_opened(name):
    app = Asking()
    async with app.run_test(size=(80, 24)) as pilot:
        dialog, left = DIALOGS[name](), []
        app.push_screen(dialog, left.append)
        await app.run_action("dismiss" if name == "help" else "cancel", dialog)
        await pilot.pause()
        assert app.screen is not dialog
        assert len(left) == 1


def test_where_the_engine_died_it_is_said_how_to_go_on():
    dialog = DIALOGS["name"]()
    assert dialog.sentence_of(UsageError("No.")) == "No."
    assert dialog.sentence_of(EngineDied("It was killed.")).startswith("It was killed. Esc, then R")


@pytest.mark.parametrize("name", DIALOGS)
async def test_the_way_out_of_a_dialog_stands_on_its_frame_in_a_narrow_terminal_too(name):
    app = Asking()
    async with app.run_test(size=(40, 24)) as pilot:
        dialog = DIALOGS[name]()
        app.push_screen(dialog)
        await pilot.pause()
        lines = ["".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips()]
        assert any("Esc" in line and line.strip().startswith("╰") for line in lines), "\n".join(lines)
