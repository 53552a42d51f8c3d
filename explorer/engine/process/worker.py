"""The worker process: `python -m explorer.engine.process.worker [--engine transformers|vocabulary|files|scripted]`.

Owns the child's file descriptors and its loop: a line in, lines out. Standard output is the protocol's alone: its
descriptor is moved away and replaced before anything else is imported, so that no print and no progress bar can break
a line. Ends when its standard input does, which is when the parent is gone. Must not know what the parent shows.
"""

import os
import sys


def take_descriptors() -> tuple[int, int]:
    """Private copies of standard input and output; afterwards 1 writes to standard error and 0 reads nothing."""
    requests, replies = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return requests, replies


if __name__ == "__main__":
    DESCRIPTORS = take_descriptors()

import argparse
import asyncio
import gc
import signal
import threading
import traceback
from collections.abc import Coroutine
from contextlib import aclosing
from functools import partial
from typing import Any, NoReturn

import msgspec

from explorer.engine.base import Engine, Progress
from explorer.engine.calls import AnyCall, Call
from explorer.engine.description import ModelSettings
from explorer.engine.files.temporary import remove_temporary
from explorer.engine.libraries import importing
from explorer.engine.process import wire
from explorer.errors import EngineError, ExplorerError


class Server:
    """Answers requests with one engine, one task a request."""

    def __init__(self, replies: int, kind: str) -> None:
        self._replies = replies
        self._kind = kind
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._prefixes = wire.PrefixReader()

    def send(self, reply: wire.Message) -> None:
        """Write one line; from any thread. Raises UsageError for one that is too long.

        A parent that is gone ends the process.
        """
        data = wire.line(reply)
        with self._lock:
            try:
                while data:
                    data = data[os.write(self._replies, data) :]
            except OSError:
                leave(0)

    def receive(self, line: bytes) -> None:
        """Take one request: a cancellation acts at once, everything else becomes a task."""
        request = wire.decode_request(line)
        if isinstance(request, wire.Cancel):
            if task := self._tasks.get(request.id):
                task.cancel()
            return
        request_id = 0 if isinstance(request, wire.Load) else request.id
        try:
            # Prefixes are read here, in the order in which the requests came.
            if isinstance(request, wire.Load):
                work = self._load(request)
            else:
                work = self._tell(request.id, request.read(self._prefixes))
        except ExplorerError as error:
            self.send(wire.Failed.of(request_id, error))
            return
        self._tasks[request_id] = asyncio.get_running_loop().create_task(self._answer(request_id, work))

    async def _answer(self, request_id: int, work: Coroutine[Any, Any, wire.Message]) -> None:
        try:
            self.send(await work)
        except asyncio.CancelledError:
            self.send(wire.Finished(request_id))
        except ExplorerError as error:
            if error.__cause__ is not None:
                traceback.print_exc()
            self.send(wire.Failed.of(request_id, error))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # The edge of the process; what a library in Rust panics with is no Exception.
            traceback.print_exc()
            sentence = f"The engine failed: {type(error).__name__}: {error}"
            self.send(wire.Failed.of(request_id, EngineError(sentence)))
        finally:
            self._tasks.pop(request_id, None)

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            raise EngineError("The engine is not ready yet.")
        return self._engine

    async def _load(self, request: wire.Load) -> wire.Message:
        if request.version != wire.VERSION:
            raise EngineError("The explorer speaks another version of the protocol. Install token-explorer again.")
        report = partial(self._progress, 0)
        report(Progress("starting the engine"))
        # The import of torch takes seconds: in a thread, so that the end of the parent is noticed all the while.
        engine = await asyncio.to_thread(make_engine, self._kind, request.settings)
        info = await engine.start(report)
        self._engine = engine
        # What was imported and loaded stays: looking through it for garbage would stall a step for 0.1 s.
        gc.collect()
        gc.freeze()
        return wire.Ready(info)

    def _progress(self, request_id: int, progress: Progress) -> None:
        self.send(wire.Progressed(request_id, progress))

    async def _tell(self, request_id: int, call: AnyCall) -> wire.Message:
        report = partial(self._progress, request_id)
        if isinstance(call, Call):
            return wire.Told.of(request_id, await self.engine.ask(call, report))
        async with aclosing(self.engine.stream(call, report)) as parts:
            async for part in parts:
                self.send(wire.Told.of(request_id, part))
        return wire.Finished(request_id)


def make_engine(kind: str, settings: ModelSettings) -> Engine:
    """The engine to serve; only the one that is asked for is imported."""
    if kind == "scripted":
        from explorer.engine.scripted.scripted import ScriptedEngine

        return ScriptedEngine.demo()
    if kind == "vocabulary":
        return make_vocabulary(settings)
    if kind == "files":
        with importing():
            from explorer.engine.files.engine import FilesEngine

        return FilesEngine(settings)
    from explorer.engine.compute.requirements import check_libraries

    check_libraries()
    with importing():
        from explorer.engine.compute.local import TransformersEngine

    return TransformersEngine(settings)


def make_vocabulary(settings: ModelSettings) -> Engine:
    """A tokenizer alone, within bounds; torch cannot be imported, unless code of the tokenizer's own may want it."""
    from explorer.engine.process import bounds

    with importing():
        from explorer.engine.vocabulary.engine import VocabularyEngine
    if not settings.trust_remote_code:
        sys.modules["torch"] = None  # type: ignore[assignment]  # As the import system marks what is not to be found.
    with importing():
        from explorer.engine.vocabulary.engine import VocabularyEngine
    bounds.bound_memory()
    return VocabularyEngine(settings, bounds.allow_processor)


def leave(code: int) -> NoReturn:
    """End the process at once, without its temporary folders."""
    remove_temporary()
    os._exit(code)


async def serve(requests: int, replies: int, kind: str) -> None:
    """Answer until the input ends."""
    server = Server(replies, kind)
    reader = asyncio.StreamReader(limit=wire.LINE_LIMIT)
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(requests, "rb"))
    while line := await reader.readline():
        try:
            server.receive(line)
        except msgspec.MsgspecError:
            traceback.print_exc()
            leave(1)
    # At once: a thread that imports or computes would be waited for.
    leave(0)


def main(requests: int, replies: int) -> None:
    parser = argparse.ArgumentParser(description="The engine's process; it speaks JSON lines on its standard streams.")
    parser.add_argument("--engine", choices=("transformers", "vocabulary", "files", "scripted"), default="transformers")
    kind = parser.parse_args().engine
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        asyncio.run(serve(requests, replies, kind))
    finally:
        # Without a goodbye: a thread inside a forward pass would abort the interpreter on its way out.
        sys.stderr.flush()
        leave(0)


if __name__ == "__main__":
    main(*DESCRIPTORS)
