"""A walk on a real model as a record: verified by a process that computed none of it, walked again, compared, shown."""

import json
from pathlib import Path

import pytest

from tests.cli.program import process
from tests.real.conftest import DTYPE
from tests.replay.conftest import record_walk


@pytest.fixture(scope="module")
def walk(engine, engines, tmp_path_factory) -> Path:
    """Everything that a record can hold, and an end in bytes of Hangul."""
    folder = tmp_path_factory.mktemp("walk")
    return engines.run(record_walk(engine, folder / "walk.jsonl", "The capital of France is"))


def test_every_number_of_a_record_holds_in_a_process_that_computed_none_of_it(walk):
    done = process("replay", str(walk), "--verify", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert report["holds"]
    assert report["max_logprob_error"] < 1e-3
    assert report["draws_unchecked"] == report["prompts_unchecked"] == 0


def test_a_number_that_was_changed_is_found(run, walk, tmp_path):
    lines = walk.read_text("utf-8").splitlines(keepends=True)
    number = max(n for n, line in enumerate(lines) if '"event":"seen"' in line)
    seen = json.loads(lines[number])
    seen["candidates"][3]["logprob"] -= 0.05
    changed = tmp_path / "changed.jsonl"
    changed.write_text("".join([*lines[:number], json.dumps(seen) + "\n", *lines[number + 1 :]]), "utf-8")
    done = run("replay", str(changed), "--verify", "--json")
    assert done.returncode == 1
    assert [(one["line"], one["what"]) for one in json.loads(done.stdout)["deviations"]] == [(number + 1, "logprob")]


def test_the_walk_in_sixteen_bits_is_near_and_the_difference_is_told(run, walk, tmp_path):
    half = tmp_path / "half.jsonl"
    assert run("replay", str(walk), "--record", str(half), "--dtype", "bfloat16").returncode == 0
    assert run("replay", str(half), "--verify").returncode == 0
    done = run("diff", str(walk), str(half), "--run", "--json")
    told = json.loads(done.stdout)
    assert (told["a"]["dtype"], told["b"]["dtype"]) == (DTYPE, "bfloat16")
    assert 0 < told["mean_kl"] < 0.02
    assert 1e-4 < told["max_logprob_error"] < 1


@pytest.mark.parametrize(
    ("name", "shown"),
    [("html", "capital"), ("md", "옛날 a"), ("csv", "‹9B›"), ("json", "capital of France"), ("svg", "옛날")],
)
def test_it_is_shown_in_every_format_with_no_character_broken(run, walk, tmp_path, name, shown):
    out = tmp_path / f"walk.{name}"
    done = run("export", str(walk), "-o", str(out))
    assert (done.returncode, done.stderr) == (0, "")
    text = out.read_text("utf-8")
    assert shown in text
    assert "\ufffd" not in text
