"""What starts the engine, stops that, and opens another model.

Owns the going over from one model to another, and back where that fails. Must not know how a model is loaded.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.core.record.events import Params
from explorer.engine.base import Engine, Progress
from explorer.engine.description import ModelEntry
from explorer.errors import ExplorerError
from explorer.ui.actions import telling
from explorer.ui.actions.telling import welcome
from explorer.ui.actions.walking import note_prompt, write_first
from explorer.ui.screens.models import ModelsScreen
from explorer.ui.view import Severity
from explorer.walk.beginning import switch
from explorer.walk.first_look import first_params

if TYPE_CHECKING:
    from explorer.ui.walk_desk import WalkDesk


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


class Loader:
    """How a desk stands with its engine."""

    def __init__(self, models: Models, settings_chosen: bool) -> None:
        self.models = models
        self.settings_chosen = settings_chosen
        """Whether a person chose settings of the sampler; else each model brings those that suit it."""
        self.met = set[str]()
        """The names of the models that were open in this run."""
        self.model = models.current
        """The name of the present model."""
        self.busy = False
        """Whether an engine is being started."""
        self.fault: ExplorerError | None = None
        """Why there is no session, where there is none."""
        self.changing = asyncio.Lock()
        """Held while the engine changes: what is given up cleans up before its successor begins."""
        self.given_up = False
        """Whether a person stopped what loads."""
        self.switching = False
        """Whether what loads is another model."""

    @property
    def label(self) -> str:
        return self.models.label(self.model)


def load(desk: "WalkDesk", words: str = "", severity: Severity = "note") -> None:
    """Start the engine in the background, and say something when it runs."""
    desk.loader.busy = True  # From now on, and not from when the work begins: a key may come between.
    desk.run_worker(_load(desk, words, severity), exclusive=True, group="load")


async def _load(desk: "WalkDesk", words: str, severity: Severity) -> None:
    loader = desk.loader
    async with loader.changing:
        loader.busy = True
        try:
            await desk.walk.open()
            loader.fault = None
        except ExplorerError as error:
            if desk.walk.session is None:
                loader.fault = error
            desk.fail(error)
        else:
            if words:
                desk.note(words, severity)
            elif desk.walk.session is not None:
                await note_prompt(desk)
            _greet(desk)
        finally:
            loader.busy = False
    desk.screen.refresh_bindings()


def progressed(desk: "WalkDesk", progress: Progress) -> None:
    """Tell how far it is: in place of the table, and on the status line where a table is there still."""
    desk.candidates.message = telling.loading(desk, progress)
    if desk.loader.busy and desk.walk.session is not None:
        share = f"{progress.done / progress.total:.0%} · " if progress.total else ""
        desk.note(desk.words("loading.under_way", share=share, stage=progress.stage))


def restart(desk: "WalkDesk") -> None:
    desk.stop()
    desk.progress(Progress(desk.words("loading.engine")))
    desk.note(desk.words("loading.starting"))
    load(desk)


def stop(desk: "WalkDesk") -> bool:
    """Stop what loads; False where nothing does."""
    loader = desk.loader
    if not loader.busy:
        return False
    loader.given_up = True
    desk.workers.cancel_group(desk, "load")
    if desk.walk.session is None:
        desk.candidates.fail(desk.words("loading.stopped"))
    going_back = loader.switching and desk.walk.session is not None
    name = "loading.going_back" if going_back else "loading.given_up"
    desk.note(desk.words(name, model=loader.label), "warning")
    return True


async def choose_model(desk: "WalkDesk") -> None:
    """Open another model and go on there with the text."""
    desk.stop()
    models, present = desk.loader.models, desk.loader.model
    entries = await asyncio.to_thread(models.listed)
    name = await desk.ask(ModelsScreen(desk.words, entries, present))
    if name is None or name == present:
        return
    try:
        engine = models.engine(name)
    except ExplorerError as error:
        _tell(desk, error)
    else:
        desk.run_worker(_switch(desk, name, engine), exclusive=True, group="load")


async def _switch(desk: "WalkDesk", name: str, engine: Engine) -> None:
    """Go over to another model; where that fails, to the present one again."""
    loader = desk.loader
    async with loader.changing:
        before, label = loader.label, loader.models.label(name)
        first = desk.walk.session is None
        loader.busy, loader.given_up, loader.switching = True, False, True
        desk.note(desk.words("loading.opening", model=label))
        try:
            await switch(desk.walk, engine)
        except asyncio.CancelledError:
            if loader.given_up and not first:
                load(desk, desk.words("loading.goes_on", model=before), "warning")
            raise
        except ExplorerError as error:
            _not_opened(desk, error, first)
            return
        finally:
            loader.busy = loader.switching = False
        loader.model, loader.fault = name, None
        if not first:
            _bring_settings(desk)
            desk.note(desk.words("loading.opened", before=before, model=label))
        elif desk.walk.session is not None:
            await note_prompt(desk)
        _greet(desk)
    desk.screen.refresh_bindings()


def _bring_settings(desk: "WalkDesk") -> None:
    """Where nobody chose settings, take those that suit the model."""
    session = desk.walk.session
    if session is not None and not desk.loader.settings_chosen:
        suited = first_params(desk.loader.model).replace(seed=session.params.seed)
        if suited != session.params:
            desk.walk.apply(Params.of(suited))


def _greet(desk: "WalkDesk") -> None:
    """What a model that is open wants: what is not as a person would expect is said, and a chat is written."""
    for sentence in desk.walk.info.warnings if desk.walk.info else ():
        desk.warn(sentence)
    welcome(desk)
    have_written(desk)


def have_written(desk: "WalkDesk") -> None:
    """Ask for the chat that the walk waits for, unless another dialog has the keys: then once that is left."""
    if desk.walk.to_write is not None and desk.walk.alive and desk.app.screen is desk.screen:
        desk.run_worker(write_first(desk), exclusive=True, group="prompt")


def _not_opened(desk: "WalkDesk", error: ExplorerError, first: bool) -> None:
    if first:
        desk.loader.fault = error
        desk.fail(error)
        return
    _tell(desk, error)
    load(desk, str(error), "error")


def _tell(desk: "WalkDesk", error: ExplorerError) -> None:
    desk.notify(str(error), severity="error", timeout=15, markup=False)
    desk.note(str(error), "error")
