"""`sessions`: the records of a folder."""

import click

from explorer.cli.output import print_json, tell
from explorer.core.folders import record_folder
from explorer.core.reading import path_of
from explorer.errors import UsageError


@click.command("sessions")
@click.argument("folder", metavar="[FOLDER]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as the README describes it.")
def sessions_command(folder: str | None, as_json: bool) -> None:
    """List the records of the data folder, or of FOLDER, the newest first."""
    from explorer.core.record.outline import outlines

    place = record_folder() if folder is None else path_of(folder)
    if folder is not None and not place.is_dir():
        raise UsageError(f"There is no folder {place}.")
    found = outlines(place) if place.is_dir() else []
    if as_json:
        print_json({"folder": str(place), "sessions": found})
    elif not found:
        tell(f"There is no record in {place} yet.")
    else:
        from explorer.cli.tables import print_sessions

        print_sessions(found, place)
