"""FilesEngine: a model's files without the model. Once it has started they are here, and look like a model's.

It answers no call: it is there because a download is stopped by ending its process. Must not know torch.
"""

import asyncio

from explorer.engine.base import Engine, Reporter, silent
from explorer.engine.description import EngineInfo, ModelSettings
from explorer.engine.files import hub
from explorer.engine.files.fitness import check_fitness


class FilesEngine(Engine):
    def __init__(self, settings: ModelSettings) -> None:
        self.settings = settings

    async def start(self, report: Reporter = silent) -> EngineInfo:
        revision = await asyncio.to_thread(self._locate, report)
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

    def _locate(self, report: Reporter) -> str | None:
        settings = self.settings
        folder, revision = hub.locate(
            settings.model,
            report,
            revision=settings.revision,
            allow_pickle=settings.allow_pickle,
            remote_code=settings.trust_remote_code,
        )
        check_fitness(folder, settings.name, settings.allow_pickle)
        return revision
