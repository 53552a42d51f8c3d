from textual.app import App

from explorer.ui.widgets.list import ListPane
from explorer.ui.widgets.pane import component_classes
from tests.ui.person import rest

MANY = 100_000


class Numbers(ListPane):
    """A number a row."""

    COMPONENT_CLASSES = component_classes("head", "text", "quiet")

    def __init__(self) -> None:
        super().__init__("numbers")
        self.asked: set[int] = set()

    def head(self):
        yield "number", "head"

    def row_parts(self, row):
        self.asked.add(row)
        yield f"row {row}", "text"


class Eager(Numbers):
    HEAD = 0
    CHOOSES_AT_ONCE = True


class Listing(App[None]):
    CSS = "ListPane { border: round white; }"

    def __init__(self, pane: Numbers, count: int) -> None:
        super().__init__()
        self.pane, self.rows = pane, count
        self.happened: list[str] = []

    def compose(self):
        yield self.pane

    def on_mount(self) -> None:
        self.pane.count_rows(self.rows)

    def on_list_pane_selected(self) -> None:
        self.happened.append(f"selected {self.pane.row}")

    def on_list_pane_chosen(self) -> None:
        self.happened.append(f"chosen {self.pane.row}")


def lines(pane: Numbers) -> list[str]:
    region = pane.scrollable_content_region
    return [pane.render_line(y).text.rstrip() for y in range(region.height)]


async def test_only_the_rows_that_are_seen_are_asked_for():
    app = Listing(Numbers(), MANY)
    async with app.run_test(size=(40, 12)) as pilot:
        await rest(pilot)
        app.pane.action_end(True)
        await rest(pilot)
        assert lines(app.pane)[-1] == f"row {MANY - 1}"
        assert len(app.pane.asked) < 40


async def test_the_selection_moves_within_the_rows_and_stays_in_view():
    app = Listing(Numbers(), 30)
    async with app.run_test(size=(40, 12)) as pilot:
        await rest(pilot)
        pane = app.pane
        assert lines(pane)[:2] == ["number", "row 0"]
        for act, row in (
            (lambda: pane.action_move(-1), 0),
            (lambda: pane.action_move(3), 3),
            (lambda: pane.action_page(1), 3 + pane.scrollable_content_region.height - 1),
            (lambda: pane.action_move(100), 29),
            (lambda: pane.action_end(False), 0),
            (lambda: pane.action_end(True), 29),
        ):
            act()
            await rest(pilot)
            assert pane.row == row
            assert f"row {row}" in lines(pane)
        pane.action_end(False)
        await rest(pilot)
        assert lines(pane)[0] == "number"
        assert app.happened == [f"selected {row}" for row in (3, 12, 29, 0, 29, 0)]


async def test_the_selected_row_stays_as_far_as_it_is_there():
    app = Listing(Numbers(), 30)
    async with app.run_test(size=(40, 12)) as pilot:
        await rest(pilot)
        app.pane.action_move(20)
        app.pane.count_rows(25)
        assert app.pane.row == 20
        app.pane.count_rows(5)
        assert app.pane.row == 4
        app.pane.count_rows(0)
        app.pane.action_move(1)
        assert app.pane.row == 0


async def test_a_click_selects_a_row_and_a_second_one_chooses_it():
    app = Listing(Numbers(), 30)
    async with app.run_test(size=(40, 12)) as pilot:
        await rest(pilot)
        await pilot.click(app.pane, offset=(5, 4))
        assert app.happened == ["selected 2"]
        await pilot.click(app.pane, offset=(5, 6), times=2)
        assert app.happened == ["selected 2", "selected 4", "chosen 4"]


async def test_no_row_is_under_the_head_the_frame_or_what_is_below_the_last_row():
    app = Listing(Numbers(), 3)
    async with app.run_test(size=(40, 12)) as pilot:
        await rest(pilot)
        app.pane.action_move(1)
        for place in ((5, 0), (0, 2), (5, 1), (5, 8)):
            await pilot.click(app.pane, offset=place, times=2)
        assert app.pane.row == 1
        assert "chosen 1" not in app.happened


async def test_where_one_click_is_enough_it_chooses():
    app = Listing(Eager(), 30)
    async with app.run_test(size=(40, 12)) as pilot:
        await rest(pilot)
        await pilot.click(app.pane, offset=(5, 3))
        await rest(pilot)
        assert app.happened == ["selected 2", "chosen 2"]
