"""WalkDesk: the desk of one walk on one engine: its tables are asked for, its runs drawn, its panes answered.

Owns the walk, the run and the background work, one exclusive worker a kind. What a command does is a function of this
desk, in `ui/actions`. Must not know what a model is made of, nor files.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.reactive import var
from textual.screen import ModalScreen

from explorer.core.chat import Chat
from explorer.core.distribution import Candidate
from explorer.core.sampling.pace import RunSettings
from explorer.core.sampling.params import Preset, all_presets
from explorer.core.walk import jumps
from explorer.core.walk.branches import Branches
from explorer.core.walk.session import Session
from explorer.core.walk.snapshot import EMPTY
from explorer.engine.base import Engine, Progress
from explorer.errors import EngineDied, ExplorerError
from explorer.ui.actions import branches, editing, knobs, loading, telling, walking
from explorer.ui.actions.loading import Loader, Models, load
from explorer.ui.command import Command
from explorer.ui.desk import Desk
from explorer.ui.drawing.progress import ProgressText
from explorer.ui.hints import Hints
from explorer.ui.keymap import Keymap
from explorer.ui.opening import Opening
from explorer.ui.repaint import FRAME, Repaint
from explorer.ui.screens.prompt import Draft
from explorer.ui.view import View
from explorer.ui.widgets.candidates import CandidatesPane
from explorer.ui.widgets.coach import CoachLine
from explorer.ui.widgets.knobs import KnobsPane
from explorer.ui.widgets.pane import Pane
from explorer.ui.widgets.panel import SamplerPanel
from explorer.ui.widgets.tree import TreePane
from explorer.walk.run import Run
from explorer.walk.walk import OpenSession, Walk
from explorer.wording import Wording

Result = TypeVar("Result")

COUNT_DIGITS = 5
"""Of a count before a key; more are not taken."""

TOGETHER = 0.05
"""Seconds that a step waits for its table: most tables come sooner, and one picture is painted instead of two."""


class WalkDesk(Desk):
    presets: var[Sequence[Preset]] = var((), init=False)
    """Those that everybody has, the model's and the person's."""

    def __init__(
        self,
        engine: Engine,
        open_session: OpenSession,
        *,
        keymap: Keymap,
        words: Wording,
        models: Models,
        presets: Sequence[Preset],
        draft: str | Chat | None,
        top: int,
        run_settings: RunSettings,
        opening: Opening,
        clock: Callable[[], float],
    ) -> None:
        self.walk = Walk(engine, open_session, draft, top, self.changed, self.warn, clock, words)
        super().__init__(self.walk, keymap, words, rows=top, digits=COUNT_DIGITS)
        self.run = Run(self.walk, run_settings)
        self.loader = Loader(models, opening.chosen)
        self.hints = Hints()
        self.unused: Draft | None = None
        """The prompt that was being written when the engine died."""
        self.unforced = ""
        """The text that was being forced then."""
        self.options = ""
        """What was compared last."""
        self.jumps = jumps.JumpSettings()
        self.tree_pane = TreePane(words, id="tree")
        self.panel = SamplerPanel(words, id="panel", classes="pane")
        self.safe = 0
        """How many events are in a copy, or were given up by a person, once the record cannot be written any more."""
        self.left_unsaved = False
        """Whether it ended with more events than that, as at a signal."""
        self._own_presets = presets
        self._asked = -1
        """The version of the walk for which a table was asked last."""
        self._together = Repaint(self, lambda: self.paint())
        self._branches: Branches | None = None
        self.progress_text = ProgressText(words)
        self.walk.report = self.progress
        self.walk.before = msgspec.structs.replace(EMPTY, params=opening.params)
        self.sampler.unknown = opening.unknown
        self.coach = CoachLine(words, opening.coached)
        engine.on_death = self.died

    def compose(self) -> ComposeResult:
        with self.panes:
            for pane in (self.text_pane, self.candidates, self.tokens):
                yield pane.data_bind(WalkDesk.snapshot, WalkDesk.view)
            yield self.tree_pane
            yield self.sampler.data_bind(WalkDesk.snapshot, WalkDesk.view, WalkDesk.presets)
            yield self.panel.data_bind(WalkDesk.snapshot, WalkDesk.presets)
        yield self.coach
        yield self.status_line.data_bind(WalkDesk.status)

    def on_mount(self) -> None:
        draft = self.walk.draft or ""
        self.text_pane.draft = draft if isinstance(draft, str) else draft.draft
        self.progress(Progress(self.words("loading.engine")))
        self.changed()
        load(self)

    async def on_unmount(self) -> None:
        self.repaint.stop()
        self.workers.cancel_node(self)
        self.walk.look_at_record()
        self.left_unsaved = self.unsaved
        self.walk.close()
        await self.walk.engine.close()

    # What it stands on.

    @property
    def session(self) -> Session:
        """There is one wherever a command needs it."""
        assert self.walk.session is not None
        return self.walk.session

    @property
    def unsaved(self) -> bool:
        """Whether something is in memory alone, though it was to be recorded, and nobody gave it up."""
        session = self.walk.session
        return bool(self.walk.unrecorded) and session is not None and self.safe < len(session.events)

    @property
    def branches(self) -> Branches:
        """As the session stands now."""
        if self._branches is None:
            self._branches = Branches(self.session)
        self._branches.update()
        return self._branches

    @property
    def selected(self) -> Candidate | None:
        """The candidate of the selected row, if its table is the cursor's: a late one means nothing."""
        current = self.candidates.snapshot.distribution is self.walk.snapshot.distribution
        return self.candidates.selected if current else None

    # Showing.

    def watch_view(self, view: View) -> None:
        self.walk.top = view.rows

    def changed(self) -> None:
        self.repaint.soon(FRAME if self.view.running else 0.0)

    def look(self) -> None:
        """Paint; where the table is on the way, a moment later together with it."""
        if self.view.running or not self.walk.tables.lacking:
            self.paint()
            return
        if self._asked != self.walk.version:
            self._asked = self.walk.version
            self.run_worker(self._fetch(), exclusive=True, group="table")
        self._together.within(TOGETHER)

    def paint(self) -> None:
        self._together.stop()
        walk = self.walk
        if walk.session is not None and not walk.alive and walk.snapshot.distribution is None and not self.loader.busy:
            self.candidates.fail(self.words("desk.no_engine"))
        super().paint()
        self.presets = all_presets(self._own_presets, walk.info.sampling_defaults if walk.info else {})
        branches.show(self)
        self.status = telling.status(self)
        if not self.coach.gone:
            self.coach.beginner = telling.beginner(self)

    def fail(self, error: ExplorerError) -> None:
        """An error: in the table's place where there is no table, else on the status line and as a notice."""
        if self.walk.session is None or self.walk.snapshot.distribution is None:
            self.candidates.fail(telling.failure(self, error))
        elif not isinstance(error, EngineDied):
            self.notify(str(error), severity="error", timeout=10, markup=False)
        self.note(str(error), "error")

    def progress(self, progress: Progress) -> None:
        loading.progressed(self, progress)

    def died(self, sentence: str) -> None:
        self.show(running=False)
        self.note(self.words("desk.died", sentence=sentence, gap=" "), "error")
        told = self.words("desk.died", sentence=sentence, gap="\n")
        self.notify(told, severity="error", timeout=15, markup=False)

    async def _fetch(self) -> None:
        try:
            await self.walk.tables.fetch()
        except ExplorerError as error:
            self.fail(error)

    # What a person wants.

    def allows(self, command: Command[Any]) -> bool:
        there = {"session": self.walk.session is not None, "engine": self.walk.alive, "selection": True}
        return all(there[need] for need in command.needs) and all(map(self.walk.answers, command.calls))

    def counting(self, count: int) -> None:
        if count:
            self.note(self.words("desk.counting", count=count))
        else:
            self.note(self.words("desk.count_begins"), "warning")

    def attempt(self, act: Callable[[], object]) -> None:
        """Do what a person wants, after stopping what runs."""
        self.stop()
        self.note("")
        try:
            act()
        except ExplorerError as error:
            self.note(str(error), "warning")

    async def ask(self, dialog: ModalScreen[Result]) -> Result | None:
        """What a person answers to a dialog; what runs is stopped before."""
        self.stop()
        return await self.app.push_screen_wait(dialog)

    @property
    def drawing(self) -> bool:
        """Whether something is being drawn; a held key draws as fast as the engine does."""
        mine = (worker for worker in self.workers if worker.node is self)
        return any(worker.group == "auto" and not worker.is_finished for worker in mine)

    def stop(self) -> bool:
        """Stop drawing between two tokens; False where no run was under way."""
        running = self.view.running
        self.workers.cancel_group(self, "auto")
        if running:
            self.show(running=False)
        return running

    # What the panes say.

    @on(CandidatesPane.Chosen)
    def _chosen(self) -> None:
        walking.add(self)

    @on(Pane.Pointed)
    def _pointed(self, message: Pane.Pointed) -> None:
        editing.point(self, message.index)

    @on(TreePane.Chosen)
    def _run_chosen(self, message: TreePane.Chosen) -> None:
        branches.go_to_run(self, message.run)

    @on(TreePane.Left)
    def _tree_left(self) -> None:
        branches.leave(self)

    @on(KnobsPane.Closed)
    def _knobs_closed(self) -> None:
        knobs.leave(self)

    @on(KnobsPane.Turned)
    def _knob_turned(self, message: KnobsPane.Turned) -> None:
        knobs.turned(self, message)

    @on(KnobsPane.Reset)
    def _knob_reset(self, message: KnobsPane.Reset) -> None:
        knobs.reset(self, message)

    @on(SamplerPanel.Entered)
    def _knob_entered(self, message: SamplerPanel.Entered) -> None:
        knobs.entered(self, message)
