"""The program as the tests of the command line run it: in this process, on engines that are kept, or as a process."""

import asyncio
import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from explorer.cli import main
from explorer.cli.engines import Engines, model_settings
from explorer.config import Config
from explorer.engine.base import Reporter, silent
from explorer.engine.description import EngineInfo
from explorer.engine.process.client import WorkerEngine

Answer = TypeVar("Answer")

PROGRAM = Path(sys.executable).with_name("token-explorer")
WIDTH = "80"
"""Columns of a table that is printed without a terminal."""


class KeptEngine(WorkerEngine):
    """A worker that no command ends, once its model is loaded."""

    async def start(self, report: Reporter = silent) -> EngineInfo:
        return self.info or await super().start(report)

    async def close(self) -> None:
        if self.info is None:
            await super().close()

    async def end(self) -> None:
        await super().close()


class KeptEngines(Engines):
    """One worker for all commands that load the same model in the same way, all of them on one loop."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "engine.log"
        # The loop is not made the thread's: the tests that are coroutines have theirs.
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._kept: dict[bytes, KeptEngine] = {}

    def make(self, config: Config) -> KeptEngine:
        return self._keep(config, "transformers")

    def make_tokenizer(self, config: Config) -> KeptEngine:
        return self._keep(config, "vocabulary")

    def _keep(self, config: Config, kind: str) -> KeptEngine:
        settings = model_settings(config)
        key = kind.encode() + msgspec.json.encode(settings)
        return self._kept.setdefault(key, KeptEngine(settings, self._log, ["--engine", kind]))

    def run(self, question: Coroutine[Any, Any, Answer]) -> Answer:
        return self._runner.run(question)

    def end(self) -> None:
        for engine in self._kept.values():
            self.run(engine.end())
        self._runner.close()


class Program:
    """The command line in this process: `program("next", "a", "--json")` is what the process would have been."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    def __call__(
        self,
        *arguments: str | bytes,
        input: str | bytes = "",
        env: Mapping[str, str] | None = None,
        terminal: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        given = input.encode() if isinstance(input, str) else input
        stream = Terminal if terminal else io.TextIOWrapper
        read = io.TextIOWrapper(io.BytesIO(given), "utf-8", newline="")
        written, complained = io.BytesIO(), io.BytesIO()
        out, err = (stream(buffer, "utf-8", newline="") for buffer in (written, complained))
        with environment({"COLUMNS": WIDTH, **(env or {})}), streams(read, out, err):
            try:
                main([os.fsdecode(argument) for argument in arguments], self._engines)
            except SystemExit as end:
                code = int(end.code or 0)
        return subprocess.CompletedProcess(arguments, code, written.getvalue().decode(), complained.getvalue().decode())


class Terminal(io.TextIOWrapper):
    """What a person reads as it comes."""

    def isatty(self) -> bool:
        return True


@contextlib.contextmanager
def environment(added: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(added)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def streams(read: io.TextIOWrapper, out: io.TextIOWrapper, err: io.TextIOWrapper) -> Iterator[None]:
    before = sys.stdin, sys.stdout, sys.stderr
    sys.stdin, sys.stdout, sys.stderr = read, out, err
    try:
        yield
    finally:
        for stream in (out, err):
            stream.flush()
        sys.stdin, sys.stdout, sys.stderr = before


def process(*arguments: str | bytes, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The console script as a process of its own, with nothing to read."""
    whole = {**os.environ, "COLUMNS": WIDTH, **(env or {})}
    return subprocess.run(
        [PROGRAM, *arguments], stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", env=whole
    )


def is_one_sentence(text: str) -> bool:
    return text.count("\n") == 1 and text.rstrip("\n").endswith((".", "!", "?"))
