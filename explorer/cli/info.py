"""`info`: what a model is, where its weights are, and what it can do with its cache."""

from typing import TYPE_CHECKING, Any

import click

from explorer.cli.engines import with_engine
from explorer.cli.flags import configure, model_options
from explorer.cli.output import print_json

if TYPE_CHECKING:
    from explorer.engine.base import Engine, Reporter


@click.command("info")
@model_options
@click.option("--modules", is_flag=True, help="Also the module tree: path, class, parameters, device.")
@click.option("--parameters", is_flag=True, help="Also every weight: shape, dtype, device.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as the README describes it.")
def info_command(modules: bool, parameters: bool, as_json: bool, **flags: Any) -> None:
    """Load the model and print what it is."""
    from explorer.cli import shapes

    async def ask(engine: "Engine", _report: "Reporter") -> shapes.InfoTable:
        return await shapes.info_table(engine, modules, parameters)

    table = with_engine(configure(flags), ask)
    if as_json:
        print_json(table)
    else:
        from explorer.cli.tables import print_info

        print_info(table)
