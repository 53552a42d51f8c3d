"""Loading: the actions that start the engine, stop that, and open another model.

Owns the going over from one model to another, and back where that fails. Must not know how a model is loaded.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual import work
from textual.screen import Screen

from explorer.engine.base import Engine
from explorer.engine.description import ModelEntry
from explorer.errors import ExplorerError
from explorer.ui.screens.models import ModelsScreen
from explorer.ui.widgets.candidates import CandidatesPane
from explorer.ui.widgets.status import Severity
from explorer.walk.walk import Walk

STOPPED = "Loading was stopped.\n\nR starts it again · m opens another model · Ctrl+Q quits"


@dataclass(frozen=True, slots=True)
class Models:
    """How models are found and opened; given by whoever puts the program together."""

    current: str
    """The name of the model to begin with, as the program knows it."""
    label: Callable[[str], str]
    """What a model is called on the screen."""
    listed: Callable[[], Sequence[ModelEntry]]
    """Those on this machine; reads the disk."""
    engine: Callable[[str], Engine]
    """An engine, not yet started, for a name. Raises ModelError for a name that cannot be one."""


class Loading(Screen[None]):
    """A screen that has a walk, whose engine is started in the background."""

    walk: Walk
    candidates: CandidatesPane
    models: Models
    model: str
    """The name of the present model."""
    fault: ExplorerError | None = None
    """Why there is no session, where there is none."""
    loading = False
    opening = ""
    """What is said when the engine runs for the first time."""
    _given_up = False

    def note(self, sentence: str, severity: Severity = "note") -> None:
        raise NotImplementedError

    def fail(self, error: ExplorerError) -> None:
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self._changing = asyncio.Lock()
        """Held while the engine changes: what is given up cleans up before its successor begins."""
        self._given_up = False
        self._switching = False

    @work(exclusive=True, group="load")
    async def load(self, said: str = "", severity: Severity = "note") -> None:
        """Start the engine, and say something when it runs."""
        async with self._changing:
            self.loading = True
            try:
                await self.walk.open()
                self.fault = None
            except ExplorerError as error:
                if self.walk.session is None:
                    self.fault = error
                self.fail(error)
            else:
                self.note(said or self.opening, severity)
                self.opening = ""
            finally:
                self.loading = False
        self.refresh_bindings()

    def action_restart(self) -> None:
        self.stop_run()
        self.candidates.message = "starting the engine …"
        self.note("starting the engine …")
        self.load()

    def stop_run(self) -> bool:
        raise NotImplementedError

    def stop_loading(self) -> bool:
        """Stop what loads; False where nothing does."""
        if not self.loading:
            return False
        self._given_up = True
        self.workers.cancel_group(self, "load")
        if self.walk.session is None:
            self.candidates.fail(STOPPED)
        going_back = self._switching and self.walk.session is not None
        way = f"going back to {self.models.label(self.model)} …" if going_back else "R starts the engine"
        self.note(f"loading was stopped; {way}", "warning")
        return True

    @work(exclusive=True, group="model")
    async def action_model(self) -> None:
        self.stop_run()
        entries = await asyncio.to_thread(self.models.listed)
        name = await self.app.push_screen_wait(ModelsScreen(entries, self.model))
        if name is None or name == self.model:
            return
        try:
            engine = self.models.engine(name)
        except ExplorerError as error:
            self._tell(error)
        else:
            self.switch(name, engine)

    @work(exclusive=True, group="load")
    async def switch(self, name: str, engine: Engine) -> None:
        """Open another model and go on there with the text; where that fails, with the present one again."""
        async with self._changing:
            before, label = self.models.label(self.model), self.models.label(name)
            first = self.walk.session is None
            self.loading, self._given_up, self._switching = True, False, True
            self.note(f"opening {label} …")
            try:
                await self.walk.switch(engine)
            except asyncio.CancelledError:
                if self._given_up and not first:
                    self.load(f"stopped; {before} goes on", "warning")
                raise
            except ExplorerError as error:
                self._not_opened(error, first)
                return
            finally:
                self.loading = self._switching = False
            self.model, self.fault = name, None
            self.note("" if first else f"the walk on {before} is in the record; {label} goes on with the text")
        self.refresh_bindings()

    def _not_opened(self, error: ExplorerError, first: bool) -> None:
        if first:
            self.fault = error
            self.fail(error)
            return
        self._tell(error)
        self.load(str(error), "error")

    def _tell(self, error: ExplorerError) -> None:
        self.notify(str(error), severity="error", timeout=15, markup=False)
        self.note(str(error), "error")
