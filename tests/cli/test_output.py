"""One hostile string in every field of every input, and the bytes of every output."""

import ast
import fcntl
import io
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import termios
from pathlib import Path

import pytest

from explorer.cli.output import Pictured, one_line
from explorer.config import Config
from explorer.core.folders import record_folder
from explorer.core.token import is_driving
from tests.cli.program import PROGRAM, Terminal, is_one_sentence

HOSTILE = "\x1b]0;own\x07\x1b[6n\x9bc\x7f\x85\u2028\u2029\u202e\u2066\u200f\u061c\u200b\x08"
CLI = Path("explorer/cli")
OLD = Path(__file__).parents[1] / "data" / "record-v1.jsonl"
STYLE = re.compile(r"\x1b\[[0-9;]*[mK]|\r")
"""What the program itself sends to a terminal."""


def driving(text: str) -> set[str]:
    """The characters in an output that a terminal may do something at, but for line breaks and tabs."""
    return {character for character in STYLE.sub("", text) if is_driving(character) and character not in "\n\t"}


def is_quiet(done) -> bool:
    return not driving(done.stdout) and not driving(done.stderr)


def test_everything_that_drives_a_terminal_is_in_the_hostile_string():
    assert driving(HOSTILE) == set(HOSTILE) - set("]0;own[6n" + "c")


FLAGS = (
    *("--temperature", "--top-k", "--seed", "--ban", "--logit-bias", "--preset", "--top", "--model"),
    *("--device", "--dtype", "--device-map", "--max-memory", "--quantize", "--ids", "--file", "--messages"),
)
ARGUMENTS = [
    *[["next", "a", flag, HOSTILE] for flag in FLAGS],
    *[["next", flag, HOSTILE] for flag in ("--ids", "--file", "--messages", HOSTILE, "--template-flag")],
    ["next", "--chat", "a", "--template-flag", HOSTILE],
    ["next", "a", "--model", "some/one", "--revision", HOSTILE],
    ["sample", "--prompts", HOSTILE],
    *[
        ["search", "a", "b", "--preset", HOSTILE],
        ["search", "a", f"/({HOSTILE}/"],
        ["options", "a", "--options", HOSTILE],
    ],
    *[["options", "a", f"0x{HOSTILE}", "--notation"], ["score", "--ids", HOSTILE], ["ask", "--model", HOSTILE]],
    ["sample", "a", "--stop-id", HOSTILE],
    [HOSTILE],
    [f"--{HOSTILE}"],
    ["--record", f"/nowhere/{HOSTILE}"],
    *[[command, HOSTILE] for command in ("resume", "sessions", "export", "replay")],
    ["diff", HOSTILE, HOSTILE],
    ["replay", str(OLD), "--speed", HOSTILE],
    *[["export", str(OLD), flag, HOSTILE] for flag in ("--to", "--heat", "--theme", "--branches")],
    ["export", str(OLD), "-o", f"{HOSTILE}/out.md"],
    ["export", str(OLD), "-o", f"{HOSTILE}.md/", "--to", HOSTILE],
]


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=lambda arguments: ascii(" ".join(arguments))[:60])
@pytest.mark.parametrize("terminal", [False, True])
def test_an_argument_drives_no_terminal(run, arguments, terminal):
    done = run(*arguments, terminal=terminal, env={"HF_HUB_OFFLINE": "1"})
    assert (done.returncode in (2, 3, 5), done.stdout) == (True, "")
    assert is_quiet(done) and is_one_sentence(done.stderr)


SETTINGS = sorted({*Config.__struct_fields__, "temperature", "top_p", "logit_bias"} - {"params", "given"})


@pytest.mark.parametrize("source", ["environment", "file", "name in the environment", "name in the file"])
def test_a_setting_drives_no_terminal(run, tmp_path, source):
    file = tmp_path / "config.toml"
    for name in SETTINGS if "name" not in source else [json.dumps(HOSTILE, ensure_ascii=True)[1:-1]]:
        env, written = {"TOKEN_EXPLORER_CONFIG": str(file), "HF_HUB_OFFLINE": "1"}, ""
        match source:
            case "environment":
                env[f"TOKEN_EXPLORER_{name.upper()}"] = HOSTILE
            case "name in the environment":
                env[f"TOKEN_EXPLORER_{HOSTILE}"] = "1"
            case "file":
                written = f"{name} = {toml(HOSTILE)}"
            case _:
                written = f"{toml(HOSTILE)} = 1"
        file.write_text(written)
        done = run("tokens", "a", env=env, terminal=True)
        assert is_quiet(done), name
        assert done.returncode == 0 or is_one_sentence(done.stderr), name


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize(
    "written", ["[presets.{0}]\nmin_p = {0}", "[presets.{0}]\n{0} = 1", "[keys]\n{0} = {0}", "presets = {0}", "{0}"]
)
def test_a_table_of_settings_drives_no_terminal(run, tmp_path, written, terminal):
    file = tmp_path / f"{HOSTILE}.toml"
    file.write_text(written.format(toml(HOSTILE)))
    done = run(env={"TOKEN_EXPLORER_CONFIG": str(file)}, terminal=terminal)
    assert done.returncode == 2
    assert is_quiet(done) and is_one_sentence(done.stderr)


def toml(text: str) -> str:
    return json.dumps(text).replace("\x7f", "\\u007f")


def hostile_record(path: Path) -> Path:
    """A record with the hostile string in every text of it."""

    def mangled(value, name=""):
        match value:
            case dict():
                return {key: mangled(one, key) for key, one in value.items()}
            case list():
                return [mangled(one, name) for one in value]
            case str() if name in ("event", "format", "started", "bytes", "source"):
                return value
            case str():
                return HOSTILE
        return value

    head, *events = map(json.loads, OLD.read_text().splitlines())
    head |= {"loaded_with": {HOSTILE: HOSTILE}, "versions": {HOSTILE: HOSTILE, "torch": HOSTILE}, "revision": HOSTILE}
    bookmark = {"event": "bookmark", "t": 1.0, "node": 1, "name": HOSTILE}
    whole = [mangled(head) | {"version": 2}, *map(mangled, [*events[:-1], bookmark])]
    path.write_text("".join(json.dumps(line) + "\n" for line in whole))
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    record_folder().mkdir(parents=True)
    hostile_record(record_folder() / f"{HOSTILE}.jsonl")
    (record_folder() / f"no record {HOSTILE}.jsonl").write_text(HOSTILE)
    torn = hostile_record(record_folder() / f"torn {HOSTILE}.jsonl")
    torn.write_bytes(torn.read_bytes()[:-5])
    return record_folder()


@pytest.mark.parametrize(
    "arguments",
    [
        ["sessions"],
        ["sessions", "--json"],
        *[["export", "{}.jsonl", "--to", name] for name in ("md", "html", "csv", "json", "svg")],
        *[["export", f"{name}.jsonl", "--to", "md"] for name in ("torn {}", "no record {}")],
        ["diff", "{}.jsonl", str(OLD)],
        ["diff", "{}.jsonl", str(OLD), "--json"],
        ["replay", "{}.jsonl", "--verify"],
        ["replay", "{}.jsonl", "--record", "{}.jsonl"],
        ["resume", "{}.jsonl"],
    ],
    ids=" ".join,
)
def test_a_record_drives_no_terminal(run, folder, arguments, monkeypatch):
    monkeypatch.chdir(folder)
    done = run(*(argument.format(HOSTILE) for argument in arguments), terminal=True, env={"HF_HUB_OFFLINE": "1"})
    assert is_quiet(done)
    assert done.stdout or is_one_sentence(done.stderr)


def test_json_holds_the_same_value_with_escapes(run):
    done = run("tokens", HOSTILE, "--no-special", "--json")
    assert is_quiet(done)
    assert json.loads(done.stdout)["text"] == HOSTILE


def test_half_a_character_is_escaped_in_json(run, tmp_path):
    names = [tmp_path / "a\udcff.jsonl", tmp_path / "b\udcff.jsonl"]
    for name in names:
        shutil.copy(OLD, name)
    done = run("diff", *map(str, names), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["a"]["file"] == str(names[0])
    assert is_quiet(run("diff", *map(str, names)))
    assert json.loads(run("sessions", str(tmp_path), "--json").stdout)["sessions"]


@pytest.mark.parametrize(
    "arguments", [["tokens", "--render", "--chat"], ["sample", "--echo", "--seed", "1", "--max-new-tokens", "2"]]
)
def test_a_text_that_was_asked_for_is_exact_in_a_pipe_and_pictured_on_a_terminal(run, arguments):
    assert HOSTILE in run(*arguments, HOSTILE).stdout
    assert is_quiet(run(*arguments, HOSTILE, terminal=True))


def test_the_tables_of_a_text_drive_no_terminal(run):
    search, options = ["search", "a", f"/[{HOSTILE}]/"], ["options", HOSTILE, HOSTILE]
    commands = [
        ["tokens", HOSTILE],
        ["next", HOSTILE],
        ["score", HOSTILE],
        ["score", HOSTILE, "--steps"],
        search,
        options,
    ]
    for arguments in commands:
        done = run(*arguments, terminal=True)
        assert done.returncode == 0 and is_quiet(done)


def test_a_model_folder_drives_no_terminal(run, tmp_path):
    from explorer.cli.engines import embedded_folder

    place = tmp_path / HOSTILE
    shutil.copytree(embedded_folder(), place, ignore=shutil.ignore_patterns("*.py", "__pycache__", "*.safetensors"))
    config = json.loads((place / "config.json").read_text())
    config |= {"model_type": HOSTILE, "architectures": [HOSTILE], "attn_implementation": HOSTILE, "dtype": HOSTILE}
    (place / "config.json").write_text(json.dumps(config))
    settings = json.loads((place / "tokenizer_config.json").read_text())
    settings["chat_template"] = "{{ raise_exception(messages[0].content) }}"
    (place / "tokenizer_config.json").write_text(json.dumps(settings))
    (place / "chat_template.jinja").write_text("{{ raise_exception(messages[0].content) }}")
    for arguments in (["tokens", "a"], ["tokens", "--chat", HOSTILE], ["next", "a"]):
        done = run(*arguments, "--model", str(place), terminal=True)
        assert is_quiet(done)
        assert done.returncode == 0 or is_one_sentence(done.stderr)


def test_what_a_library_writes_to_standard_error_is_pictured():
    written = io.BytesIO()
    errors = Pictured(Terminal(written, "utf-8"))
    assert errors.write(f"a warning {HOSTILE}\n") == len(HOSTILE) + 11
    errors.flush()
    assert not driving(written.getvalue().decode())
    assert errors.isatty()


def test_a_sentence_is_one_line_whatever_it_quotes():
    assert one_line("not “a\nb\x0bc”") == "not “a b␋c”"
    assert len(one_line("9" * 5000)) < 200


WRITES = {"print", "echo", "secho", "write", "writelines"}


def test_one_module_of_the_command_line_writes():
    found = []
    for path in sorted(CLI.glob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                if name.rpartition(".")[2] in WRITES and not name.startswith(("console", "write")):
                    found.append((path.name, name))
    assert {name for name, _ in found} <= {"output.py"}, found


def test_the_texts_of_tables_are_made_in_one_place():
    made = {
        (path.name, function.name)
        for path in CLI.glob("*.py")
        for function in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("Text") and node.args
    }
    assert made == {("drawing.py", "literal")}


def test_a_number_that_is_not_finite_is_null_beside_half_a_character(capsys):
    from explorer.cli.output import print_json

    print_json({"name": "\udcff", "number": float("nan"), "rows": [float("inf")]})
    assert json.loads(capsys.readouterr().out) == {"name": "\udcff", "number": None, "rows": [None]}


SENT = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|P[^\x1b]*\x1b\\|\]22;[a-z-]*\x07|[ -/]*[0-~])")
"""An escape sequence of the screen itself."""


def test_a_record_that_is_played_sends_a_terminal_what_the_screen_sends_and_no_more(tmp_path):
    path = hostile_record(tmp_path / f"{HOSTILE}.jsonl")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    command = [str(PROGRAM), "replay", str(path), "--speed", "50/s"]
    environment = {**os.environ, "TERM": "xterm-256color"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as player:
        os.close(theirs)
        seen = b""
        try:
            while part := os.read(ours, 2**16):
                seen += part
                if "␛]0;own".encode() in seen:
                    os.write(ours, b"\x11")
        except OSError:
            pass  # The other end is closed.
    os.close(ours)
    assert player.returncode == 0
    assert "␛]0;own".encode() in seen and b"\x1b]0;own" not in seen and b"\x1b[6n" not in seen
    assert driving(SENT.sub("", seen.decode())) <= {"\r"}
