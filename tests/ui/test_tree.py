import asyncio

from explorer.core.record import events as record
from explorer.core.walk.runs import Run
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.ui.actions.loading import Models
from explorer.ui.drawing.cells import width
from explorer.ui.drawing.guides import first_level, guides
from explorer.ui.screens.name import NameScreen
from explorer.walk.beginning import begin
from tests.explorers import Reversed
from tests.ui.person import choose, press, rest, settle, text

SIZES = [(120, 36), (80, 24), (60, 20), (40, 20), (20, 8)]
BRANCHED = ("enter", "enter", "enter", "left", "left", "left", "down", "enter", "enter", "d")
"""Two branches after the prompt: “ time, there”, and “ little fox”, which is kept."""


def said(app) -> str:
    return app.main.status_line.status.note


def rows(app) -> list[str]:
    """The lines of the pane, as a person reads them."""
    pane = app.main.tree_pane
    return ["".join(words for words, _ in pane.line(number)).rstrip() for number in range(pane.virtual_size.height)]


def at(app) -> tuple[int, int]:
    return app.main.walk.snapshot.root, app.main.walk.snapshot.node


async def test_the_pane_opens_in_the_place_of_the_tokens_and_closes_again(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        place = app.main.tokens.region
        await press(pilot, *BRANCHED, "B")
        pane = app.main.tree_pane
        assert (pane.region, app.screen.focused, app.main.tokens.display) == (place, pane, False)
        assert rows(app) == [
            "   branch                         tokens  Σ to end",
            " ○▾ Once upon a                        4",
            "  ├─   time, there                     3     -0.35",
            "›●└─   little fox        ★ spot 1      2     -2.28",
        ]
        assert app.main.text_pane.border_title == "Text · ★ spot 1"
        await press(pilot, "escape")
        assert app.screen.focused is None
        assert pane.display
        await press(pilot, "left")
        assert app.main.text_pane.border_title == "Text"
        await press(pilot, "B")
        assert app.screen.focused is pane
        await press(pilot, "B")
        assert (app.screen.focused, app.main.tokens.region) == (None, place)


async def test_the_end_of_a_selected_run_is_gone_to_and_the_selection_goes_with_the_cursor(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, *BRANCHED, "B", "up", "enter")
        assert text(app).endswith("Once upon a time, there")
        assert rows(app)[2].startswith("›●├─   time, there")
        await press(pilot, "home", "enter", "end")
        assert (at(app), app.main.tree_pane.row) == ((0, 0), 2)
        await press(pilot, "escape", "enter", "enter", "l", "l")
        assert app.main.tree_pane.row == 2
        assert rows(app)[3].startswith("›●└─   little f…who sang ★ spot 1")


async def test_a_run_of_another_prompt_is_gone_to(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, *BRANCHED)
        await begin(app.main.walk, "The end")
        await press(pilot, "B")
        assert rows(app)[4].startswith("›●  The end")
        await press(pilot, "up", "enter")
        assert text(app).endswith("Once upon a little fox")
        assert app.main.walk.session.events[-1] == record.Move(root=0, node=5, t=app.main.walk.session.events[-1].t)


async def test_what_is_below_a_run_is_folded_by_a_key_and_by_the_mouse(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, *BRANCHED, "B", "left")
        pane = app.main.tree_pane
        assert pane.row == 0
        await press(pilot, "left")
        assert rows(app)[1:] == ["›○▸ Once upon a                +2      4"]
        await press(pilot, "left", "w")
        assert said(app) == "branch 1 of 2"
        assert rows(app)[1:] == ["›○▸ Once upon a                +2      4"]
        await press(pilot, "right", "right")
        assert (len(rows(app)), pane.row) == (4, 1)
        await pilot.click(pane, offset=(4, 2))
        await settle(pilot)
        assert len(rows(app)) == 2
        await pilot.click(pane, offset=(4, 2))
        await settle(pilot)
        assert len(rows(app)) == 4
        assert at(app) == (0, 3)


async def test_a_click_selects_and_a_double_click_goes(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, *BRANCHED, "B", "escape")
        await pilot.click(app.main.tree_pane, offset=(12, 3))
        await settle(pilot)
        assert (app.main.tree_pane.row, app.screen.focused, at(app)) == (1, app.main.tree_pane, (0, 5))
        await pilot.click(app.main.tree_pane, offset=(12, 3), times=2)
        await settle(pilot)
        assert at(app) == (0, 3)


async def test_a_selected_branch_is_deleted_and_comes_back(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, *BRANCHED, "B", "up", "delete")
        assert said(app) == "deleted 3 tokens; u brings them back"
        assert (len(rows(app)), at(app)) == (3, (0, 5))
        app.main.walk.undo()
        await settle(pilot)
        assert len(rows(app)) == 4
        await press(pilot, "home", "delete")
        assert said(app) == "the only prompt cannot be deleted."
        assert len(rows(app)) == 4


async def test_a_branch_is_deleted_from_the_token_under_the_token_cursor_on(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, *BRANCHED, "left", "down", "enter", "B", "escape")
        app.main.walk.focus = 4
        await press(pilot, "delete")
        assert said(app) == "deleted 3 tokens in 2 branches; u brings them back"
        assert (text(app), app.main.walk.focus) == ("<|begin|>Once upon a", None)
        assert len(rows(app)) == 3
        await press(pilot, "w", "delete")
        assert said(app) == "deleted one token; u brings it back"


async def test_siblings_are_walked_round_and_where_there_is_none_it_is_said(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "greater_than_sign")
        assert said(app) == "there is no other prompt"
        await press(pilot, *BRANCHED, "greater_than_sign")
        assert said(app) == "nothing else was tried in place of this token"
        await press(pilot, "left", "greater_than_sign")
        assert text(app).endswith("Once upon a time")
        assert said(app) == "1 of 2 tried here"
        await press(pilot, "less_than_sign")
        assert text(app).endswith("Once upon a little")
        app.main.walk.focus = 2
        await press(pilot, "less_than_sign")
        assert said(app) == "inside the prompt nothing else was tried"
        await begin(app.main.walk, "The end")
        await press(pilot, "less_than_sign")
        assert (at(app), said(app)) == ((0, 0), "prompt 1")


async def test_branches_and_named_spots_of_all_prompts_are_cycled_through(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "w")
        assert said(app) == "this is the only branch"
        await press(pilot, *BRANCHED, "left", "d")
        await begin(app.main.walk, "The end")
        visited = []
        for key in ("w", "w", "ㅈ", "w", "s", "ㄴ"):
            await press(pilot, key)
            visited.append((at(app), said(app)))
        assert visited == [
            ((0, 3), "branch 1 of 4"),
            ((0, 4), "branch 2 of 4 · ★ spot 2"),
            ((0, 5), "branch 3 of 4 · ★ spot 1"),
            ((1, 0), "branch 4 of 4"),
            ((0, 5), "branch 3 of 4 · ★ spot 1"),
            ((0, 4), "branch 2 of 4 · ★ spot 2"),
        ]


async def test_a_spot_is_kept_named_and_its_name_taken_away(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "d")
        assert said(app) == "kept as ★ spot 1; w and s come back here"
        await press(pilot, "d")
        assert said(app) == "this is ★ spot 1 already; D gives it another name"
        await press(pilot, "enter", "d")
        assert app.main.walk.snapshot.bookmark == "spot 2"
        await pilot.press("D")
        await rest(pilot)
        assert isinstance(app.screen, NameScreen)
        await pilot.press(*"[/b]\x1b", "enter")
        await settle(pilot)
        assert said(app).startswith("named ★ [/b]")
        assert app.main.text_pane.border_title == r"Text · ★ \[/b]"
        await press(pilot, "enter", "d")
        assert app.main.walk.snapshot.bookmark == "spot 2"
        await pilot.press("D")
        await rest(pilot)
        await pilot.press("x", "escape")
        await settle(pilot)
        assert app.main.walk.snapshot.bookmark == "spot 2"
        await press(pilot, "B", "home")
        await pilot.press("D")
        await rest(pilot)
        await pilot.press("end", *["backspace"] * 6, "enter")
        await settle(pilot)
        assert said(app) == "★ spot 1 is no name any more"
        assert app.main.walk.session.tree.bookmarks == {1: "[/b]", 2: "spot 2"}


async def test_a_run_of_sampling_is_stopped_before_the_cursor_goes_elsewhere(explore):
    engine = ScriptedEngine.demo()
    app = explore(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, *BRANCHED, "B")
        engine.gate = asyncio.Event()
        await pilot.press("a", "up", "enter")
        await rest(pilot)
        assert not app.main.drawing
        engine.gate.set()
        await settle(pilot)
        assert at(app) == (0, 3)
        engine.gate.clear()
        await pilot.press("a", "escape")
        await rest(pilot)
        assert (said(app), app.screen.focused) == ("stopped by hand", app.main.tree_pane)
        engine.gate.set()
        await settle(pilot)


async def test_a_prompt_of_another_vocabulary_is_shown_and_not_entered(explore):
    models = Models("demo", lambda name: name, list, lambda name: Reversed.demo())
    app = explore(models=models)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, *BRANCHED)
        await choose(pilot, "other")
        await press(pilot, "B", "home")
        assert len(rows(app)) == 5
        assert [style for _, style in app.main.tree_pane.line(1)][3] == "cut"
        before = at(app)
        await press(pilot, "enter")
        assert "of another vocabulary" in said(app)
        await press(pilot, "delete")
        assert "of another vocabulary" in said(app)
        await press(pilot, "d")
        assert "of another vocabulary" in said(app)
        assert at(app) == before
        await press(pilot, "w")
        assert said(app) == "this is the only branch"


async def test_the_panel_of_all_settings_and_the_branches_share_a_place(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await press(pilot, "B", "c")
        assert app.main.panel.display
        assert not app.main.tree_pane.display
        await press(pilot, "B")
        assert not app.main.panel.display
        assert app.screen.focused is app.main.tree_pane


async def test_the_pane_can_be_drawn_at_every_size(explore):
    app = explore(draft="Once upon a 옛날 [/b] \x1b[31m\n\té 👩‍🚀")
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        for _ in range(6):
            await press(pilot, "enter", "left", "down", "enter")
        await press(pilot, "d", "B")
        pane = app.main.tree_pane
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await pilot.press("home", "pagedown", "end", "pageup", "k")
            await rest(pilot)
            assert len(rows(app)) == 1 + 13
            assert "\x1b" not in "".join(rows(app))
            assert all(width(line) <= max(pane.scrollable_content_region.width, 23) for line in rows(app))


def test_guides_of_a_deep_tree_are_those_around_one_row():
    line = [Run(0, [0])]
    for number in range(1, 7):
        line.append(Run(0, [number], line[-1]))
        line[-2].below = [line[-1], Run(0, [number + 10], line[-2])]
    other = [*line[:2], line[1].below[1]]
    assert [guides(line[:1], level, 3) for level in (0, 2)] == ["", "   "]
    assert [guides(line[:depth], 0, 3) for depth in (2, 3, 4, 5, 7)] == [
        "├─",
        "│ ├─",
        "│ │ ├─",
        "│ │ ⋯4 ├─",
        "│ │ ⋯6 ├─",
    ]
    assert [guides(line[:depth], 2, 3) for depth in (2, 3, 4, 6, 7)] == [
        "⋯1 ",
        "⋯2 ",
        "⋯2 ├─",
        "⋯2 │ │ ├─",
        "⋯2 │ │ ⋯6 ├─",
    ]
    assert guides(other, 0, 3) == "│ └─"
    assert [first_level(0, depth, 3) for depth in (0, 3, 4, 9)] == [0, 0, 1, 6]
    assert [first_level(5, depth, 3) for depth in (0, 3, 6, 7, 9)] == [0, 1, 4, 5, 6]
