import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from explorer.cli.flags import record_file
from explorer.core.folders import record_folder
from explorer.core.record.outline import Outline
from tests.cli.program import is_one_sentence
from tests.core.test_mending import HOLD

OLD = Path(__file__).parents[1] / "data" / "record-v1.jsonl"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The folder of records, with nothing in it."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    record_folder().mkdir(parents=True)
    return record_folder()


def test_no_record_yet_is_said(run, folder):
    assert run("sessions").stdout == f"There is no record in {folder} yet.\n"
    folder.rmdir()
    assert json.loads(run("sessions", "--json").stdout) == {"folder": str(folder), "sessions": []}


def test_the_records_are_listed_for_a_person_and_for_a_program(run, folder):
    shutil.copy(OLD, folder / "one.jsonl")
    (folder / "two.jsonl").write_text(OLD.read_text().replace('"text":"Once upon a"', '"text":"[red]\\u001b"'))
    (folder / "three.jsonl").write_text("no record")
    shown = run("sessions").stdout
    assert [line.split()[0] for line in shown.splitlines() if line.startswith("  ")][:1] == ["three.jsonl"]
    assert "[red]␛" in shown and f"3 records in {folder}" in shown.replace("\n", "")
    listed = json.loads(run("sessions", "--json").stdout)
    assert listed["folder"] == str(folder)
    assert {Path(one["path"]).name for one in listed["sessions"]} == {"one.jsonl", "two.jsonl", "three.jsonl"}
    one = next(one for one in listed["sessions"] if one["path"].endswith("one.jsonl"))
    assert list(one) == list(Outline.__struct_fields__)
    assert (one["model"], one["prompt"], one["tokens"], one["branches"]) == ("scripted", "Once upon a", 7, 3)
    assert (one["size"], one["state"]) == (OLD.stat().st_size, "closed")


def test_a_folder_that_is_not_there_is_said(run, tmp_path):
    done = run("sessions", str(tmp_path / "missing"))
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr) and "There is no folder" in done.stderr


def test_a_record_is_named_as_it_is_listed(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(OLD, folder / "one.jsonl")
    assert record_file("one.jsonl") == folder / "one.jsonl"
    assert record_file("two.jsonl") == Path("two.jsonl")
    shutil.copy(OLD, tmp_path / "one.jsonl")
    assert record_file("one.jsonl") == Path("one.jsonl")


def test_a_record_that_is_open_is_listed_as_such_and_not_resumed(run, folder):
    path = shutil.copy(OLD, folder / "one.jsonl")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        assert json.loads(run("sessions", "--json").stdout)["sessions"][0]["state"] == "open"
        done = run("resume", "one.jsonl")
        assert (done.returncode, done.stdout) == (5, "")
        assert "is open in another explorer" in done.stderr
        other.stdin.close()
