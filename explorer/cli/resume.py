"""`resume`: a record is opened where it stood."""

import os
from typing import TYPE_CHECKING, Any

import click
import msgspec

from explorer.cli.flags import (
    RECORD_TOP,
    configure,
    model_options,
    record_file,
    recorded_adapter,
    recorded_config,
    run_options,
)
from explorer.cli.output import say
from explorer.cli.terminal import explore
from explorer.core.sampling.params import SamplingParams
from explorer.core.size import size_in_words
from explorer.errors import RecordError

if TYPE_CHECKING:
    from explorer.core.chat import Chat
    from explorer.core.record.record import Record
    from explorer.engine.base import Engine, Reporter


LARGE = 2**26
"""Bytes of a record from which on reading it takes seconds, before there is a screen."""


@click.command("resume")
@click.argument("path", metavar="FILE")
@model_options
@click.option("--top", type=int, help="Rows of the table. Default: 20.")
@run_options
@RECORD_TOP
@click.pass_context
def resume_command(context: click.Context, /, path: str, **flags: Any) -> None:
    """Open a record where it stood, and go on with it."""
    from explorer.core.record import journal
    from explorer.core.record.events import Params
    from explorer.walk import opening

    file = record_file(path)
    if journal.is_open(file):
        raise RecordError(journal.in_use(file))
    size = file.stat().st_size
    if size > LARGE:
        say(f"Reading {size_in_words(size)} …")
    record = journal.read(file)
    if not os.access(file, os.W_OK):
        raise RecordError(f"The record {file} cannot be written, so that it cannot go on. Copy it first.")
    # Another model is loaded as usual; the same one as it was, so that its numbers stay comparable.
    config = recorded_config(record.last_engine, flags) if flags["model"] is None else configure(flags)
    off = adapter_off(record) if flags["model"] is None and flags["adapter"] is None else ""
    if off:
        config = msgspec.structs.replace(config, adapter=off)

    async def open_session(engine: "Engine", draft: "str | Chat", report: "Reporter") -> Any:
        del draft
        return await opening.resume(engine, record, file, config.record_top, report)

    settings = next(
        (event.params() for event in reversed(record.events) if isinstance(event, Params)), SamplingParams()
    )
    context.exit(explore(config, "", file, open_session, settings, adapter_on=not off))


def adapter_off(record: "Record") -> str:
    """The adapter that was switched off where a record ends, so that it can be switched on again; "" where none was."""
    last = record.last_engine
    if recorded_adapter(last):
        return ""
    same = (one for one in record.engines if (one.model, one.revision) == (last.model, last.revision))
    return next((adapter for one in reversed(list(same)) if (adapter := recorded_adapter(one))), "")
