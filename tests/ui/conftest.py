"""An explorer on the scripted engine: the whole program but for the model and the terminal."""

from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from explorer.core.sampling.pace import RunSettings
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.ui.actions.loading import Models
from explorer.ui.app import ExplorerApp
from explorer.ui.theme import read_themes, shipped_folder
from explorer.walk import opening

SIZES = [(120, 36), (80, 24)]


@pytest.fixture
def explore(tmp_path: Path) -> Callable[..., ExplorerApp]:
    """Builds the app as the command line does; its clock gives 5 ms a look, so that pictures of it are the same."""

    def build(engine: ScriptedEngine | None = None, **settings) -> ExplorerApp:
        rules = StopRules(max_new_tokens=settings.pop("max_new_tokens", 32))
        params = settings.pop("params", SamplingParams(seed=1))
        record = settings.pop("record", tmp_path / "walk.jsonl")
        open_session = settings.pop("open_session", partial(opening.begin, params=params, record=record))
        ticks = count()
        models = Models("demo", lambda name: name, list, lambda name: ScriptedEngine.demo())
        defaults = {"models": models, "draft": "Once upon a", "theme": "dark", "run_settings": RunSettings(rules=rules)}
        return ExplorerApp(
            engine or ScriptedEngine.demo(),
            open_session,
            themes=read_themes([shipped_folder()])[0],
            clock=lambda: next(ticks) * 0.005,
            **{**defaults, **settings},
        )

    return build
