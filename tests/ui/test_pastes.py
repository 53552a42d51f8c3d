"""What people paste into the fields of the dialogs: too much of it, control characters, numbers without end."""

import pytest
from textual import events

from explorer.ui.screens.save import SaveScreen
from explorer.ui.widgets.editor import Editor
from explorer.ui.widgets.text_field import FIELD_LIMIT
from tests.ui.person import press, rest, settle, until

DIGITS = "1" * 5000


async def paste(pilot, text: str) -> None:
    pilot.app.post_message(events.Paste(text))
    await rest(pilot)


def told(app) -> str:
    """What the dialog says is wrong."""
    return str(app.screen.query_one("#fault").render())


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("f", "#" + DIGITS, "There is no id of 5,000 digits."),
        ("slash", "#" + DIGITS, "There is no id of 5,000 digits."),
        ("slash", f"/a{{{DIGITS}}}/", "repeats more than"),
        ("slash", "/((((((/", "is not a regular expression"),
        ("slash", "/" + "(" * 5000 + "/", "regular expression"),
        ("x", "~nobody-of-this-name/walk.jsonl", "stands for the folder of a user"),
        ("x", "a" * 5000, "ile name too long"),
        ("A", DIGITS, "must be a whole number"),
        ("f", "a" * 1_000_000, "The paste has 1,000,000 characters; one line holds 10,000."),
        ("slash", "a" * 1_000_000, "The paste has 1,000,000 characters; one line holds 10,000."),
        ("x", "a" * 1_000_000, "The paste has 1,000,000 characters; one line holds 10,000."),
    ],
    ids=lambda value: repr(value[:12]),
)
async def test_what_cannot_be_meant_is_told_in_the_dialog(explore, key, text, said):
    app = explore()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press(key)
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await rest(pilot)
        if key in ("x", "A"):
            app.screen.query("Input").first().value = ""
        await paste(pilot, text)
        if len(text) <= FIELD_LIMIT:
            await pilot.press("enter")
        await until(pilot, lambda: said in told(app))


@pytest.mark.parametrize("name", ["a" * 5000, "~nobody-of-this-name/model", "a\x00b"], ids=lambda name: name[:8])
async def test_a_model_that_cannot_be_named_so_is_told_and_the_walk_goes_on(explore, name):
    app = explore()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("m")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await paste(pilot, name)
        await press(pilot, "enter", "space")
        assert app.is_running


async def test_more_texts_than_can_be_compared_are_told_and_kept(explore):
    app = explore()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("o")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await rest(pilot)
        await paste(pilot, " fox\n" * 1001)
        await pilot.press("tab")
        await until(pilot, lambda: told(app) == "There are 1,001 texts here; 1,000 can be compared at once.")
        assert app.screen.query_one(Editor).text == " fox\n" * 1001


async def test_a_field_takes_the_first_line_of_a_paste_and_nothing_that_drives_the_terminal(explore):
    app = explore()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, SaveScreen))
        field = app.screen.query_one("Input")
        field.value = ""
        await paste(pilot, "a\x1b[31mb\x9b\x07c\nsecond")
        assert field.value == "a[31mbc"


async def test_an_editor_takes_a_paste_in_order_with_its_escapes(explore):
    app = explore()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("i")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        editor = app.screen.query_one(Editor)
        editor.clear()
        await paste(pilot, "warning: \x1b[31mmodel\x1b[0m missing\nnext")
        assert editor.text == "warning: \x1b[31mmodel\x1b[0m missing\nnext"
        assert editor.get_line(0).plain == "warning: ␛[31mmodel␛[0m missing"


async def test_one_key_clears_an_editor_and_another_brings_the_text_back(explore):
    app = explore(draft="several\nlines\nof a prompt")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("i")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await rest(pilot)
        assert "Ctrl+L clear" in app.screen.dialog.border_subtitle
        editor = app.screen.query_one(Editor)
        await pilot.press("ctrl+l")
        assert editor.text == ""
        await pilot.press("ctrl+z")
        assert editor.text == "several\nlines\nof a prompt"
        await pilot.press("ctrl+l", "n", "e", "w", "ctrl+s")
        await settle(pilot)
        assert app.main.walk.snapshot.prompt_text == "new"


@pytest.mark.parametrize("depth", [101, 980])
async def test_a_flag_of_a_template_that_is_nested_without_end_is_told(explore, depth):
    app = explore()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("i")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press("f2")
        await rest(pilot)
        app.screen.flags.focus()
        app.post_message(events.Paste("a=" + "[" * depth + "]" * depth))
        await until(pilot, lambda: told(app) == "The flag a of the template cannot be used: it is nested too deep.")
