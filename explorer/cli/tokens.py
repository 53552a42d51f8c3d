"""`tokens`: the tokens of a text in the vocabulary of one model, or of several beside each other, without torch."""

from typing import TYPE_CHECKING, Any

import click

from explorer.cli.engines import find_tokens, render_chat, with_tokenizer
from explorer.cli.flags import ADAPTER, BOS, REVISION, TRUST, configure, prompt_options, refuse_both
from explorer.cli.output import print_json, print_text, put, say
from explorer.cli.question import Question, Say
from explorer.cli.sources import take_source
from explorer.core.chat import Chat, PromptSource
from explorer.core.spelling import spelling_note
from explorer.errors import UsageError

if TYPE_CHECKING:
    from explorer.cli.shapes import RenderedText, TokensOf, TokenTable
    from explorer.config import Config
    from explorer.engine.base import Engine, Reporter
    from explorer.engine.vocabulary.cutting import CutText


@click.command("tokens")
@prompt_options
@click.option(
    "--model",
    "models",
    multiple=True,
    help="A folder, or an id of the Hugging Face hub. Given again, the vocabularies stand beside each other.",
)
@ADAPTER
@REVISION
@TRUST
@BOS
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as the README describes it.")
@click.option(
    "--format",
    "written",
    type=click.Choice(["ids", "pieces", "tsv"]),
    help="For scripts: the ids on a line, the pieces on a line, or a line of fields for each token.",
)
@click.option("--render", is_flag=True, help="Print what the chat template makes of a chat, untokenised.")
def tokens_command(
    no_special: bool, models: tuple[str, ...], as_json: bool, written: str | None, render: bool, **flags: Any
) -> None:
    """Print the tokens of TEXT with their ids, pieces and bytes."""
    from explorer.cli import shapes, token_lines

    source = take_source(flags)
    configs = [configure({**flags, "model": model}) for model in models or (None,)]
    refuse_both("--render", render, "--json", as_json)
    refuse_both("--render", render, "--format", written)
    refuse_both("--json", as_json, "--format", written)
    if len(configs) > 1:
        refuse_both("several --model", True, "--adapter", flags["adapter"])
        refuse_both("several --model", True, "--render", render)
        compare(configs, source, not no_special, as_json, written)
        return
    (config,) = configs
    if render:
        if not isinstance(source, Chat):
            raise UsageError("--render is about a chat: give --chat or --messages.")
        print_text(render_chat(config, source).text)
        return
    tokens = find_tokens(config, source, not no_special)
    table = shapes.token_table(tokens)
    if as_json:
        print_json(table)
    elif written is not None:
        put(token_lines.written(written, {config.model: tokens}) + "\n")
    else:
        from explorer.cli.tables import print_tokens

        print_tokens(table)


def compare(
    configs: "list[Config]", source: PromptSource, special_tokens: bool, as_json: bool, written: str | None
) -> None:
    """Print the tokens of one text in several vocabularies."""
    from explorer.cli import shapes, token_lines

    if not isinstance(source, str):
        raise UsageError("Several models are compared on one text: give TEXT or --file.")
    compared = [cut(config, source, special_tokens) for config in configs]
    for one in compared:
        if note := spelling_note(source, [row.token for row in one.tokens]):
            say(f"{one.model}: {note}")
    if written is not None:
        put(token_lines.written(written, {one.model: [row.token for row in one.tokens] for one in compared}) + "\n")
        return
    table = shapes.comparison_table(source, compared)
    if as_json:
        print_json(table)
    else:
        from explorer.cli.tables import print_side_by_side

        print_side_by_side(table)


def cut(config: "Config", text: str, special_tokens: bool) -> "TokensOf":
    """A text in the vocabulary of a model. Raises ModelError, UsageError."""
    from explorer.cli.shapes import TokensOf
    from explorer.engine.vocabulary.cutting import Cut

    async def ask(engine: "Engine", _report: "Reporter") -> "CutText":
        return await engine.ask(Cut(text=text, special_tokens=special_tokens))

    return TokensOf.of(config.model, len(text.encode()), with_tokenizer(config, ask))


def tokens_question(no_special: bool, render: bool, **flags: Any) -> "Question[TokenTable | RenderedText]":
    """The tokens of a prompt, or with `render` the text of a chat, of an engine that is there. Raises UsageError."""
    from explorer.cli import shapes
    from explorer.engine.prompts import prompt_tokens, rendered_chat

    flags.pop("models", None)  # Those beside the engine's are compared by the command alone.
    source = take_source(flags)
    if render and not isinstance(source, Chat):
        raise UsageError("--render is about a chat: give --chat or --messages.")

    async def ask(engine: "Engine", _report: "Reporter", say: Say) -> shapes.TokenTable | shapes.RenderedText:
        if render and isinstance(source, Chat):
            return shapes.RenderedText((await rendered_chat(engine, source, say)).text)
        return shapes.token_table(await prompt_tokens(engine, source, not no_special, note=say))

    return Question(configure(flags), ask)
