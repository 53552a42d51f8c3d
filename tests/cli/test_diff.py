import json
import re
from pathlib import Path

import pytest

from tests.cli.program import is_one_sentence


@pytest.fixture(scope="module")
def records(run, walk, tmp_path_factory) -> tuple[Path, Path]:
    out = tmp_path_factory.mktemp("other") / "bfloat16.jsonl"
    assert run("replay", str(walk), "--record", str(out), "--dtype", "bfloat16").returncode == 0
    return walk, out


def test_diff_shows_the_size_of_a_dtype(run, records):
    one, other = map(str, records)
    done = run("diff", one, other)
    assert (done.returncode, done.stderr) == (0, "")
    assert "float32" in done.stdout and "bfloat16" in done.stdout
    assert "Both paths are the same" in done.stdout
    # Text gives way where it is narrow, and no digit does: tests run without a terminal, at 80 columns.
    assert re.search(r"≥ \d\.\de-0\d +\d\.\de-0\d +\d+ of \d+ +\d+\.\d\d +\d+\.\d\d\n", done.stdout)
    least = json.loads(run("diff", one, other, "--json").stdout)
    exact = json.loads(run("diff", one, other, "--run", "--json").stdout)
    assert 1e-3 < least["max_logprob_error"] < 0.5
    assert 0 < least["mean_kl"] < 0.01
    pairs = [
        (a["kl"], b["kl"])
        for a, b in zip(least["positions"], exact["positions"][: len(least["positions"])], strict=False)
        if b["exact"] and a["length"] == b["length"] and a["kl"] is not None
    ]
    assert pairs
    assert all(bound <= kl + 1e-7 for bound, kl in pairs)


def test_diff_of_other_vocabularies_says_that_kl_is_not_defined(run, walk):
    done = run("diff", str(walk), "tests/data/record-v1.jsonl")
    assert done.returncode == 0
    assert "KL is not defined" in done.stdout


def test_a_record_without_a_prompt_is_one_sentence(run, walk, tmp_path):
    empty = tmp_path / "empty.jsonl"
    empty.write_text(walk.read_text().splitlines(keepends=True)[0])
    done = run("diff", str(walk), str(empty))
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)
