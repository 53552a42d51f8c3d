"""`options`: several texts that could come next, and how likely the model thinks each is."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from explorer.cli.flags import AS_JSON, configure, model_options, prompt_options, refuse_both
from explorer.cli.output import print_json
from explorer.cli.question import Question, Say
from explorer.cli.sources import check_text, read_lines, take_source
from explorer.errors import UsageError

if TYPE_CHECKING:
    from explorer.cli.rankings import OptionsTable
    from explorer.core.token import Token
    from explorer.engine.base import Engine, Reporter


@click.command("options")
@prompt_options
@click.argument("options", nargs=-1, metavar="OPTION...")
@click.option("--options", "listed", metavar="FILE", help="A file of options, one a line; - is standard input.")
@click.option("--notation", is_flag=True, help=r"OPTION may be #1234 (an id), 0x20 ec (bytes), or have \n in it.")
@model_options
@AS_JSON
def options_command(text: str | None, options: tuple[str, ...], as_json: bool, **flags: Any) -> None:
    """Compare several texts that could come after TEXT: which one the model thinks is the likeliest.

    An OPTION is taken as it is, with its spaces: " time" and "time" are two. Where the prompt is given by --file, --ids
    or --messages, every argument is an OPTION.
    """
    if text is not None and any(flags[name] is not None for name in ("file", "ids", "messages")):
        options, text = (text, *options), None
    table = options_question(text=text, options=options, **flags).answer()
    if as_json:
        print_json(table)
    else:
        from explorer.cli.scored import print_options

        print_options(table)


def options_question(
    options: Sequence[str], listed: str | None, notation: bool, no_special: bool, **flags: Any
) -> "Question[OptionsTable]":
    """How likely each option is to come next. Raises UsageError."""
    from explorer.cli import rankings
    from explorer.engine.prompts import prompt_ids

    refuse_both("OPTION", options or None, "--options", listed)
    texts = [check_text(option) for option in options] if listed is None else read_lines(listed)
    if not texts:
        raise UsageError("Give the texts that could come next, after the prompt: each is an OPTION.")
    source = take_source(flags)
    config = configure(flags)

    async def ask(engine: "Engine", report: "Reporter", say: Say) -> rankings.OptionsTable:
        given = await prompt_ids(engine, source, not no_special, note=say)
        spelt = [await _tokens(engine, option, notation) for option in texts]
        for number, tokens in enumerate(spelt, 1):
            if not tokens:
                raise UsageError(f"Option {number} is empty. Write a text that could come next.")
        return await rankings.options_table(engine, given, spelt, report)

    return Question(config, ask)


async def _tokens(engine: "Engine", option: str, notation: bool) -> "list[Token]":
    """Those of an option, as it goes on from other tokens. Raises UsageError, EngineError."""
    from explorer.walk import forcing

    if notation:
        return await forcing.read(engine, option)
    return await engine.encode(option, special_tokens=False, first=False)
