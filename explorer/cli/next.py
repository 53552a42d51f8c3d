"""`next`: the most likely next tokens after a text."""

from typing import TYPE_CHECKING, Any

import click

from explorer.cli.engines import with_engine
from explorer.cli.flags import (
    configure,
    model_options,
    prompt_options,
    sampling_options,
    sampling_params,
)
from explorer.cli.output import print_json, say
from explorer.cli.sources import take_source

if TYPE_CHECKING:
    from explorer.engine.base import Engine, Reporter


@click.command("next")
@prompt_options
@click.option("--top", "-n", type=int, help="Rows of the table. Default: 5.")
@sampling_options
@model_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as the README describes it.")
def next_command(no_special: bool, as_json: bool, **flags: Any) -> None:
    """Print the most likely next tokens after TEXT."""
    from explorer.cli import shapes
    from explorer.engine.base import prompt_ids, ready

    source = take_source(flags)
    config = configure({**flags, "top": 5 if flags["top"] is None else flags["top"]})

    async def ask(engine: "Engine", report: "Reporter") -> shapes.NextTable:
        given = await prompt_ids(engine, source, not no_special, note=say)
        params = sampling_params(config, engine)
        table = await shapes.next_table(engine, given, params, config.top, report)
        if len(given) == ready(engine).context_length:
            say(f"The context of {len(given):,} tokens is full: no token can follow these.")
        return table

    table = with_engine(config, ask)
    if as_json:
        print_json(table)
    else:
        from explorer.cli.tables import print_next

        print_next(table)
