"""WorkerEngine: an engine in a child process, over JSON lines.

Owns the process: its start, its death, its log file. A request is a future by its id; cancelling the caller cancels
the request in the child. Must not import torch, and never parses what the child prints beside the protocol.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from explorer.core.chat import ChatOptions, Message
from explorer.core.distribution import Distribution
from explorer.core.query import Query
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.core.score import Scored
from explorer.core.token import Token
from explorer.engine.base import DEFAULT_STOP, Drawn, Engine, Found, RenderedChat, Step
from explorer.engine.description import EngineInfo, ModelSettings, Structure
from explorer.engine.process import wire
from explorer.errors import EngineDied, EngineError, ExplorerError

GRACE = 2.0
"""Seconds that a child has to end by itself when its standard input is closed."""

CHILD_ENVIRONMENT = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "PYTHONSAFEPATH": "1",  # Also for the children of the child.
    "PYTHONUNBUFFERED": "1",
    "TERM": "dumb",
    "TOKENIZERS_PARALLELISM": "false",
}


class WorkerEngine(Engine):
    """Starts `python -m explorer.engine.process.worker` and asks it."""

    def __init__(self, settings: ModelSettings, log_file: Path, arguments: Sequence[str] = ()) -> None:
        self.settings = settings
        self.log_file = log_file
        self._arguments = arguments
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._replies: dict[int, asyncio.Queue[wire.Reply | ExplorerError]] = {}
        self._last_id = 0
        self._prefixes = wire.PrefixWriter()
        self._log_start = 0

    @property
    def pid(self) -> int | None:
        """The process id of the worker, for whoever wants to watch it."""
        return self._process.pid if self._process else None

    async def start(self) -> EngineInfo:
        await self.close()
        self.info = None
        self._prefixes = wire.PrefixWriter()
        replies = self._replies[0] = asyncio.Queue()
        try:
            self._process = await self._spawn()
            self._reader = asyncio.create_task(self._read(self._process))
            await self._send(wire.Load(self.settings))
            reply = await self._reply(replies)
        except asyncio.CancelledError:
            # Whoever waits no longer wants the model: what the child does is stopped where it is.
            await self.close()
            raise
        finally:
            if self._replies.get(0) is replies:
                del self._replies[0]
        if not isinstance(reply, wire.Ready) or reply.version != wire.VERSION:
            raise EngineError("The engine speaks another version of the protocol. Install token-explorer again.")
        self.info = reply.info
        return reply.info

    async def _spawn(self) -> asyncio.subprocess.Process:
        try:
            self.log_file.parent.mkdir(parents=True, exist_ok=True)
            log = open(self.log_file, "ab")  # noqa: SIM115  (closed below, once the child has its copy)
        except OSError:
            log = open(os.devnull, "ab")  # noqa: SIM115  (a log that cannot be kept stops nothing)
        with log:
            self._log_start = log.tell()
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",  # A module that lies in the current folder by chance is not imported.
                "-m",
                "explorer.engine.process.worker",
                *self._arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                limit=wire.LINE_LIMIT,
                # A session of its own: Ctrl+C and Ctrl+Z of the terminal go to the parent alone.
                start_new_session=True,
                env={**os.environ, **CHILD_ENVIRONMENT},
            )

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Hand each reply to whoever waits for it; when the pipe ends, tell everyone why."""
        assert process.stdout is not None
        fault: Exception | None = None
        try:
            while line := await process.stdout.readline():
                self._receive(wire.decode_reply(line))
        except (ValueError, ConnectionError) as error:
            fault = error
            process.kill()
        code = await process.wait()
        if process is not self._process:
            return
        self._process = None
        ready, self.info = self.info is not None, None
        how = ended(code) if fault is None else f"was stopped, because its answer could not be read: {fault}"
        died = EngineDied(f"The engine {how}.", self.log_tail())
        for replies in self._replies.values():
            replies.put_nowait(died)
        if ready:
            self.on_death(str(died))

    def _receive(self, reply: wire.Reply) -> None:
        if isinstance(reply, wire.Progressed):
            self.on_progress(reply.progress)
            return
        replies = self._replies.get(0 if isinstance(reply, wire.Ready) else reply.id)
        if replies is not None:
            replies.put_nowait(reply)

    def log_tail(self, lines: int = 3) -> str:
        """The last lines that the present worker wrote to its standard error."""
        try:
            with open(self.log_file, "rb") as log:
                log.seek(max(self._log_start, os.fstat(log.fileno()).st_size - 8192))
                text = log.read().decode(errors="replace").replace("\r", "\n")
        except OSError:
            return ""
        return "\n".join([line for line in text.split("\n") if line.strip()][-lines:])

    async def _send(self, message: wire.Message) -> None:
        if self._process is None or self._process.stdin is None:
            raise EngineDied("The engine is not running.", self.log_tail())
        # A broken pipe is not an answer: the reader says how the child ended.
        with contextlib.suppress(ConnectionError):
            self._process.stdin.write(wire.encode(message) + b"\n")
            await self._process.stdin.drain()

    @staticmethod
    async def _reply(replies: "asyncio.Queue[wire.Reply | ExplorerError]") -> wire.Reply:
        reply = await replies.get()
        if isinstance(reply, ExplorerError):
            raise reply
        if isinstance(reply, wire.Failed):
            raise reply.error()
        return reply

    async def _ask(self, make: Callable[[int], wire.Message]) -> Any:
        """Send one request and await its one reply."""
        self._last_id += 1
        request_id = self._last_id
        replies = self._replies[request_id] = asyncio.Queue()
        try:
            await self._send(make(request_id))
            return await self._reply(replies)
        except asyncio.CancelledError:
            self._cancel(request_id)
            raise
        finally:
            del self._replies[request_id]

    async def _ask_after(self, ids: Sequence[int], make: Callable[[int, wire.Prefix], wire.Message]) -> Any:
        """Send one request about a prefix and await its one reply."""
        try:
            return await self._ask(lambda request_id: make(request_id, self._prefixes.write(ids)))
        except wire.UnknownBase:
            return await self._ask(lambda request_id: make(request_id, self._prefixes.write_whole(ids)))

    def _cancel(self, request_id: int) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(wire.encode(wire.Cancel(request_id)) + b"\n")

    async def next(
        self,
        ids: Sequence[int],
        params: SamplingParams,
        top: int,
        include: Sequence[int] = (),
        *,
        prompt_length: int | None = None,
    ) -> Distribution:
        def make(request_id: int, prefix: wire.Prefix) -> wire.Message:
            return wire.Next(request_id, prefix, params, top, list(include), prompt_length)

        reply: wire.Table = await self._ask_after(ids, make)
        return reply.distribution

    async def generate(
        self,
        ids: Sequence[int],
        params: SamplingParams,
        *,
        draws: int,
        max_new_tokens: int,
        top: int,
        prompt_length: int | None = None,
    ) -> AsyncGenerator[Step, None]:
        def make(request_id: int, prefix: wire.Prefix) -> wire.Message:
            return wire.Generate(request_id, prefix, params, draws, max_new_tokens, top, prompt_length)

        async with aclosing(self._stream_after(ids, make)) as replies:
            async for reply in replies:
                if isinstance(reply, wire.Stepped):
                    yield reply.step

    async def sample(
        self,
        prompts: Sequence[Sequence[int]],
        params: SamplingParams,
        *,
        num_sequences: int = 1,
        stop: StopRules = DEFAULT_STOP,
    ) -> AsyncGenerator[list[Drawn], None]:
        whole = [list(ids) for ids in prompts]

        def make(request_id: int) -> wire.Message:
            return wire.Sample(request_id, whole, params, num_sequences, stop)

        async with aclosing(self._stream(make)) as replies:
            async for reply in replies:
                if isinstance(reply, wire.Sampled):
                    yield reply.drawn

    async def score(self, ids: Sequence[int], top: int, begin: int = 0) -> AsyncGenerator[list[Scored], None]:
        def make(request_id: int, prefix: wire.Prefix) -> wire.Message:
            return wire.Score(request_id, prefix, top, begin)

        async with aclosing(self._stream_after(ids, make)) as replies:
            async for reply in replies:
                if isinstance(reply, wire.ScoredPart):
                    yield reply.tokens

    def _stream_after(
        self, ids: Sequence[int], make: Callable[[int, wire.Prefix], wire.Message]
    ) -> AsyncGenerator[wire.Reply, None]:
        """The replies to a request about a prefix."""
        return self._stream(
            lambda request_id: make(request_id, self._prefixes.write(ids)),
            lambda request_id: make(request_id, self._prefixes.write_whole(ids)),
        )

    async def _stream(
        self, make: Callable[[int], wire.Message], whole: Callable[[int], wire.Message] | None = None
    ) -> AsyncGenerator[wire.Reply, None]:
        """Send one request and yield its replies; closing the iterator cancels the request.

        `whole` makes the request that is sent where the worker has forgotten what `make` refers to.
        """
        self._last_id += 1
        request_id = self._last_id
        replies = self._replies[request_id] = asyncio.Queue()
        finished = False

        async def ask(make: Callable[[int], wire.Message]) -> wire.Reply:
            await self._send(make(request_id))
            return await self._reply(replies)

        try:
            try:
                reply = await ask(make)
            except wire.UnknownBase:
                reply = await ask(whole or make)
            while not isinstance(reply, wire.Finished):
                yield reply
                reply = await self._reply(replies)
            finished = True
        except ExplorerError:
            finished = True
            raise
        finally:
            if not finished:
                self._cancel(request_id)
            del self._replies[request_id]

    async def compare(self, ids: Sequence[int], continuations: Sequence[Sequence[int]]) -> list[list[Scored]]:
        listed = [list(continuation) for continuation in continuations]
        reply: wire.Compared = await self._ask_after(
            ids, lambda request_id, prefix: wire.Compare(request_id, prefix, listed)
        )
        return reply.continuations

    async def search(
        self,
        ids: Sequence[int],
        query: Query,
        params: SamplingParams,
        limit: int,
        *,
        prompt_length: int | None = None,
    ) -> Found:
        def make(request_id: int, prefix: wire.Prefix) -> wire.Message:
            return wire.Search(request_id, prefix, query, params, limit, prompt_length)

        reply: wire.Hits = await self._ask_after(ids, make)
        return reply.found

    async def logprobs(self, ids: Sequence[int]) -> list[float]:
        reply: wire.Floats = await self._ask_after(ids, wire.Logprobs)
        return reply.numbers()

    async def encode(self, text: str, special_tokens: bool = True, *, first: bool = True) -> list[Token]:
        reply: wire.Tokens = await self._ask(lambda request_id: wire.Encode(request_id, text, special_tokens, first))
        return reply.tokens

    async def spell(self, data: bytes) -> list[Token]:
        reply: wire.Tokens = await self._ask(lambda request_id: wire.Spell(request_id, data))
        return reply.tokens

    async def render_chat(self, messages: Sequence[Message], options: ChatOptions) -> RenderedChat:
        reply: wire.Rendered = await self._ask(lambda request_id: wire.RenderChat(request_id, list(messages), options))
        return reply.chat

    async def describe(self, ids: Sequence[int]) -> list[Token]:
        reply: wire.Tokens = await self._ask(lambda request_id: wire.Describe(request_id, list(ids)))
        return reply.tokens

    async def structure(self) -> Structure:
        reply: wire.Inspected = await self._ask(wire.Inspect)
        return reply.structure

    async def close(self) -> None:
        # All of it is taken at once: a start may follow while the old process is still on its way out.
        process, self._process, self.info = self._process, None, None
        reader, waiting = self._reader, list(self._replies.values())
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), GRACE)
        except TimeoutError:
            process.kill()
            await process.wait()
        if reader is not None:
            await reader
        for replies in waiting:
            replies.put_nowait(EngineDied("The engine was closed."))
        self._drop_empty_log()

    def _drop_empty_log(self) -> None:
        with contextlib.suppress(OSError):
            if self.log_file.stat().st_size == 0:
                self.log_file.unlink()


def ended(code: int) -> str:
    """How a process ended that nobody ended, in words: `was killed (SIGSEGV)`, `ended with exit code 1`."""
    if code >= 0:
        return f"ended with exit code {code}"
    if code == -signal.SIGKILL:
        return "was killed (SIGKILL), as the system does when memory runs out"
    try:
        return f"was killed ({signal.Signals(-code).name})"
    except ValueError:
        return f"was killed (signal {-code})"
