"""What is read: files of every kind and encoding, paths of every kind, numbers and nestings beyond any use."""

import codecs
import json
import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from explorer.config import load
from explorer.core import reading
from explorer.core.query import Query
from explorer.core.sampling.pace import read_ids, read_strings
from explorer.embedded import EMBEDDED
from explorer.errors import UsageError
from explorer.ui.theme import ThemeError, read_theme, shipped_folder
from tests.cli.program import PROGRAM, is_one_sentence

OLD = Path(__file__).parents[1] / "data" / "record-v1.jsonl"
BOM = codecs.BOM_UTF8
CHAT = b'[{"role": "user", "content": "Hi"}]'
DEEP = "[" * 100_000
DIGITS = "9" * 5000


def ids(done) -> list[int]:
    assert done.returncode == 0, done.stderr
    return [token["id"] for token in json.loads(done.stdout)["tokens"]]


def refused(done, said: str = "", code: int = 2) -> bool:
    assert said in done.stderr
    return (done.returncode, done.stdout) == (code, "") and is_one_sentence(done.stderr)


def test_the_mark_that_an_editor_begins_a_file_with_is_no_text(run, tmp_path):
    plain = ids(run("tokens", "Hi", "--json"))
    for name, data in (("file", b"Hi"), ("messages", CHAT)):
        file = tmp_path / name
        file.write_bytes(data)
        before = ids(run("tokens", f"--{name}", str(file), "--json"))
        file.write_bytes(BOM + data)
        assert ids(run("tokens", f"--{name}", str(file), "--json")) == before
    assert ids(run("tokens", "--file", "-", "--json", input=BOM + b"Hi")) == plain
    prompts = tmp_path / "prompts"
    drawn = []
    for mark in (b"", BOM):
        prompts.write_bytes(mark + b"Once\r\nupon\r\n")
        done = run("sample", "--prompts", str(prompts), "--max-new-tokens", "2", "--seed", "1", "--echo")
        drawn.append(done.stdout)
    assert drawn[0] == drawn[1]
    # The mark inside of a text is the text's own.
    assert len(ids(run("tokens", "\ufeffHi", "--json"))) > len(plain)


def test_settings_themes_and_device_maps_may_begin_with_the_mark(run, tmp_path):
    config = tmp_path / "config.toml"
    config.write_bytes(BOM + b"top = 3")
    assert load({}, {}, config).top == 3
    record = tmp_path / "record.jsonl"
    record.write_bytes(BOM + OLD.read_bytes())
    assert run("export", str(record), "--to", "csv").stdout == run("export", str(OLD), "--to", "csv").stdout
    theme = tmp_path / "mine.toml"
    theme.write_bytes(BOM + (shipped_folder() / "dark.toml").read_bytes())
    assert read_theme(theme).name == "dark"
    placed = tmp_path / "map.json"
    placed.write_bytes(BOM + b'{"": "tpu"}')
    assert refused(run("next", "a", "--device-map", str(placed)), code=3)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
@pytest.mark.parametrize("flag", ["--file", "--messages"])
def test_a_text_in_another_encoding_says_which(run, tmp_path, encoding, flag):
    file = tmp_path / "text"
    file.write_bytes("안녕".encode(encoding))
    assert refused(run("tokens", flag, str(file)), f"is {encoding.upper()} text. Save it as UTF-8.")


# Kinds of files.


def test_a_pipe_is_read_to_its_end(run, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for flag, data in (("--file", b"Hi"), ("--messages", CHAT)):
        writer = threading.Thread(target=pipe.write_bytes, args=(data,))
        writer.start()
        assert ids(run("tokens", flag, str(pipe), "--json"))
        writer.join()


def test_a_process_in_place_of_a_file_is_read():
    command = f"{PROGRAM} tokens --json --file <(printf Hi)"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert ids(done)


def test_a_pipe_without_a_writer_is_waited_for_in_words_until_it_is_interrupted(tmp_path, interruptible):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [str(PROGRAM), "tokens", "--file", str(pipe)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as waiting:
        assert waiting.stderr.readline() == f"Waiting for {pipe}; Ctrl+C ends that.\n"
        waiting.send_signal(signal.SIGINT)
        assert waiting.communicate()[1] == "Interrupted.\n"
    assert waiting.returncode == 130


@pytest.mark.parametrize("flag", ["--file", "--messages", "--device-map"])
def test_a_device_that_never_ends_is_not_read_for_ever(run, flag):
    assert refused(run("next", *["a"] * (flag == "--device-map"), flag, "/dev/zero"), "too much for a text")


@pytest.mark.parametrize("flag", ["--file", "--messages", "--device-map"])
def test_an_input_that_cannot_be_read_is_no_output_that_cannot_be_written(run, tmp_path, flag):
    before = ["a"] * (flag == "--device-map")
    for name in ("a" * 5000, str(tmp_path), "/proc/self/mem", "a\0b", f"{OLD}/below"):
        done = run("next", *before, flag, name)
        assert refused(done)
        assert "cannot be written" not in done.stderr


# Paths.

NOBODY = "~nobody-of-this-name/x"


@pytest.mark.parametrize(
    "arguments",
    [
        *[["next", *["a"] * (flag in ("--model", "--device-map")), flag, NOBODY] for flag in ("--file", "--messages")],
        *[["next", "a", flag, NOBODY] for flag in ("--model", "--device-map")],
        ["tokens", "a", "--model", NOBODY],
        ["sample", "--prompts", NOBODY],
        *[[command, NOBODY] for command in ("resume", "replay", "sessions", "export")],
        ["diff", NOBODY, NOBODY],
        ["replay", str(OLD), "--record", NOBODY],
        ["export", str(OLD), "-o", NOBODY],
        ["--record", NOBODY],
        ["--file", NOBODY],
    ],
    ids=" ".join,
)
def test_the_folder_of_a_user_that_there_is_not_is_a_sentence(run, arguments):
    assert refused(run(*arguments), "~nobody-of-this-name stands for the folder of a user")


def test_settings_are_looked_for_in_the_folder_of_a_user(run):
    assert refused(run("tokens", "a", env={"TOKEN_EXPLORER_CONFIG": NOBODY}), "the folder of a user")


def test_links_in_a_circle_are_a_sentence(run, tmp_path):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for arguments in (
        ["export", str(OLD), "-o", str(loop), "--to", "md"],
        ["export", str(OLD), "-o", str(loop / "x.md")],
        ["export", str(loop)],
        ["resume", str(loop)],
        ["sessions", str(loop)],
        ["tokens", "--file", str(loop)],
        ["tokens", "a", "--model", str(loop)],
        ["--record", str(loop)],
        ["--record", str(loop / "x")],
    ):
        done = run(*arguments)
        assert (done.returncode in (2, 3, 5), is_one_sentence(done.stderr)) == (True, True), (arguments, done)
    assert loop.is_symlink()


@pytest.mark.parametrize(
    "arguments",
    [
        *(["next", "a", "--model", b"\xff"], ["next", "a", "--dtype", b"\xff"], ["next", "a", "--ids", b"\xff"]),
        *(
            ["next", "--chat", b"\xff"],
            ["next", "--chat", "a", "--system", b"\xff"],
            ["score", "a", "--prompt", b"\xff"],
        ),
        *(["next", "--chat", "a", "--template-flag", b"a=\xff"], ["sample", "a", "--stop", b"\xff"]),
        *(["next", "a", "--preset", b"\xff"], ["next", "a", "--revision", b"\xff"], [b"\xff"], [b"--\xff"]),
    ],
)
def test_a_flag_that_is_no_utf8_is_a_sentence(run, arguments):
    done = run(*arguments)
    assert (done.returncode in (2, 3), done.stdout, is_one_sentence(done.stderr)) == (True, "", True)


def test_an_environment_that_is_no_utf8_is_a_sentence(run):
    assert refused(run("next", "a", env={"TOKEN_EXPLORER_MODEL": "\udcff"}), "UTF-8")


def test_a_file_whose_name_is_no_utf8_is_read(run, tmp_path):
    file = tmp_path / "a\udcff.txt"
    file.write_text("Hi")
    assert ids(run("tokens", "--file", str(file), "--json"))


# Depth and digits.


@pytest.mark.parametrize(
    "data", [DEEP, "[" * 100_000 + "]" * 100_000, DIGITS, f'[{{"role": "user", "content": {DIGITS}}}]']
)
def test_messages_and_maps_that_nest_or_count_beyond_reason_are_a_sentence(run, tmp_path, data):
    file = tmp_path / "file"
    file.write_text(data)
    for arguments in (["tokens", "--messages"], ["next", "a", "--device-map"]):
        assert refused(run(*arguments, str(file)))


@pytest.mark.parametrize(
    "text", [f"top = {DEEP}", f"top = {DIGITS}", f"stop = {DEEP}{']' * 100_000}", "a.b" * 9000 + "=1"]
)
def test_settings_and_themes_that_nest_or_count_beyond_reason_are_a_sentence(run, tmp_path, text):
    file = tmp_path / "config.toml"
    file.write_text(text)
    assert refused(run("tokens", "a", env={"TOKEN_EXPLORER_CONFIG": str(file)}))
    with pytest.raises(ThemeError):
        read_theme(file)


@pytest.mark.parametrize(
    "arguments",
    [
        *[["next", "a", flag, DIGITS] for flag in ("--top", "--temperature", "--top-k", "--seed", "--ban")],
        ["next", "--ids", DIGITS],
        ["tokens", "--ids", DIGITS],
        ["sample", "a", "--stop-id", DIGITS],
        ["sample", "a", "--num-sequences", "9" * 30],
        ["sample", "a", "--max-new-tokens", DIGITS],
        ["next", "a", "--max-memory", f"0:{DIGITS}GiB", "--device-map", "auto"],
        ["replay", str(OLD), "--speed", DIGITS],
    ],
    ids=lambda arguments: " ".join(arguments)[:40],
)
def test_numbers_beyond_reason_are_a_sentence(run, arguments):
    done = run(*arguments)
    assert (done.returncode in (2, 3, 4), done.stdout, is_one_sentence(done.stderr)) == (True, "", True), done
    assert len(done.stderr) < 1500


def test_what_is_typed_in_dialogs_is_refused_in_a_sentence():
    for ask in (
        lambda: Query.parse(f"#{DIGITS}"),
        lambda: read_ids(DIGITS),
        lambda: read_strings(f'"a", {DEEP}'),
        lambda: read_strings(f'"a", {DIGITS}'),
    ):
        with pytest.raises(UsageError):
            ask()


def test_a_flag_of_a_template_that_nests_too_deep_is_a_sentence(run):
    assert refused(run("tokens", "--chat", "a", "--template-flag", f"a={DEEP}"), "nested too deep")


def test_half_a_character_in_a_flag_of_a_template_is_a_sentence(run):
    assert refused(run("tokens", "--chat", "a", "--template-flag", 'a="\\ud800"'), "half a character")


# The width of a table.


@pytest.mark.parametrize("columns", ["0", "-5", "garbage", "", "²", DIGITS, "9" * 17, "1"])
def test_a_width_that_says_nothing_costs_no_table(run, tmp_path, columns):
    shutil.copy(OLD, tmp_path / "one.jsonl")
    for arguments in (["tokens", "a cat"], ["models"], ["sessions", str(tmp_path)], ["diff", str(OLD), str(OLD)]):
        done = run(*arguments, env={"COLUMNS": columns})
        assert (done.returncode, done.stderr) == (0, "")
        assert len(done.stdout.split()) > 5


# The last guard.


def test_a_fault_of_the_program_is_one_sentence_and_its_traceback_a_file(run, tmp_path, monkeypatch):
    from explorer.cli import root

    def fail(*arguments):
        raise ArithmeticError("\x1b[2Jboom")

    monkeypatch.setattr(root, "explore", fail)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    done = run("--no-record")
    (log,) = tmp_path.rglob("fault-*.log")
    assert refused(done, "ArithmeticError: ␛[2Jboom", 6)
    assert str(log) in done.stderr
    assert "Traceback" in log.read_text()


def test_a_text_is_read_as_it_is(tmp_path):
    file = tmp_path / "text"
    file.write_bytes(b"a\r\nb\rc")
    assert reading.read_text(file) == "a\r\nb\rc"
    assert reading.path_of("~") == Path.home()
    assert load({}, {"TOKEN_EXPLORER_CONFIG": os.devnull}).model == EMBEDDED
