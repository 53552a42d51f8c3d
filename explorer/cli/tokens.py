"""`tokens`: the tokens of a text, without torch where the tokenizer allows it."""

from typing import Any

import click

from explorer.cli.options import configure, print_json, text_options, tokenizer_options
from explorer.engines import find_tokens
from explorer.sources import one_source


@click.command("tokens")
@text_options
@tokenizer_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as the README describes it.")
def tokens_command(
    text: str | None, file: str | None, ids: str | None, no_special: bool, as_json: bool, **flags: Any
) -> None:
    """Print the tokens of TEXT with their ids, pieces and bytes."""
    from explorer import headless

    config = configure(flags)
    table = headless.token_table(find_tokens(config, one_source(text, file, ids), not no_special))
    if as_json:
        print_json(table)
    else:
        from explorer.tables import print_tokens

        print_tokens(table)
