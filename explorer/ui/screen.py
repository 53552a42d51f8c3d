"""MainScreen: the panes, and what happens when a person wants something.

Owns the layout and the background work: one exclusive worker a kind (load, table, auto). An intent becomes a call of
the Walk; its snapshot goes to the panes. Must not know what a model is made of, nor files.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.getters import query_one
from textual.timer import Timer
from textual.widgets import Footer

from explorer.core.chat import Chat
from explorer.core.distribution import Candidate
from explorer.core.record.journal import write_copy
from explorer.core.sampling.pace import RunSettings
from explorer.core.sampling.params import Preset
from explorer.engine.base import Engine, Progress
from explorer.errors import ContextFull, EngineDied, ExplorerError, OutOfMemory, RecordError, UsageError
from explorer.ui.actions.asking import Asking
from explorer.ui.actions.branches import Branching
from explorer.ui.actions.editing import Editing
from explorer.ui.actions.knobs import Knobs
from explorer.ui.actions.loading import Models
from explorer.ui.actions.prompts import Prompts
from explorer.ui.actions.view import View
from explorer.ui.commands import COMMANDS, bindings, latin_keys
from explorer.ui.drawing.progress import ProgressText
from explorer.ui.screens.help import HelpScreen
from explorer.ui.screens.save import SaveScreen
from explorer.ui.widgets.candidates import CandidatesPane
from explorer.ui.widgets.panel import SamplerPanel
from explorer.ui.widgets.sampler import SamplerPane
from explorer.ui.widgets.status import Severity, Status, StatusLine
from explorer.ui.widgets.text import TextPane
from explorer.ui.widgets.tokens import TokensPane
from explorer.ui.widgets.tree import TreePane
from explorer.walk.run import Run
from explorer.walk.walk import OpenSession, Walk

TOGETHER = 0.05
"""Seconds that a step waits for its table: most tables come sooner, and one picture is painted instead of two."""

NEEDS_SESSION = {command.id for command in COMMANDS if command.group in ("Walk", "Sampler", "Tree")} - {
    "prompt",
    "stop",
} | {"save"}


class MainScreen(Editing, Knobs, Branching, View, Prompts, Asking):
    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]
    AUTO_FOCUS = ""

    text_pane = query_one("#text", TextPane)
    candidates = query_one("#candidates", CandidatesPane)
    tokens = query_one("#tokens", TokensPane)
    tree_pane = query_one("#tree", TreePane)
    sampler = query_one("#sampler", SamplerPane)
    panel = query_one(SamplerPanel)
    status_line = query_one(StatusLine)

    def __init__(
        self,
        engine: Engine,
        open_session: OpenSession,
        *,
        models: Models,
        presets: Sequence[Preset],
        draft: str | Chat,
        top: int,
        run_settings: RunSettings,
        hint: str,
        clock: Callable[[], float],
    ) -> None:
        super().__init__()
        self.walk = Walk(engine, open_session, draft, top, self.show, self.warn, clock)
        self.run = Run(self.walk, run_settings)
        self.models, self.model = models, models.current
        self.own_presets = presets
        self._hint = hint
        self._note: tuple[str, Severity] = ("", "note")
        self._late: Timer | None = None
        self._safe = 0
        """How many events are in a copy, or were given up by a person, once the record cannot be written any more."""
        self._progress = ProgressText()
        engine.on_progress = self.progress
        engine.on_death = self.died

    def compose(self) -> ComposeResult:
        with Container(id="panes"):
            yield TextPane(id="text")
            yield CandidatesPane(id="candidates")
            yield TokensPane(id="tokens")
            yield TreePane(id="tree")
            yield SamplerPane(id="sampler")
            yield SamplerPanel(id="panel", classes="pane")
        yield StatusLine()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        draft = self.walk.draft
        self.text_pane.draft = draft if isinstance(draft, str) else draft.draft
        self.text_pane.border_subtitle = self._hint
        self.candidates.message = "starting the engine …"
        self.candidates.top = self.walk.top
        self.show()
        self.load()

    async def on_unmount(self) -> None:
        self.walk.changed = lambda: None
        if self._late is not None:
            self._late.stop()
        self.workers.cancel_all()
        self.walk.close()
        await self.walk.engine.close()

    # Showing.

    def show(self) -> None:
        """Show the walk as it stands; where its table is on the way, a moment later together with it."""
        if self._late is not None:
            self._late.stop()
            self._late = None
        lost = self.walk.session is not None and not self.walk.alive and self.walk.snapshot.distribution is None
        if lost and not self.loading:
            self.candidates.fail("The engine is not running.\n\nR starts it again; your walk is kept.")
        if self.walk.lacks_table() and not self.sampler.auto:
            self._late = self.set_timer(TOGETHER, self.paint)
            self.fetch()
        else:
            self.paint()

    def paint(self) -> None:
        """Hand the snapshot to the panes."""
        snapshot = self.walk.snapshot
        for pane in (self.text_pane, self.candidates, self.tokens):
            pane.snapshot = snapshot
        self.show_knobs(snapshot)
        self.show_branches()
        info, speed = self.walk.info, self.walk.speed
        note, severity = self._note
        if not note:
            note, severity = self.walk.unrecorded or self.walk.ending, "warning"
        self.status_line.status = Status(
            model=self.models.label(self.model),
            dtype=info.dtype if info else "",
            device=info.device if info else "",
            used=len(snapshot.path),
            context_length=info.context_length if info else None,
            step_ms=speed.step_ms,
            rate=speed.rate,
            note=note,
            severity=severity,
        )

    def note(self, sentence: str, severity: Severity = "note") -> None:
        self._note = (sentence, severity)
        self.show()

    def warn(self, sentence: str) -> None:
        """A sentence that must not be overlooked, in full."""
        self.notify(sentence, severity="warning", timeout=15, markup=False)

    def fail(self, error: ExplorerError) -> None:
        """An error: in the table's place where there is no table, else on the status line and as a notice."""
        if self.walk.session is None or self.walk.snapshot.distribution is None:
            self.candidates.fail(f"{error}\n\n{self._way_out(error)}".rstrip())
        elif not isinstance(error, EngineDied):
            self.notify(str(error), severity="error", timeout=10, markup=False)
        self.note(str(error), "error")

    def _way_out(self, error: ExplorerError) -> str:
        """What a person can do about it here."""
        tail = error.log_tail if isinstance(error, EngineDied) else ""
        log = f"The last lines of its log:\n{tail}\n\n" if tail else ""
        if isinstance(error, RecordError):
            return "Ctrl+Q quits · --record PATH names another file, --no-record none"
        if self.walk.alive and isinstance(error, UsageError | ContextFull | OutOfMemory):
            return "i edits the prompt · m opens another model · Ctrl+Q quits"
        return f"{log}R starts the engine again · m opens another model · Ctrl+Q quits"

    def progress(self, progress: Progress) -> None:
        self.candidates.message = self._progress.text(progress)

    def died(self, sentence: str) -> None:
        self.sampler.auto = False
        self.note(f"{sentence} R starts it again; nothing is lost.", "error")
        self.notify(f"{sentence}\nR starts it again; nothing is lost.", severity="error", timeout=15, markup=False)

    # Background work.

    @work(exclusive=True, group="table")
    async def fetch(self) -> None:
        try:
            await self.walk.table()
        except ExplorerError as error:
            self.fail(error)

    # Walking.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What needs a session is greyed out until there is one."""
        del parameters
        if self.walk.session is None and action in NEEDS_SESSION:
            return None
        return True if action != "prompt" or self.walk.alive else None

    def on_key(self, event: events.Key) -> None:
        keys = latin_keys(event.character or "")
        if keys:
            event.stop()
            for key in keys:
                self.app.simulate_key(key)
        else:
            self.take_digit(event)

    def _attempt(self, act: Callable[[], object]) -> None:
        """Do what a person wants, after stopping what runs."""
        self.stop_run()
        self._note = ("", "note")
        try:
            act()
        except ExplorerError as error:
            self.note(str(error), "warning")

    def action_row_up(self) -> None:
        self.candidates.move(-1)

    def action_row_down(self) -> None:
        self.candidates.move(1)

    def action_add(self) -> None:
        self._add(self.candidates.selected)

    @on(CandidatesPane.Chosen)
    def chosen(self, message: CandidatesPane.Chosen) -> None:
        self._add(message.candidate)

    def _add(self, candidate: Candidate | None) -> None:
        """Add what a person saw; while its table is not that of the cursor any more, a key means nothing."""
        current = self.candidates.snapshot.distribution is self.walk.snapshot.distribution
        if candidate is not None and current:
            self._attempt(lambda: self.walk.add(candidate))

    def action_back(self) -> None:
        def back() -> None:
            if not self.walk.back():
                self._note = ("this is the prompt; i edits it", "note")
                self.show()

        self._attempt(back)

    def prompted(self) -> None:
        self.note("")

    def list_rows(self, rows: int) -> None:
        self.walk.top = rows
        super().list_rows(rows)

    # The session.

    @work(exclusive=True, group="save")
    async def action_save(self) -> None:
        session = self.walk.session
        assert session is not None

        async def save(path: Path) -> None:
            happened = list(session.events)
            # In a thread: a long walk takes seconds. What happens meanwhile is not of the copy.
            await asyncio.to_thread(write_copy, path, session.header, happened)
            self._safe = len(happened)

        proposed = f"walk-{datetime.now():%Y%m%d-%H%M%S}.jsonl"
        path = await self.app.push_screen_wait(SaveScreen(proposed, save))
        if path is not None:
            self.note(f"saved as {path}")

    def action_help(self) -> None:
        self.app.push_screen(HelpScreen())

    def action_palette(self) -> None:
        self.app.action_command_palette()

    def action_quit(self) -> None:
        """Leave; where that loses something, say so first."""
        happened = len(self.walk.session.events) if self.walk.session is not None else 0
        if self.walk.unrecorded and self._safe < happened:
            self._safe = happened
            self.note("the walk is not saved: x saves a copy, Ctrl+Q again quits without", "warning")
            return
        self.app.exit()
