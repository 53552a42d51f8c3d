"""`info`: what a model is, where its weights are, and what it can do with its cache."""

from typing import TYPE_CHECKING, Any

import click

from explorer.cli.flags import AS_JSON, configure, model_options
from explorer.cli.output import print_json
from explorer.cli.question import Question, Say

if TYPE_CHECKING:
    from explorer.cli.shapes import InfoTable
    from explorer.engine.base import Engine, Reporter


@click.command("info")
@model_options
@click.option("--modules", is_flag=True, help="Also the module tree: path, class, parameters, device.")
@click.option("--parameters", is_flag=True, help="Also every weight: shape, dtype, device.")
@AS_JSON
def info_command(as_json: bool, **flags: Any) -> None:
    """Load the model and print what it is."""
    table = info_question(**flags).answer()
    if as_json:
        print_json(table)
    else:
        from explorer.cli.tables import print_info

        print_info(table)


def info_question(modules: bool, parameters: bool, **flags: Any) -> "Question[InfoTable]":
    """What the model is. Raises UsageError."""
    from explorer.cli import shapes

    async def ask(engine: "Engine", _report: "Reporter", _say: Say) -> shapes.InfoTable:
        return await shapes.info_table(engine, modules, parameters)

    return Question(configure(flags), ask)
