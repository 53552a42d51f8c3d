import subprocess

import pytest


def commands(*arguments: str, env: dict[str, str] | None = None) -> list[str]:
    """What `make run` would do in an environment that is installed."""
    make = ["make", "--dry-run", "--no-print-directory", "--old-file=.venv/run", "run", *arguments]
    done = subprocess.run(make, capture_output=True, encoding="utf-8", env={"PATH": "/usr/bin:/bin", **(env or {})})
    assert done.returncode == 0, done.stderr
    return [line.strip() for line in done.stdout.splitlines()]


def test_make_run_opens_the_explorer_and_nothing_else():
    assert commands() == [".venv/bin/token-explorer"]
    assert commands("ARGS=-p 'The sky is'") == [".venv/bin/token-explorer -p 'The sky is'"]


def test_make_run_with_a_model_gets_it_and_opens_whatever_is_asked_on_it():
    got, opened = commands("MODEL=smollm2", 'ARGS=next "a b"')
    assert got == ".venv/bin/token-explorer get 'smollm2' --json > /dev/null"
    assert opened == "TOKEN_EXPLORER_MODEL='smollm2' .venv/bin/token-explorer next \"a b\""


@pytest.mark.parametrize("name", ["MODEL", "model"])
def test_a_variable_of_that_name_in_the_environment_is_another_programs(name):
    assert commands(env={name: "gpt-4"}) == [".venv/bin/token-explorer"]
