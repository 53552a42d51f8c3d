"""VocabularyEngine: a tokenizer without its model. It answers what is asked of texts, ids and chats alone.

Owns how long a piece of that work may take. Nothing but the tokenizer's files is looked for. Must not know processes,
nor import torch.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.core.token import Token
from explorer.engine import calls
from explorer.engine.base import Engine, Progress, Reporter, silent
from explorer.engine.calls import RenderedChat
from explorer.engine.description import EngineInfo, ModelSettings
from explorer.engine.files.fitness import check_tokenizer
from explorer.engine.files.places import find_tokenizer
from explorer.engine.libraries import importing
from explorer.engine.vocabulary.cutting import Cut, CutText, CutToken
from explorer.engine.vocabulary.faults import failing_library, why_no_tokenizer
from explorer.engine.vocabulary.unfolding import unfolded
from explorer.engine.vocabulary.vocabulary import Vocabulary
from explorer.errors import ModelError

if TYPE_CHECKING:
    from explorer.engine.vocabulary.chat import ChatTemplate

LOADING = 60.0
"""Seconds of a processor to read a tokenizer; the largest, of 262,000 entries out of a sentencepiece file, takes 20."""

ENCODING, CHARACTERS = 10.0, 20_000
"""Seconds of a processor to encode or render, and one more for so many characters; a slow tokenizer takes a tenth."""

Allow = Callable[[float], None]
"""Takes how many seconds of a processor the work that follows may take; a process that takes more is ended."""


class VocabularyEngine(Engine):
    """A tokenizer that stands for itself is read without transformers, which takes a second to import."""

    def __init__(self, settings: ModelSettings, allow: Allow = lambda seconds: None) -> None:
        self.settings = settings
        self._allow = allow
        self._template: Callable[[], ChatTemplate]

    async def start(self, report: Reporter = silent) -> EngineInfo:
        # In a thread: what waits for the hub, or reads for long, does not hide that the parent is gone.
        self._vocabulary, revision = await asyncio.to_thread(self._read, report)
        self.info = EngineInfo(
            model=self.settings.name,
            revision=revision,
            architecture="",
            dtype="",
            device="cpu",
            vocab_size=len(self._vocabulary),
            context_length=None,
            eos_ids=[],
            tokenizer="",  # Nothing is recorded on it, and the fingerprint takes a quarter of a second.
            special_tokens=self._vocabulary.special_ids,
            loaded_with=self.settings.special(),
            answers=self.answered(),
        )
        return self.info

    async def close(self) -> None:
        """There is nothing to let go of."""

    def _read(self, report: Reporter) -> tuple[Vocabulary, str | None]:
        settings = self.settings
        place, revision = find_tokenizer(settings, report)
        self._allow(LOADING)
        check_tokenizer(place, settings.name)
        folder, _ = unfolded(place, whole=False)
        report(Progress("reading the tokenizer"))
        with failing_library(lambda error: ModelError(why_no_tokenizer(folder, settings.name, error))):
            vocabulary = Vocabulary.from_folder(folder, settings.bos)
        if vocabulary is not None:
            self._template = partial(read_template, folder, vocabulary, settings.name)
            return vocabulary, revision
        with importing():
            from explorer.engine.vocabulary.reading import read_tokenizer
        read = read_tokenizer(folder, settings.name, trust_remote_code=settings.trust_remote_code, bos=settings.bos)
        self._template = lambda: read.template
        return read.vocabulary, revision

    def _allow_for(self, length: int) -> None:
        self._allow(ENCODING + length / CHARACTERS)

    async def answer_encode(self, call: calls.Encode, _report: Reporter) -> list[Token]:
        self._allow_for(len(call.text))
        if not call.first:
            return [self._vocabulary.token(token_id) for token_id in self._vocabulary.continuation(call.text)]
        return self._vocabulary.tokens(self._vocabulary.encode(call.text, call.special_tokens))

    async def answer_cut(self, call: Cut, _report: Reporter) -> CutText:
        self._allow_for(2 * len(call.text))
        ids = self._vocabulary.encode(call.text, call.special_tokens)
        spans = self._vocabulary.spans(call.text, ids)
        tokens = [CutToken(token, *span) for token, span in zip(self._vocabulary.tokens(ids), spans, strict=True)]
        return CutText(self._vocabulary.kind, len(self._vocabulary), tokens)

    async def answer_describe(self, call: calls.Describe, _report: Reporter) -> list[Token]:
        self._allow_for(len(call.ids))
        return self._vocabulary.tokens(call.ids)

    async def answer_render_chat(self, call: calls.RenderChat, _report: Reporter) -> RenderedChat:
        self._allow(LOADING)
        return self._template().render(call.messages, call.options)


def read_template(folder: Path, vocabulary: Vocabulary, name: str) -> "ChatTemplate":
    """The chat template of a tokenizer that stands for itself; transformers is imported for it. Raises ModelError."""
    with importing():
        from explorer.engine.vocabulary.chat import ChatTemplate
    return ChatTemplate.from_folder(folder, vocabulary, name)
