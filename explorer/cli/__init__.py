"""The command line: one command a module, exit codes.

Part of the composition root: which engine, which folder, which record. Every heavy import is lazy: `--help` and
`tokens` start at once. Data goes to standard output; an error is one sentence on standard error.
"""

import io
import os
import sys
import traceback
from collections.abc import Sequence

import click

from explorer.cli.engines import Engines
from explorer.cli.output import one_line, pictured_errors, say, unwritten
from explorer.cli.root import cli
from explorer.cli.signals import heard_as_interruption
from explorer.cli.streams import replace_closed
from explorer.core.folders import log_folder
from explorer.core.moment import now
from explorer.core.reading import reason
from explorer.errors import ExitCode, ExplorerError, OutputError


@heard_as_interruption()
def main(arguments: Sequence[str] | None = None, engines: Engines | None = None) -> None:
    """The program. Every error ends here, as a sentence and an exit code; it is left by SystemExit.

    `arguments`: None for those of the process. `engines`: None for an engine of its own for each command.
    """
    replace_closed()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    with pictured_errors():
        sys.exit(_run(arguments, engines))


def _run(arguments: Sequence[str] | None, engines: Engines | None) -> int:
    """The exit code; a sentence is said where it is not 0."""
    try:
        code = cli.main(arguments, prog_name="token-explorer", standalone_mode=False, obj=engines)
        return code if isinstance(code, int) else ExitCode.SUCCESS
    except OutputError as error:
        # What was not written is still in the buffer, and would be complained of once more at the end.
        leave_unwritten()
        return fail(str(error), error.exit_code)
    except ExplorerError as error:
        return fail(str(error), error.exit_code)
    except click.NoSuchOption as error:
        text = error.option_name[1:2].isdigit()
        way_out = f" A text that begins with - stands behind --, as in “-- {error.option_name}”." if text else ""
        return fail(error.format_message() + way_out, ExitCode.USAGE)
    except click.ClickException as error:
        return fail(error.format_message(), ExitCode.USAGE)
    except (KeyboardInterrupt, click.Abort):
        return fail("Interrupted.", ExitCode.INTERRUPTED)
    except OSError as error:
        if lost := unwritten():
            leave_unwritten()
            return fail(str(lost), lost.exit_code)
        about = f"{error.filename!s} cannot be used: " if error.filename is not None else "The system refused: "
        return fail(about + reason(error), ExitCode.USAGE)
    except BaseException as error:
        # A panic of a library in Rust is no Exception. The end of the program itself is none of ours.
        if isinstance(error, SystemExit | GeneratorExit):
            raise
        return fail(unforeseen(error), ExitCode.UNFORESEEN)


def fail(sentence: str, code: ExitCode) -> ExitCode:
    """Say what is wrong, as a sentence."""
    sentence = one_line(sentence)
    say(sentence if sentence.endswith((".", "!", "?")) else f"{sentence}.")
    return code


def unforeseen(error: BaseException) -> str:
    """A sentence about a fault of the program itself, whose traceback is kept in a file."""
    kind = type(error).__name__
    file = log_folder() / f"fault-{now().astimezone():%Y%m%d-%H%M%S}-{os.getpid()}.log"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(traceback.format_exception(error)), "utf-8", errors="backslashreplace")
    except OSError as fault:
        return f"This is a fault of the program ({kind}: {error}). Its log {file} cannot be written: {reason(fault)}."
    return (
        f"This is a fault of the program ({kind}: {error}). Please report it with the file {file}, which tells where."
    )


def leave_unwritten() -> None:
    """Let what is still in the buffer of standard output go nowhere."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
