"""`ask`: questions from standard input, one a line, all of them answered by one engine that stays warm.

Owns the loop: in the order of the lines, one answer a line, and an error is an answer too. Must not know what a command
asks, or which fields it has.
"""

import asyncio
import io
import re
import sys
import threading
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, BinaryIO

import click
import msgspec

from explorer.cli.engines import with_engine
from explorer.cli.flags import configure, model_options
from explorer.cli.output import print_json, say
from explorer.cli.request import NULL, Request
from explorer.core.reading import reason
from explorer.errors import EngineDied, ExplorerError, UsageError

if TYPE_CHECKING:
    from explorer.engine.base import Engine, Reporter

LONGEST = 64 * 1024 * 1024
"""Bytes of a line."""

AHEAD = 64
"""Lines that are read before they are asked for."""


@click.command("ask")
@model_options
def ask_command(**flags: Any) -> None:
    """Answer requests from standard input, one JSON object a line, on one engine that stays warm.

    \b
    {"id": 1, "command": "next", "prompt": "Once upon a", "top": 3}
    {"id": 2, "command": "options", "ids": [1, 907], "options": [" upon", " more"]}

    The commands are next, tokens, score, search, options, sample and info. A field is a flag by its long name, with
    underscores; the answer, on one line, is what the command prints with --json, and the id. What is wrong with a line
    is its answer, too, and the next one is read. The model is chosen here, once.
    """

    async def answer_all(engine: "Engine", report: "Reporter") -> None:
        number = 0
        async for line in lines(standard_input()):
            number += 1
            if line.strip():
                print_json(await answered(engine, line, number, report))

    with_engine(configure(flags), answer_all)


async def answered(engine: "Engine", line: bytes, number: int, report: "Reporter") -> dict[str, Any]:
    """The answer to a line, or what is wrong; `notes` are sentences beside it, where there are any.

    An engine that has died is started again. Raises ModelError, EngineDied where that fails.
    """
    request: Request | None = None
    notes: list[str] = []
    try:
        if len(line) > LONGEST:
            raise UsageError(f"Line {number} is longer than {LONGEST:,} bytes.")
        request = Request.read(line, number)
        question = request.question()
        if engine.info is None:
            say("The engine is started again.")
            await engine.start(report)
        answer = msgspec.to_builtins(await question.ask(engine, report, notes.append))
    except ExplorerError as error:
        answer = {"error": Fault.of(error)}
        if isinstance(error, EngineDied):
            say(str(error))
    return {"id": request.id if request else NULL, **answer, **({"notes": notes} if notes else {})}


class Fault(msgspec.Struct, frozen=True):
    """An error as it is written to JSON."""

    code: int
    """What would have been the exit code of the command."""
    kind: str
    """The name of the error: usage, context_full, out_of_memory, engine_died, ..."""
    message: str

    @classmethod
    def of(cls, error: ExplorerError) -> "Fault":
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower().removesuffix("_error")
        return cls(int(error.exit_code), name, str(error))


def standard_input() -> BinaryIO:
    """Raises UsageError where it is closed."""
    if sys.stdin is None:
        raise UsageError("There is no standard input to read requests from.")
    if sys.stdin.isatty():
        say('One JSON object a line, such as {"command": "next", "prompt": "Once upon a"}; Ctrl+D ends.')
    try:
        # A reader of its own: that of the process has a lock, which the thread would still hold at the end.
        return open(sys.stdin.fileno(), "rb", closefd=False)
    except io.UnsupportedOperation:
        return sys.stdin.buffer


async def lines(stream: BinaryIO) -> AsyncGenerator[bytes, None]:
    """The lines of a stream, until it ends; a little more than the LONGEST of one that is longer.

    A thread reads them, so that the death of an engine and Ctrl+C are seen while nothing comes; nobody waits for its
    end. Raises UsageError where the stream cannot be read.
    """
    loop, room = asyncio.get_running_loop(), threading.Semaphore(AHEAD)
    queue: asyncio.Queue[bytes | OSError] = asyncio.Queue()

    def read() -> None:
        read: bytes | OSError = b"\n"
        while read and not isinstance(read, OSError):
            room.acquire()
            try:
                read = _line(stream)
            except OSError as error:
                read = error
            try:
                loop.call_soon_threadsafe(queue.put_nowait, read)
            except RuntimeError:
                return  # The loop is closed: nobody wants any more.

    threading.Thread(target=read, daemon=True).start()
    while line := await queue.get():
        if isinstance(line, OSError):
            raise UsageError(f"Standard input cannot be read: {reason(line)}.") from line
        room.release()
        yield line


def _line(stream: BinaryIO) -> bytes:
    line = rest = stream.readline(LONGEST + 1)
    while len(rest) > LONGEST and not rest.endswith(b"\n"):
        rest = stream.readline(LONGEST + 1)
    return line
