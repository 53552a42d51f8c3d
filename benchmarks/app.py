"""The explorer without a terminal, as the benchmarks run it."""

import asyncio
import tempfile
from functools import partial
from pathlib import Path

from explorer.core.sampling.pace import RunSettings
from explorer.core.sampling.params import SamplingParams
from explorer.engine.base import Engine
from explorer.engine.description import ModelSettings
from explorer.engine.process.client import WorkerEngine
from explorer.ui.actions.loading import Models
from explorer.ui.app import ExplorerApp
from explorer.ui.theme import read_themes, shipped_folder
from explorer.walk import opening

SIZE = (120, 36)
"""Columns and lines of the pictures that it paints."""


def explorer_on(folder: Path, params: SamplingParams, run_settings: RunSettings | None = None) -> ExplorerApp:
    """The app on a model's folder on the CPU, with a record and the prompt "Once upon a"."""
    scratch = Path(tempfile.mkdtemp())
    settings = ModelSettings(model=str(folder), name="benchmark", device="cpu")

    def engine() -> Engine:
        return WorkerEngine(settings, scratch / "engine.log")

    return ExplorerApp(
        engine(),
        partial(opening.begin, params=params, record=scratch / "walk.jsonl"),
        models=Models("benchmark", str, list, lambda name: engine()),
        themes=read_themes([shipped_folder()])[0],
        theme="dark",
        draft="Once upon a",
        run_settings=run_settings or RunSettings(),
    )


async def table_shown(app: ExplorerApp) -> None:
    """Until the first table is on the screen."""
    while app.main.candidates.selected is None:
        await asyncio.sleep(0.05)
