"""`search`: the tokens of the whole vocabulary that match a query, at their true ranks after a text."""

from typing import TYPE_CHECKING, Any

import click

from explorer.cli.flags import (
    AS_JSON,
    configure,
    model_options,
    prompt_options,
    sampling_options,
    sampling_params,
)
from explorer.cli.output import print_json
from explorer.cli.question import Question, Say
from explorer.cli.sources import check_text, take_source
from explorer.core.query import Query
from explorer.errors import UsageError

if TYPE_CHECKING:
    from explorer.cli.rankings import FoundTable
    from explorer.engine.base import Engine, Reporter


@click.command("search")
@prompt_options
@click.argument("query", required=False)
@click.option("--top", "-n", type=int, help="Tokens that are listed. Default: 20.")
@sampling_options
@model_options
@AS_JSON
def search_command(text: str | None, query: str | None, as_json: bool, **flags: Any) -> None:
    """Print the tokens that match QUERY, each at its rank after TEXT.

    QUERY is a text that they contain, a regular expression (/^ ?the$/), an id (#1234) or bytes (0x20 ec). Where the
    prompt is given by --file, --ids or --messages, QUERY stands alone.
    """
    if query is None:
        text, query = None, text
    table = search_question(text=text, query=query, **flags).answer()
    if as_json:
        print_json(table)
    else:
        from explorer.cli.tables import print_found

        print_found(table)


def search_question(query: str | None, no_special: bool, **flags: Any) -> "Question[FoundTable]":
    """Which tokens match, and how likely each is. Raises UsageError."""
    from explorer.cli import rankings
    from explorer.engine.prompts import prompt_ids

    if not query:
        raise UsageError("Give the prompt, and as QUERY what to search for.")
    asked = Query.parse(check_text(query))
    source = take_source(flags)
    config = configure({**flags, "top": 20 if flags["top"] is None else flags["top"]})

    async def ask(engine: "Engine", report: "Reporter", say: Say) -> rankings.FoundTable:
        given = await prompt_ids(engine, source, not no_special, note=say)
        return await rankings.found_table(
            engine, given, asked, sampling_params(config, engine, say), config.top, report
        )

    return Question(config, ask)
