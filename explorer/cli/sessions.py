"""`sessions`: the records of a folder."""

import os
from pathlib import Path

import click
import msgspec

from explorer.config import record_folder
from explorer.errors import UsageError


@click.command("sessions")
@click.argument("folder", metavar="[FOLDER]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as the README describes it.")
def sessions_command(folder: str | None, as_json: bool) -> None:
    """List the records of the data folder, or of FOLDER, the newest first."""
    from explorer.core.record.outline import outlines

    place = record_folder() if folder is None else Path(folder).expanduser()
    if folder is not None and not place.is_dir():
        raise UsageError(f"There is no folder {place}.")
    found = outlines(place) if place.is_dir() else []
    if as_json:
        click.echo(msgspec.json.encode({"folder": os.fsencode(place).decode(errors="replace"), "sessions": found}))
    elif not found:
        click.echo(f"There is no record in {place} yet.")
    else:
        from explorer.cli.tables import print_sessions

        print_sessions(found, place)
