"""`score`: what the model thinks of each token of a text."""

from typing import TYPE_CHECKING, Any

import click

from explorer.cli.flags import AS_JSON, chat_options, configure, model_options, refuse_both, text_options
from explorer.cli.output import print_json
from explorer.cli.question import Question, Say
from explorer.cli.sources import ChatFlags, check_text, one_source
from explorer.core.chat import Chat, PromptSource
from explorer.errors import UsageError

if TYPE_CHECKING:
    from explorer.cli.shapes import ScoreTable
    from explorer.engine.base import Engine, Reporter


@click.command("score")
@text_options
@click.option("--prompt", help="Context before TEXT, which does not count; with --chat, the user's turn.")
@chat_options
@click.option("--top", "-n", type=int, help="Alternatives of each token in the JSON, and rows of --next. Default: 5.")
@click.option("--next", "after", is_flag=True, help="Also what could come after the last token.")
@click.option("--steps", is_flag=True, help="Print the text so far, the likeliest token after it, and what came.")
@model_options
@AS_JSON
def score_command(steps: bool, as_json: bool, **flags: Any) -> None:
    """Print what the model thinks of each token of TEXT, and the perplexity of the whole."""
    refuse_both("--steps", steps, "--json", as_json)
    table = score_question(**flags, steps=steps).answer()
    if as_json:
        print_json(table)
    elif steps:
        from explorer.cli.scored import print_steps

        print_steps(table)
    else:
        from explorer.cli.scored import print_score

        print_score(table)


def score_question(
    text: str | None,
    file: str | None,
    ids: str | None,
    prompt: str | None,
    no_special: bool,
    after: bool,
    steps: bool,
    **flags: Any,
) -> "Question[ScoreTable]":
    """What the model thinks of a text; `steps` ask for the numbers of what could come after it, too.

    Raises UsageError.
    """
    from explorer.cli import shapes
    from explorer.engine.prompts import prompt_ids

    said = ChatFlags.take(flags)
    config = configure({**flags, "top": 5 if flags["top"] is None else flags["top"]})
    context, source = read_parts(said, prompt, text, file, ids)

    async def ask(engine: "Engine", report: "Reporter", say: Say) -> shapes.ScoreTable:
        before = [] if context is None else await prompt_ids(engine, context, not no_special, note=say)
        # The text goes on where the context ends: it gets no special tokens of its own.
        whole = before + await prompt_ids(engine, source, context is None and not no_special, note=say)
        return await shapes.score_table(engine, whole, len(before), config.top, after or steps, report)

    return Question(config, ask)


def read_parts(
    said: ChatFlags, prompt: str | None, text: str | None, file: str | None, ids: str | None
) -> tuple[PromptSource | None, PromptSource]:
    """The context, which does not count, and what does. Raises UsageError.

    A chat is the context where a text follows it, as the answer; else it is what counts.
    """
    if said.messages is not None:
        refuse_both("--prompt", prompt, "--messages", said.messages)
        chat = said.from_file()
        nothing = text is None and file is None and ids is None
        return (None, chat) if nothing else (chat, one_source(text, file, ids))
    source = one_source(text, file, ids)
    if prompt is not None:
        return said.around(check_text(prompt)) if said.wanted else check_text(prompt), source
    return None, _asked(said, source) if said.wanted else source


def _asked(said: ChatFlags, source: str | list[int]) -> Chat:
    if isinstance(source, list):
        raise UsageError("--ids are the tokens themselves: no chat is made of them. Give the user's turn as --prompt.")
    return said.around(source)
