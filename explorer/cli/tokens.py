"""`tokens`: the tokens of a text, without torch where the tokenizer allows it."""

from typing import Any

import click

from explorer.cli.engines import find_tokens, render_chat
from explorer.cli.options import configure, prompt_options, refuse_both, tokenizer_options
from explorer.cli.output import print_json, print_text
from explorer.cli.sources import take_source
from explorer.core.chat import Chat
from explorer.errors import UsageError


@click.command("tokens")
@prompt_options
@tokenizer_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as the README describes it.")
@click.option("--render", is_flag=True, help="Print what the chat template makes of a chat, untokenised.")
def tokens_command(no_special: bool, as_json: bool, render: bool, **flags: Any) -> None:
    """Print the tokens of TEXT with their ids, pieces and bytes."""
    from explorer.cli import shapes

    source = take_source(flags)
    config = configure(flags)
    refuse_both("--render", render, "--json", as_json)
    if render:
        if not isinstance(source, Chat):
            raise UsageError("--render is about a chat: give --chat or --messages.")
        print_text(render_chat(config, source).text)
        return
    table = shapes.token_table(find_tokens(config, source, not no_special))
    if as_json:
        print_json(table)
    else:
        from explorer.cli.tables import print_tokens

        print_tokens(table)
