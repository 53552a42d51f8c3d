"""What changes how a walk is shown, and nothing of the walk itself; a replay has it too."""

from explorer.ui.desk import Desk
from explorer.ui.drawing.heat import HEAT_METRICS
from explorer.ui.view import TOKEN_VIEWS

ROW_STEPS = (5, 10, 20, 30, 50, 100, 200, 500)


def row_up(desk: Desk) -> None:
    desk.candidates.action_move(-1)


def row_down(desk: Desk) -> None:
    desk.candidates.action_move(1)


def fewer_rows(desk: Desk) -> None:
    _list_rows(desk, next((n for n in reversed(ROW_STEPS) if n < desk.view.rows), ROW_STEPS[0]))


def more_rows(desk: Desk) -> None:
    _list_rows(desk, next((n for n in ROW_STEPS if n > desk.view.rows), ROW_STEPS[-1]))


def _list_rows(desk: Desk, rows: int) -> None:
    desk.show(rows=rows)
    desk.note(desk.words("view.rows", rows=rows))


def token_view(desk: Desk) -> None:
    desk.show(tokens=TOKEN_VIEWS[(TOKEN_VIEWS.index(desk.view.tokens) + 1) % len(TOKEN_VIEWS)])


def cumulative(desk: Desk) -> None:
    desk.show(cumulative=not desk.view.cumulative)


def heat(desk: Desk) -> None:
    desk.show(heat=HEAT_METRICS[(HEAT_METRICS.index(desk.view.heat) + 1) % len(HEAT_METRICS)])


def scroll_up(desk: Desk) -> None:
    for pane in (desk.text_pane, desk.tokens):
        pane.scroll_page_up(animate=False)


def scroll_down(desk: Desk) -> None:
    for pane in (desk.text_pane, desk.tokens):
        pane.scroll_page_down(animate=False)
