"""View: the actions that change how a walk is shown, and nothing of the walk itself."""

from textual.screen import Screen

from explorer.ui.drawing.heat import HEAT_METRICS, legend
from explorer.ui.widgets.candidates import CandidatesPane
from explorer.ui.widgets.status import Severity
from explorer.ui.widgets.text import TextPane
from explorer.ui.widgets.tokens import VIEWS, TokensPane

ROW_STEPS = (5, 10, 20, 30, 50, 100, 200, 500)


class View(Screen[None]):
    """The part of a screen with these panes that shows them in other ways."""

    text_pane: TextPane
    candidates: CandidatesPane
    tokens: TokensPane

    def note(self, sentence: str, severity: Severity = "note") -> None:
        raise NotImplementedError

    def action_fewer_rows(self) -> None:
        self.list_rows(next((n for n in reversed(ROW_STEPS) if n < self.candidates.top), ROW_STEPS[0]))

    def action_more_rows(self) -> None:
        self.list_rows(next((n for n in ROW_STEPS if n > self.candidates.top), ROW_STEPS[-1]))

    def list_rows(self, rows: int) -> None:
        """List as many tokens."""
        self.candidates.top = rows
        self.note(f"{rows} rows")

    def action_token_view(self) -> None:
        view = VIEWS[(VIEWS.index(self.tokens.view) + 1) % len(VIEWS)]
        self.tokens.view = self.candidates.view = view

    def action_heat(self) -> None:
        metric = HEAT_METRICS[(HEAT_METRICS.index(self.text_pane.heat) + 1) % len(HEAT_METRICS)]
        self.text_pane.heat = metric
        self.text_pane.border_subtitle = legend(metric) if metric else ""

    def action_scroll_up(self) -> None:
        for pane in (self.text_pane, self.tokens):
            pane.scroll_page_up(animate=False)

    def action_scroll_down(self) -> None:
        for pane in (self.text_pane, self.tokens):
            pane.scroll_page_down(animate=False)

    def action_cumulative(self) -> None:
        self.candidates.cumulative = not self.candidates.cumulative
