"""`score`: what the model thinks of each token of a text."""

from typing import TYPE_CHECKING, Any

import click

from explorer.cli.options import configure, model_options, print_json
from explorer.engines import with_engine
from explorer.sources import one_source

if TYPE_CHECKING:
    from explorer.engine.base import Engine


@click.command("score")
@click.argument("text", required=False)
@click.option("--file", help="A file that holds the text; - is standard input.")
@click.option("--prompt", help="Context before TEXT, which does not count.")
@click.option("--top", "-n", type=int, help="Alternatives of each token in the JSON. Default: 5.")
@model_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as the README describes it.")
def score_command(text: str | None, file: str | None, prompt: str | None, as_json: bool, **flags: Any) -> None:
    """Print what the model thinks of each token of TEXT, and the perplexity of the whole."""
    from explorer import headless

    config = configure({**flags, "top": 5 if flags["top"] is None else flags["top"]})
    source = one_source(text, file, None)

    async def ask(engine: "Engine") -> headless.ScoreTable:
        context = [t.id for t in await engine.encode(prompt)] if prompt is not None else []
        # The text goes on where the prompt ends: it gets no special tokens of its own.
        ids = context + [t.id for t in await engine.encode(str(source), prompt is None)]
        return await headless.score_table(engine, ids, len(context), config.top)

    table = with_engine(config, ask)
    if as_json:
        print_json(table)
    else:
        from explorer.tables import print_score

        print_score(table)
