"""Which engine a configuration means, and how it is asked once.

Owns the folder of the model that ships, the log files, and the way without torch for what needs a tokenizer only. Part
of the composition root: every heavy import is lazy.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

import explorer.embedded
from explorer.cli.output import overwrite, waiting_for
from explorer.config import EMBEDDED, Config, log_folder, memory_by_device
from explorer.core.chat import Chat, PromptSource
from explorer.core.moment import now
from explorer.core.reading import is_there, path_of, read_json, read_text
from explorer.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from explorer.core.token import Token
    from explorer.engine.base import Engine, Progress, RenderedChat, Reporter
    from explorer.engine.description import ModelEntry, ModelSettings
    from explorer.engine.vocabulary.vocabulary import Vocabulary

Answer = TypeVar("Answer")

DEVICE_MAPS = ("auto", "balanced", "balanced_low_0", "sequential")
"""The strategies of accelerate that place modules on devices by themselves."""

LOGS_KEPT = 20
"""Log files of engines; an empty one is removed at the end."""


def embedded_folder() -> Path:
    """The model that ships."""
    return Path(explorer.embedded.__file__).parent


def model_settings(config: Config) -> "ModelSettings":
    """What the engine loads; a folder is named by its whole path, so that a record finds it from anywhere."""
    from explorer.engine.description import ModelSettings

    folder = path_of(config.model)
    if config.model == EMBEDDED:
        model, name = str(embedded_folder()), EMBEDDED
    else:
        model = name = str(folder.resolve()) if folder.is_dir() else config.model
    return ModelSettings(
        model=model,
        name=name,
        revision=config.revision,
        device=config.device,
        dtype=config.dtype,
        device_map=read_device_map(config.device_map) if config.device_map is not None else None,
        max_memory=memory_by_device(config.max_memory) if config.max_memory is not None else {},
        offload_folder=config.offload_folder,
        quantize=config.quantize,
        allow_pickle=config.allow_pickle,
        trust_remote_code=config.trust_remote_code,
        bos=config.bos,
    )


def read_device_map(said: str) -> str | dict[str, str]:
    """One of accelerate's strategies, or the map in a JSON file: module -> device. Raises UsageError."""
    if said in DEVICE_MAPS:
        return said
    file = path_of(said)
    if not is_there(file):
        raise UsageError(f"device-map is one of {', '.join(DEVICE_MAPS)}, or a JSON file; there is no {said}.")
    placed = read_json(read_text(file, said, partial(waiting_for, said)), f"The device map {said}")
    devices = placed.values() if isinstance(placed, dict) else []
    if not devices or not all(isinstance(device, str | int) for device in devices):
        raise UsageError(
            f'The device map {said} must map modules to devices: {{"model.layers.0": 0, "lm_head": "cpu"}}.'
        )
    return {module: str(device) for module, device in placed.items()}


def make_engine(config: Config) -> "Engine":
    from explorer.engine.process.client import WorkerEngine

    log_file = log_folder() / f"engine-{now().astimezone():%Y%m%d-%H%M%S}-{os.getpid()}.log"
    with contextlib.suppress(OSError):
        for old in sorted(log_folder().glob("engine-*.log"))[:-LOGS_KEPT]:
            old.unlink(missing_ok=True)
    return WorkerEngine(model_settings(config), log_file)


class ProgressLine:
    """How far a long call is, on one line of standard error, where that is a terminal; cleared when it is done."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream if stream.isatty() else None

    def __call__(self, progress: "Progress") -> None:
        if self._stream is None:
            return
        if progress.total and progress.done >= progress.total:
            self.clear()
            return
        share = f" {progress.done / progress.total:4.0%}" if progress.total else ""
        overwrite(self._stream, f"{progress.stage} …{share}")

    def clear(self) -> None:
        if self._stream is not None:
            overwrite(self._stream)


class Engines:
    """Where a command gets its engine from, and the event loop that the engine lives on.

    A command finds it in its click context. Whoever calls the command line may hand in another one, which keeps an
    engine from one command to the next.
    """

    def make(self, config: Config) -> "Engine":
        """An engine that the command starts, asks and closes."""
        return make_engine(config)

    def run(self, question: Coroutine[Any, Any, Answer]) -> Answer:
        """The answer, once it is there."""
        return asyncio.run(question)


def with_engine(config: Config, ask: "Callable[[Engine, Reporter], Awaitable[Answer]]") -> Answer:
    """The answer of an engine that is started for it; how far that is, and what is reported then, is shown."""
    context = click.get_current_context(silent=True)
    engines = (context and context.find_object(Engines)) or Engines()

    async def run() -> Answer:
        engine, line = engines.make(config), ProgressLine(sys.stderr)
        try:
            await engine.start(line)
            line.clear()
            return await ask(engine, line)
        finally:
            line.clear()
            await engine.close()

    try:
        return engines.run(run())
    except KeyboardInterrupt as error:
        raise Interrupted("Interrupted.") from error


def listed_models() -> "list[ModelEntry]":
    """The model that ships, and those of the local Hugging Face cache."""
    from explorer.engine.files.catalogue import cached_models, entry

    return [entry(EMBEDDED, embedded_folder()), *cached_models()]


def find_tokens(config: Config, source: PromptSource, special_tokens: bool) -> "list[Token]":
    """The tokens of a prompt; without torch where the tokenizer is a tokenizer.json that stands for itself."""
    if isinstance(source, Chat):
        return render_chat(config, source).tokens
    _, vocabulary = _vocabulary(config)
    if vocabulary is not None:
        ids = source if isinstance(source, list) else vocabulary.encode(source, special_tokens)
        return vocabulary.tokens(ids)

    async def ask(engine: "Engine", _report: "Reporter") -> "list[Token]":
        if isinstance(source, list):
            return await engine.describe(source)
        return await engine.encode(source, special_tokens)

    return with_engine(config, ask)


def render_chat(config: Config, chat: Chat) -> "RenderedChat":
    """What the model's template makes of a chat; without torch where `find_tokens` needs none."""
    folder, vocabulary = _vocabulary(config)
    if vocabulary is not None:
        from explorer.engine.vocabulary.chat import ChatTemplate

        template = ChatTemplate.from_folder(folder, vocabulary, model_settings(config).name)
        return template.render(chat.messages, chat.options)
    return with_engine(config, lambda engine, _report: engine.render_chat(chat.messages, chat.options))


def _vocabulary(config: Config) -> "tuple[Path, Vocabulary | None]":
    """The model's folder, and its vocabulary where the folder has it by itself."""
    from explorer.engine.files import hub
    from explorer.engine.vocabulary.vocabulary import Vocabulary

    settings = model_settings(config)
    folder, _ = hub.locate(
        settings.model, lambda progress: None, revision=settings.revision, remote_code=settings.trust_remote_code
    )
    return folder, Vocabulary.from_folder(folder, config.bos)
