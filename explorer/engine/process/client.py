"""WorkerEngine: an engine in a child process, over JSON lines.

Owns the process: its start, its death, its log file. Every call is sent as it is, and awaited by the id of its request;
cancelling the caller cancels the request in the child. Must not import torch, know which calls there are, or parse what
the child prints beside the protocol.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import msgspec

from explorer.engine.base import Engine, Reporter, silent
from explorer.engine.calls import Answer, AnyCall, Call, Part, Stream
from explorer.engine.description import EngineInfo, ModelSettings
from explorer.engine.process import wire
from explorer.errors import EngineDied, EngineError, ExplorerError

GRACE = 2.0
"""Seconds that a child has to end by itself when its standard input is closed."""

CHILD_ENVIRONMENT = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "PYTHONOPTIMIZE": "",  # transformers builds its models from docstrings, which -OO leaves out.
    "PYTHONSAFEPATH": "1",  # Also for the children of the child.
    "PYTHONUNBUFFERED": "1",
    "TERM": "dumb",
    "TOKENIZERS_PARALLELISM": "false",
}


class Request:
    """What is asked and not yet answered: its replies in order, or the error that ended it."""

    def __init__(self, number: int, report: Reporter) -> None:
        self.id = number
        self.report = report
        """Takes how far it is."""
        self.replies: asyncio.Queue[wire.Reply | ExplorerError] = asyncio.Queue()
        self.over = False
        """Whether the worker has nothing to do for it any more."""

    async def reply(self) -> wire.Reply:
        """The next one. Raises what was raised in the worker, EngineDied."""
        reply = await self.replies.get()
        if isinstance(reply, wire.Failed):
            reply = reply.error()
        if isinstance(reply, ExplorerError):
            self.over = True
            raise reply
        return reply


class WorkerEngine(Engine):
    """Starts `python -m explorer.engine.process.worker` and asks it."""

    def __init__(self, settings: ModelSettings, log_file: Path, arguments: Sequence[str] = ()) -> None:
        self.settings = settings
        self.log_file = log_file
        self._arguments = arguments
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._requests: dict[int, Request] = {}
        """Those under way, by their ids; 0 is that for the model."""
        self._last_id = 0
        self._prefixes = wire.PrefixWriter()
        self._log_start = 0

    @property
    def pid(self) -> int | None:
        """The process id of the worker, for whoever wants to watch it."""
        return self._process.pid if self._process else None

    async def start(self, report: Reporter = silent) -> EngineInfo:
        await self.close()
        self.info = None
        self._prefixes = wire.PrefixWriter()
        request = self._requests[0] = Request(0, report)
        try:
            self._process = await self._spawn()
            self._reader = asyncio.create_task(self._read(self._process))
            await self._send(wire.Load(self.settings))
            reply = await request.reply()
        except asyncio.CancelledError:
            # Whoever waits no longer wants the model: what the child does is stopped where it is.
            await self.close()
            raise
        finally:
            if self._requests.get(0) is request:
                del self._requests[0]
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
                cwd=_standing_folder(),
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
        for request in self._requests.values():
            request.replies.put_nowait(died)
        if ready:
            self.on_death(str(died))

    def _receive(self, reply: wire.Reply) -> None:
        request = self._requests.get(0 if isinstance(reply, wire.Ready) else reply.id)
        if request is None:
            return  # It was cancelled.
        if isinstance(reply, wire.Progressed):
            request.report(reply.progress)
        else:
            request.replies.put_nowait(reply)

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
        data = wire.line(message)
        # A broken pipe is not an answer: the reader says how the child ended.
        with contextlib.suppress(ConnectionError):
            self._process.stdin.write(data)
            await self._process.stdin.drain()

    async def ask(self, call: Call[Answer], report: Reporter = silent) -> Answer:
        request = self._request(report)
        try:
            reply = await self._send_call(request, call)
            request.over = True
        finally:
            self._leave(request)
        if not isinstance(reply, wire.Told):
            raise EngineError("The engine gave no answer.")
        answer: Answer = reply.read(call)
        return answer

    async def stream(self, call: Stream[Part], report: Reporter = silent) -> AsyncGenerator[Part, None]:
        request = self._request(report)
        try:
            reply = await self._send_call(request, call)
            while isinstance(reply, wire.Told):
                part: Part = reply.read(call)
                yield part
                reply = await request.reply()
            request.over = True
        finally:
            self._leave(request)

    def _request(self, report: Reporter) -> Request:
        """A request of a number of its own."""
        self._last_id += 1
        request = self._requests[self._last_id] = Request(self._last_id, report)
        return request

    def _leave(self, request: Request) -> None:
        """Forget a request; the worker is told to stop where it is not over."""
        del self._requests[request.id]
        if not request.over and self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(wire.line(wire.Cancel(request.id)))

    async def _send_call(self, request: Request, call: AnyCall) -> wire.Reply:
        """Send a call, once more with all its ids where the worker has forgotten its prefix; the first reply."""
        try:
            await self._send(wire.Ask.of(request.id, call, self._prefixes.write))
            return await request.reply()
        except wire.UnknownBase:
            request.over = False
            await self._send(wire.Ask.of(request.id, call, self._prefixes.write_whole))
            return await request.reply()

    async def adapt(self, on: bool) -> EngineInfo:
        info = await super().adapt(on)
        self.settings = msgspec.structs.replace(self.settings, adapter_on=on)
        return info

    async def close(self) -> None:
        # All of it is taken at once: a start may follow while the old process is still on its way out.
        process, self._process, self.info = self._process, None, None
        reader, unanswered = self._reader, list(self._requests.values())
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
        for request in unanswered:
            request.replies.put_nowait(EngineDied("The engine was closed."))
        self._drop_empty_log()

    def _drop_empty_log(self) -> None:
        with contextlib.suppress(OSError):
            if self.log_file.stat().st_size == 0:
                self.log_file.unlink()


def _standing_folder() -> str | None:
    """Where a child begins: the current folder (None), unless it was deleted: torch cannot be imported in there."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return os.sep
    return None


def ended(code: int) -> str:
    """How a process ended that nobody ended, in words: `was killed (SIGSEGV)`, `ended with exit code 1`."""
    if code >= 0:
        return f"ended with exit code {code}"
    if code == -signal.SIGKILL:
        return "was killed (SIGKILL), as the system does when memory runs out"
    if code == -signal.SIGXCPU:
        return "was stopped, because it took too long"
    try:
        return f"was killed ({signal.Signals(-code).name})"
    except ValueError:
        return f"was killed (signal {-code})"
