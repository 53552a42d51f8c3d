"""An explorer on the scripted engine: the whole program but for the model and the terminal."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from explorer.core.sampling.stopping import StopRules
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.ui.app import ExplorerApp
from tests import explorers


@pytest.fixture
def explore(tmp_path: Path) -> Callable[..., ExplorerApp]:
    """Builds the app; its clock gives 5 ms a look, so that pictures of it are the same."""

    def build(engine: ScriptedEngine | None = None, *, max_new_tokens: int = 32, **settings) -> ExplorerApp:
        ticks = count()
        usual = {"record": tmp_path / "walk.jsonl", "clock": lambda: next(ticks) * 0.005}
        return explorers.build(engine, rules=StopRules(max_new_tokens=max_new_tokens), **{**usual, **settings})

    return build
