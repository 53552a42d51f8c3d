"""The command line: one command a module, exit codes.

Part of the composition root: which engine, which folder, which record. Every heavy import is lazy: `--help` and
`tokens` start at once. Data goes to standard output; an error is one sentence on standard error.
"""

import errno
import io
import os
import sys
from collections.abc import Sequence

import click

from explorer.cli.engines import Engines
from explorer.cli.root import cli
from explorer.cli.streams import replace_closed
from explorer.errors import ExitCode, ExplorerError


def main(arguments: Sequence[str] | None = None, engines: Engines | None = None) -> None:
    """The program. Every error ends here, as a sentence and an exit code; it is left by SystemExit.

    `arguments`: None for those of the process. `engines`: None for an engine of its own for each command.
    """
    replace_closed()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = cli.main(arguments, prog_name="token-explorer", standalone_mode=False, obj=engines)
    except ExplorerError as error:
        fail(str(error), error.exit_code)
    except click.ClickException as error:
        fail(error.format_message(), ExitCode.USAGE)
    except (KeyboardInterrupt, click.Abort):
        fail("Interrupted.", ExitCode.INTERRUPTED)
    except OSError as error:
        # What was not written is still in the buffer, and would be complained of once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        closed = error.errno == errno.EBADF
        why = "standard output is closed" if closed else (error.strerror or str(error)).lower()
        fail(f"The output cannot be written: {why}.", ExitCode.USAGE)
    sys.exit(code if isinstance(code, int) else ExitCode.SUCCESS)


def fail(sentence: str, code: ExitCode) -> None:
    sentence = " ".join(sentence.split())
    click.echo(sentence if sentence.endswith((".", "!", "?")) else f"{sentence}.", err=True)
    sys.exit(code)
