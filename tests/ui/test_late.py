"""What a dialog hears before its widgets are there, and after they are gone."""

import pytest
from textual.css.query import NoMatches
from textual.message import Message

from explorer.ui.screens.options import OptionsScreen
from explorer.ui.widgets.editor import Editor
from explorer.ui.widgets.line import Line
from explorer.ui.widgets.ranking import RankingPane
from tests.ui.person import rest, settle, until


@pytest.mark.parametrize("key", ["o", "f", "slash", "i", "m", "x", "A", "D"])
async def test_what_a_widget_said_before_its_dialog_was_left_stops_nothing(explore, key):
    app = explore()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press(key)
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await rest(pilot)
        dialog = app.screen
        said: list[Message] = [RankingPane.Chosen(), RankingPane.Selected()]
        said += [Editor.Changed(editor) for editor in dialog.query(Editor)]
        said += [kind(line, line.value) for line in dialog.query(Line) for kind in (Line.Changed, Line.Submitted)]
        app.pop_screen()
        await dialog.remove_children()
        for message in said:
            await dialog._dispatch_message(message)
        await rest(pilot)
        assert app.is_running
        assert app._exception is None


async def test_a_widget_that_is_missed_while_the_dialog_is_open_is_a_fault_and_told_as_one(explore):
    app = explore()
    with pytest.raises(NoMatches):
        async with app.run_test(size=(80, 24)) as pilot:
            await settle(pilot)
            await pilot.press("o")
            await until(pilot, lambda: isinstance(app.screen, OptionsScreen))
            await rest(pilot)
            await app.screen.query_one(RankingPane).remove()
            app.screen.post_message(Editor.Changed(app.screen.editor))
            await rest(pilot)


@pytest.mark.parametrize("key", ["o", "f", "slash", "i", "m", "x", "A", "D", "question_mark"])
async def test_a_dialog_that_is_left_twice_takes_no_other_screen_with_it(explore, key):
    app = explore()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press(key)
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await rest(pilot)
        dialog = app.screen
        dialog.dismiss(None)
        dialog.dismiss(None)
        await rest(pilot)
        assert app.screen_stack == [app.main.screen]
