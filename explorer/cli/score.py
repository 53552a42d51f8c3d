"""`score`: what the model thinks of each token of a text."""

from typing import TYPE_CHECKING, Any

import click

from explorer.cli.engines import with_engine
from explorer.cli.flags import chat_options, configure, model_options, refuse_both
from explorer.cli.output import print_json, say
from explorer.cli.sources import ChatFlags, check_text, one_source
from explorer.core.chat import PromptSource

if TYPE_CHECKING:
    from explorer.engine.base import Engine, Reporter


@click.command("score")
@click.argument("text", required=False)
@click.option("--file", help="A file that holds the text; - is standard input.")
@click.option("--prompt", help="Context before TEXT, which does not count; with --chat, the user's turn.")
@chat_options
@click.option("--top", "-n", type=int, help="Alternatives of each token in the JSON. Default: 5.")
@model_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as the README describes it.")
def score_command(text: str | None, file: str | None, prompt: str | None, as_json: bool, **flags: Any) -> None:
    """Print what the model thinks of each token of TEXT, and the perplexity of the whole."""
    from explorer.cli import shapes
    from explorer.engine.base import prompt_ids

    said = ChatFlags.take(flags)
    config = configure({**flags, "top": 5 if flags["top"] is None else flags["top"]})
    context, source = read_parts(said, prompt, text, file)

    async def ask(engine: "Engine", report: "Reporter") -> shapes.ScoreTable:
        before = [] if context is None else await prompt_ids(engine, context, note=say)
        # The text goes on where the context ends: it gets no special tokens of its own.
        ids = before + await prompt_ids(engine, source, context is None, note=say)
        return await shapes.score_table(engine, ids, len(before), config.top, report)

    table = with_engine(config, ask)
    if as_json:
        print_json(table)
    else:
        from explorer.cli.tables import print_score

        print_score(table)


def read_parts(
    said: ChatFlags, prompt: str | None, text: str | None, file: str | None
) -> tuple[PromptSource | None, PromptSource]:
    """The context, which does not count, and what does. Raises UsageError.

    A chat is the context where a text follows it, as the answer; else it is what counts.
    """
    if said.messages is not None:
        refuse_both("--prompt", prompt, "--messages", said.messages)
        chat = said.from_file()
        return (None, chat) if text is None and file is None else (chat, one_source(text, file, None))
    source = one_source(text, file, None)
    if prompt is not None:
        return said.around(check_text(prompt)) if said.wanted else check_text(prompt), source
    return None, said.around(str(source)) if said.wanted else source
