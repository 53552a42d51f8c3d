"""FilesEngine: a model's files without the model. Once it has started they are here, and look like a model's.

It answers no call: it is there because a download is stopped by ending its process. Must not know torch.
"""

import asyncio

from explorer.engine.base import Engine, Reporter, silent
from explorer.engine.description import EngineInfo, ModelSettings
from explorer.engine.files import places
from explorer.engine.files.fitness import check_fitness


class FilesEngine(Engine):
    def __init__(self, settings: ModelSettings) -> None:
        self.settings = settings

    async def start(self, report: Reporter = silent) -> EngineInfo:
        revision = await asyncio.to_thread(self._find, report)
        self.info = EngineInfo(
            model=self.settings.name,
            revision=revision,
            architecture="",
            dtype="",
            device="",
            vocab_size=0,
            context_length=None,
            eos_ids=[],
            tokenizer="",
            loaded_with=self.settings.special(),
            answers=self.answered(),
        )
        return self.info

    async def close(self) -> None:
        """There is nothing to let go of."""

    def _find(self, report: Reporter) -> str | None:
        """The commit of what was asked for: of the adapter, where it is one alone, whose base model is found too."""
        settings = self.settings
        found = places.find(settings, report)
        check_fitness(found.place, found.name, settings.allow_pickle)
        if found.name == settings.name:
            return found.revision
        return found.adapter.revision if found.adapter is not None else None
