"""The console script as a process of its own: a run of each command. Most other tests run commands in this process."""

import subprocess

import pytest

from tests.cli.program import PROGRAM, process

RECORD = "tests/data/record-v1.jsonl"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["tokens", "Once upon a 옛날"],
        ["next", "Once upon a"],
        ["score", "Once upon a time"],
        ["sample", "Once upon a", "--seed=1", "--max-new-tokens=8", "--echo"],
        ["info"],
        ["models"],
        ["sessions", "tests/data"],
        ["export", RECORD, "--to", "md"],
        ["diff", RECORD, RECORD],
        ["replay", RECORD],
        ["resume", "/nowhere.jsonl"],
        ["score", "--nope"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_process_prints_and_ends_as_the_command_in_this_process(run, arguments):
    done, here = process(*arguments), run(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (here.returncode, here.stdout, here.stderr)
    assert done.stdout or done.returncode


@pytest.mark.parametrize("level", ["1", "2"])
def test_python_that_leaves_out_docstrings_and_assertions_changes_nothing(level):
    optimized, usual = (process("next", "a", "--json", env={"PYTHONOPTIMIZE": o}) for o in (level, ""))
    assert (optimized.returncode, optimized.stdout) == (0, usual.stdout), optimized.stderr


def test_a_current_folder_that_was_deleted_changes_nothing(tmp_path):
    there = tmp_path / "there"
    there.mkdir()
    command = ["sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh", str(PROGRAM), "next", "a", "--json"]
    done = subprocess.run(command, cwd=there, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8")
    assert (done.returncode, done.stdout) == (0, process("next", "a", "--json").stdout), done.stderr


def test_a_text_is_the_same_in_the_locale_c():
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert process("tokens", "옛날", "--json", env=plain).stdout == process("tokens", "옛날", "--json").stdout
    done = process("tokens", b"\xec\x98", env=plain)
    assert (done.returncode, done.stderr) == (2, "The text is not UTF-8.\n")


def test_a_folder_of_settings_that_is_a_file_holds_none():
    assert process("tokens", "a", env={"XDG_CONFIG_HOME": "/dev/null"}).returncode == 0
