"""`export`: a record as a file for those who do not run the program. No model is loaded."""

import os
from pathlib import Path

import click

from explorer.cli.flags import record_file
from explorer.cli.output import print_text, say
from explorer.core.heat import METRICS
from explorer.core.reading import path_of, reason
from explorer.errors import UsageError


@click.command("export")
@click.argument("path", metavar="FILE")
@click.option("--to", metavar="FORMAT", help="html, md, csv, json or svg. Default: what the name of OUT ends with.")
@click.option(
    "--out", "-o", metavar="OUT", default="-", help="The file to write. Default: -, which is standard output."
)
@click.option("--force", is_flag=True, help="Overwrite OUT where it exists.")
@click.option(
    "--heat",
    help=f"What the colours tell (html, svg): {', '.join(metric.id for metric in METRICS)} or none. "
    f"Default: {METRICS[0].id}.",
)
@click.option("--theme", help="light or dark (html, svg). Default: what the reader's system says; for svg, light.")
@click.option("--branches", help="path or all (csv): a row for each token of the path, or of every branch.")
def export_command(path: str, to: str | None, out: str, force: bool, **options: str | None) -> None:
    """Write the walk in the record FILE as a page, a text, a table, data or a picture."""
    from explorer.core.record import journal
    from explorer.export.document import Document
    from explorer.export.formats import format_of

    file, target = record_file(path), None if out == "-" else path_of(out)
    wanted = format_of(to, target)
    said = {name: value for name, value in options.items() if value is not None}
    wanted.check(said)
    if target is not None:
        check_target(target, file, force)
    record = journal.read(file)
    if record.torn:
        say(f"The last line of {file} is torn; it is left out.")
    text = wanted.make(Document.of(record, str(file)), said)
    if target is not None:
        write(target, text)
    else:
        print_text(text)


def check_target(target: Path, record: Path, force: bool) -> None:
    """Raises UsageError where the file cannot or must not be written."""
    try:
        _check_target(target, record, force)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {reason(error)}.") from error


def _check_target(target: Path, record: Path, force: bool) -> None:
    if not target.parent.is_dir():
        raise UsageError(f"The folder {target.parent} does not exist. Make it first.")
    if not target.exists():
        return
    if not target.is_file():
        raise UsageError(f"{target} is no file. Choose another name.")
    if record.exists() and target.samefile(record):
        raise UsageError(f"{target} is the record itself. Choose another name.")
    if not force:
        raise UsageError(f"{target} exists already and is not overwritten. Choose another name, or give --force.")


def write(target: Path, text: str) -> None:
    """The whole file or none: it gets its name when it is complete. Raises UsageError."""
    try:
        target = target.resolve()
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            part.write_bytes(text.encode())
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {reason(error)}.") from error
    except RuntimeError as error:
        raise UsageError(f"{target} cannot be written: its links lead in a circle.") from error
