import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from explorer.cli.export import write
from explorer.core.record import events
from explorer.core.record.journal import Journal
from explorer.errors import UsageError
from tests.cli.program import is_one_sentence

RECORD = "tests/data/record-v1.jsonl"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([RECORD], 2, "In which format?"),
        ([RECORD, "--to", "pdf"], 2, "no format “pdf”"),
        ([RECORD, "-o", "out.txt"], 2, "out.txt does not say in which format"),
        ([RECORD, "--to", "csv", "--heat", "rank"], 2, "--heat says nothing about csv"),
        ([RECORD, "--to", "svg", "--heat", "warm"], 2, "--heat of svg is prob or entropy"),
        ([RECORD, "--to", "svg", "--theme", "auto"], 2, "light or dark, not “auto”"),
        ([RECORD, "-o", "/nowhere/at.html"], 2, "The folder /nowhere does not exist"),
        ([RECORD, "-o", "/dev/full", "--to", "md", "--force"], 2, "/dev/full is no file"),
        ([RECORD, "-o", RECORD, "--to", "md", "--force"], 2, "is the record itself"),
        ([RECORD, "-o", "README.md"], 2, "README.md exists already and is not overwritten"),
        (["/nowhere.jsonl", "--to", "md"], 5, "/nowhere.jsonl cannot be read"),
        ([__file__, "--to", "md"], 5, "is not a record"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_an_exit_code(run, arguments, code, said):
    done = run("export", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert is_one_sentence(done.stderr)


@pytest.mark.parametrize("name", ["html", "md", "csv", "json", "svg"])
def test_every_format_is_written_to_a_file_and_to_standard_output_alike(run, tmp_path, name):
    out = tmp_path / f"walk.{name}"
    assert run("export", RECORD, "-o", str(out)).stdout == ""
    command = [sys.executable, "-m", "explorer", "export", RECORD, "--to", name]
    printed = subprocess.run(command, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (printed.returncode, printed.stdout) == (0, out.read_bytes())
    assert list(tmp_path.iterdir()) == [out]


def test_the_options_of_a_format_are_heeded(run, tmp_path):
    light, dark = (run("export", RECORD, "--to", "svg", *more).stdout for more in ([], ["--theme", "dark"]))
    assert light != dark
    path, every = (run("export", RECORD, "--to", "csv", *more).stdout for more in ([], ["--branches", "all"]))
    assert len(path) < len(every)
    assert '"heat":"rank"' in run("export", RECORD, "--to", "html", "--heat", "rank").stdout


def test_a_file_is_overwritten_where_that_is_asked_for(run, tmp_path):
    out = tmp_path / "walk.json"
    out.write_text("mine")
    assert run("export", RECORD, "-o", str(out)).returncode == 2
    assert out.read_text() == "mine"
    assert run("export", RECORD, "-o", str(out), "--force").returncode == 0
    assert json.loads(out.read_text())["format"] == "token-explorer-export"


def test_a_record_without_a_prompt_and_one_whose_lines_do_not_fit_are_told(run, tmp_path, header):
    for name, event, said in (
        ("empty", None, "ends before its first prompt"),
        ("damaged", events.Move(node=7), "damaged.jsonl: there is no node 7"),
    ):
        path = tmp_path / f"{name}.jsonl"
        journal = Journal.create(path, header)
        if event:
            journal.append(events.Prompt(text="a", ids=[97]))
            journal.append(event)
        journal.close()
        done = run("export", str(path), "--to", "html")
        assert (done.returncode, done.stdout) == (5, "")
        assert said in done.stderr and is_one_sentence(done.stderr)


def test_a_torn_last_line_is_left_out_and_told_and_the_record_stays_as_it_is(run, tmp_path):
    whole = Path(RECORD).read_bytes()
    torn = tmp_path / "torn.jsonl"
    torn.write_bytes(whole + b'{"event":"mo')
    done = run("export", str(torn), "--to", "json")
    assert done.returncode == 0 and "torn" in done.stderr
    assert done.stdout == run("export", RECORD, "--to", "json").stdout
    assert torn.read_bytes() == whole + b'{"event":"mo'


def test_no_half_file_is_left_where_the_disk_is_full(tmp_path, monkeypatch):
    out = tmp_path / "walk.html"
    out.write_text("before")
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal = pytest.importorskip("signal")
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(UsageError, match="cannot be written: file too large"):
            write(out, "x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("walk.html", "before")]


def test_exporting_brings_nothing_heavy():
    code = "import sys; from explorer.cli import cli; cli.main(sys.argv[1:], standalone_mode=False)"
    checked = code + "; assert not {'torch', 'transformers', 'textual', 'rich', 'tokenizers'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", checked, "export", RECORD, "--to", "html"], capture_output=True)
    assert done.returncode == 0
