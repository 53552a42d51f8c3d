"""`next`: the most likely next tokens after a text."""

from typing import TYPE_CHECKING, Any

import click

from explorer.cli.flags import (
    AS_JSON,
    configure,
    model_options,
    prompt_options,
    refuse_both,
    sampling_options,
    sampling_params,
)
from explorer.cli.output import print_json, tell
from explorer.cli.question import Question, Say
from explorer.cli.sources import take_source

if TYPE_CHECKING:
    from explorer.cli.shapes import NextTable
    from explorer.engine.base import Engine, Reporter


@click.command("next")
@prompt_options
@click.option("--top", "-n", type=int, help="Rows of the table. Default: 5.")
@sampling_options
@model_options
@click.option(
    "--format",
    "shown",
    type=click.Choice(("table", "ids")),
    help="Default: table; ids: their ids alone, as --ids takes them. With --top 1 that is the best one.",
)
@AS_JSON
def next_command(shown: str | None, as_json: bool, **flags: Any) -> None:
    """Print the most likely next tokens after TEXT."""
    refuse_both("--format", shown, "--json", as_json)
    table = next_question(**flags).answer()
    if as_json:
        print_json(table)
    elif shown == "ids":
        tell(" ".join(str(row.id) for row in table.candidates))
    else:
        from explorer.cli.tables import print_next

        print_next(table)


def next_question(no_special: bool, **flags: Any) -> "Question[NextTable]":
    """What could come next. Raises UsageError."""
    from explorer.cli import shapes
    from explorer.engine.base import ready
    from explorer.engine.prompts import prompt_ids

    source = take_source(flags)
    config = configure({**flags, "top": 5 if flags["top"] is None else flags["top"]})

    async def ask(engine: "Engine", report: "Reporter", say: Say) -> shapes.NextTable:
        given = await prompt_ids(engine, source, not no_special, note=say)
        params = sampling_params(config, engine, say)
        table = await shapes.next_table(engine, given, params, config.top, report)
        if len(given) == ready(engine).context_length:
            say(f"The context of {len(given):,} tokens is full: no token can follow these.")
        return table

    return Question(config, ask)
