"""`models`: the models on this machine."""

import click

from explorer.cli.engines import listed_models
from explorer.cli.output import print_json


@click.command("models")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as the README describes it.")
def models_command(as_json: bool) -> None:
    """List the models on this machine: the one that ships, the Hugging Face cache, Ollama, LM Studio, llama.cpp."""
    entries = listed_models()
    if as_json:
        print_json({"models": entries})
    else:
        from explorer.cli.tables import print_models

        print_models(entries)
