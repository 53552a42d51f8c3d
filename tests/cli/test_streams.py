"""The program where standard input, output or error is closed from the beginning."""

import os
import subprocess

import pytest

from explorer.errors import ExitCode
from tests.cli.program import PROGRAM, is_one_sentence


def closed(which: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The program with streams closed as a shell closes them: `>&-`."""
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {which}', "sh", PROGRAM, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "COLUMNS": "80"},
    )


@pytest.mark.parametrize(
    "arguments",
    [["tokens", "hi", "--json"], ["tokens", "hi"], ["next", "hi"], ["sample", "hi", "--seed=1"], ["--help"]],
    ids=" ".join,
)
def test_output_that_is_closed_is_no_success(arguments):
    done = closed(">&-", *arguments)
    assert done.returncode == ExitCode.USAGE
    assert done.stderr == "The output cannot be written: standard output is closed.\n"


def test_input_that_is_closed_is_no_empty_text():
    done = closed("<&-", "tokens", "--file", "-")
    assert done.returncode == ExitCode.USAGE
    assert is_one_sentence(done.stderr)


@pytest.mark.parametrize("which", ["<&-", "2>&-", "<&- 2>&-"])
def test_a_closed_stream_that_is_not_needed_changes_nothing(which):
    done, usual = closed(which, "next", "hi", "--json"), closed("", "next", "hi", "--json")
    assert (done.returncode, done.stdout) == (0, usual.stdout)


@pytest.mark.parametrize("which", ["<&-", ">&-", "<&- >&-"])
def test_the_explorer_asks_for_a_terminal_where_a_stream_is_closed(which):
    done = closed(which)
    assert done.returncode == ExitCode.USAGE
    assert "needs a terminal" in done.stderr and is_one_sentence(done.stderr)
