"""The worker process: `python -m explorer.engine.process.worker [--engine transformers|scripted]`.

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
from typing import Any

import msgspec

from explorer.core.token import Token
from explorer.engine.base import Engine, Progress
from explorer.engine.description import ModelSettings
from explorer.engine.process import wire
from explorer.errors import EngineError, ExplorerError, UsageError


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
        """Write one line; from any thread. A parent that is gone ends the process."""
        data = wire.encode(reply) + b"\n"
        with self._lock:
            try:
                while data:
                    data = data[os.write(self._replies, data) :]
            except OSError:
                os._exit(0)

    def receive(self, line: bytes) -> None:
        """Take one request: a cancellation acts at once, everything else becomes a task."""
        request = wire.decode_request(line)
        if isinstance(request, wire.Cancel):
            if task := self._tasks.get(request.id):
                task.cancel()
            return
        request_id = 0 if isinstance(request, wire.Load) else request.id
        try:
            work = self._work(request)
        except ExplorerError as error:
            self.send(wire.Failed.of(request_id, error))
            return
        self._tasks[request_id] = asyncio.get_running_loop().create_task(self._answer(request_id, work))

    def _work(self, request: wire.Request) -> Coroutine[Any, Any, wire.Message]:
        """What answers the request. Prefixes are read here, in the order in which the requests came."""
        match request:
            case wire.Load():
                return self._load(request)
            case wire.Next():
                return self._next(request, self._prefixes.read(request.prefix))
            case wire.Generate():
                return self._generate(request, self._prefixes.read(request.prefix))
            case wire.Sample():
                return self._sample(request)
            case wire.Score():
                return self._score(request, self._prefixes.read(request.prefix))
            case wire.Compare():
                return self._compare(request, self._prefixes.read(request.prefix))
            case wire.Search():
                return self._search(request, self._prefixes.read(request.prefix))
            case wire.Logprobs():
                return self._logprobs(request, self._prefixes.read(request.prefix))
            case wire.Spell():
                return self._spell(request)
            case wire.Encode():
                return self._encode(request)
            case wire.RenderChat():
                return self._render_chat(request)
            case wire.Describe():
                return self._describe(request)
            case wire.Inspect():
                return self._inspect(request)
        raise UsageError(f"There is no request {type(request).__name__}.")

    async def _answer(self, request_id: int, work: Coroutine[Any, Any, wire.Message]) -> None:
        try:
            self.send(await work)
        except asyncio.CancelledError:
            self.send(wire.Finished(request_id))
        except ExplorerError as error:
            if error.__cause__ is not None:
                traceback.print_exc()
            self.send(wire.Failed.of(request_id, error))
        except Exception as error:  # The edge of the process: the traceback goes to the log, a sentence to the person.
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
        self._progress(Progress("starting the engine"))
        # The import of torch takes seconds: in a thread, so that the end of the parent is noticed all the while.
        engine = await asyncio.to_thread(make_engine, self._kind, request.settings)
        engine.on_progress = self._progress
        info = await engine.start()
        self._engine = engine
        # What was imported and loaded stays: looking through it for garbage would stall a step for 0.1 s.
        gc.collect()
        gc.freeze()
        return wire.Ready(info)

    def _progress(self, progress: Progress) -> None:
        self.send(wire.Progressed(progress))

    async def _next(self, request: wire.Next, ids: list[int]) -> wire.Message:
        distribution = await self.engine.next(
            ids, request.params, request.top, request.include, prompt_length=request.prompt_length
        )
        return wire.Table(request.id, distribution)

    async def _generate(self, request: wire.Generate, ids: list[int]) -> wire.Message:
        steps = self.engine.generate(
            ids,
            request.params,
            draws=request.draws,
            max_new_tokens=request.max_new_tokens,
            top=request.top,
            prompt_length=request.prompt_length,
        )
        async for step in steps:
            self.send(wire.Stepped(request.id, step))
        return wire.Finished(request.id)

    async def _sample(self, request: wire.Sample) -> wire.Message:
        steps = self.engine.sample(
            request.prompts, request.params, num_sequences=request.num_sequences, stop=request.stop
        )
        async for drawn in steps:
            self.send(wire.Sampled(request.id, drawn))
        return wire.Finished(request.id)

    async def _score(self, request: wire.Score, ids: list[int]) -> wire.Message:
        async for tokens in self.engine.score(ids, request.top, request.begin):
            self.send(wire.ScoredPart(request.id, tokens))
        return wire.Finished(request.id)

    async def _compare(self, request: wire.Compare, ids: list[int]) -> wire.Message:
        return wire.Compared(request.id, await self.engine.compare(ids, request.continuations))

    async def _search(self, request: wire.Search, ids: list[int]) -> wire.Message:
        found = await self.engine.search(
            ids, request.query, request.params, request.limit, prompt_length=request.prompt_length
        )
        return wire.Hits(request.id, found)

    async def _logprobs(self, request: wire.Logprobs, ids: list[int]) -> wire.Message:
        return wire.Floats.of(request.id, await self.engine.logprobs(ids))

    async def _spell(self, request: wire.Spell) -> wire.Message:
        return wire.Tokens(request.id, await self.engine.spell(request.data))

    async def _encode(self, request: wire.Encode) -> wire.Message:
        tokens = await self.engine.encode(request.text, request.special_tokens, first=request.first)
        return wire.Tokens(request.id, sendable(tokens))

    async def _render_chat(self, request: wire.RenderChat) -> wire.Message:
        chat = await self.engine.render_chat(request.messages, request.options)
        sendable(chat.tokens)
        return wire.Rendered(request.id, chat)

    async def _describe(self, request: wire.Describe) -> wire.Message:
        return wire.Tokens(request.id, await self.engine.describe(request.ids))

    async def _inspect(self, request: wire.Inspect) -> wire.Message:
        return wire.Inspected(request.id, await self.engine.structure())


def sendable(tokens: list[Token]) -> list[Token]:
    """The tokens, where they fit into one line. Raises UsageError."""
    if len(tokens) > wire.TOKENS_LIMIT:
        raise UsageError(f"The text has {len(tokens):,} tokens; {wire.TOKENS_LIMIT:,} are the most. Shorten it.")
    return tokens


def make_engine(kind: str, settings: ModelSettings) -> Engine:
    """The engine to serve; only the one that is asked for is imported."""
    if kind == "scripted":
        from explorer.engine.scripted.scripted import ScriptedEngine

        return ScriptedEngine.demo()
    from explorer.engine.compute.requirements import check_libraries

    check_libraries()
    from explorer.engine.compute.local import TransformersEngine

    return TransformersEngine(settings)


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
            os._exit(1)
    # At once: a thread that imports or computes would be waited for.
    os._exit(0)


def main(requests: int, replies: int) -> None:
    parser = argparse.ArgumentParser(description="The engine's process; it speaks JSON lines on its standard streams.")
    parser.add_argument("--engine", choices=("transformers", "scripted"), default="transformers")
    kind = parser.parse_args().engine
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        asyncio.run(serve(requests, replies, kind))
    finally:
        # Without a goodbye: a thread inside a forward pass would abort the interpreter on its way out.
        sys.stderr.flush()
        os._exit(0)


if __name__ == "__main__":
    main(*DESCRIPTORS)
