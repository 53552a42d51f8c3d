"""Signals, stops, and terminals that go away: what is left of the terminal, the record and the worker."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from explorer.core.record import journal
from explorer.errors import ExitCode
from tests.cli.pseudo import PATIENCE, PseudoTerminal, gone, pseudo_terminal

RECORD = "tests/data/record-v1.jsonl"


@pytest.fixture
def terminal(tmp_path):
    with pseudo_terminal(tmp_path) as terminal:
        yield terminal


def loads(terminal: PseudoTerminal, record: Path) -> None:
    terminal.start("--record", str(record), program="explorer")
    terminal.worker()
    terminal.see("starting the engine")


def runs(terminal: PseudoTerminal, record: Path) -> None:
    opened(terminal, record)
    terminal.send(",,,,,,a")
    terminal.wait(lambda: len(journal.read(record).events) > 8, "a token that is drawn")


def opened(terminal: PseudoTerminal, record: Path) -> None:
    terminal.start("--record", str(record), "--max-new-tokens", "400", "--ignore-eos", "--seed", "1")
    terminal.see("entropy")


def asks(terminal: PseudoTerminal, record: Path) -> None:
    opened(terminal, record)
    terminal.send("f")
    terminal.see("Force")


def writes(terminal: PseudoTerminal, record: Path) -> None:
    opened(terminal, record)
    terminal.send("i")
    terminal.see("Prompt")
    terminal.send("and more")


def draws_several(terminal: PseudoTerminal, record: Path) -> None:
    opened(terminal, record)
    terminal.send("N")
    terminal.see("Sequences from here")


def replays(terminal: PseudoTerminal, record: Path) -> None:
    terminal.start("replay", RECORD, "--speed", "1/s")
    terminal.see("slower")
    terminal.send(" ")


def downloads(terminal: PseudoTerminal, record: Path) -> None:
    """From a server that takes the call and says nothing."""
    server = terminal.end.enter_context(socket.create_server(("127.0.0.1", 0)))
    endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
    terminal.start("--model", "org/name", "--record", str(record), program="explorer", HF_ENDPOINT=endpoint)
    terminal.worker()
    terminal.end.enter_context(server.accept()[0])


STATES = [loads, runs, asks, writes, draws_several, replays, downloads]
SIGNALS = [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT]
SOME = [(state, SIGNALS[index % len(SIGNALS)]) for index, state in enumerate(STATES)]
OTHERS = [(state, number) for state in STATES for number in SIGNALS if (state, number) not in SOME]


@pytest.mark.parametrize(
    ("state", "number"),
    [*SOME, *(pytest.param(*other, marks=pytest.mark.long) for other in OTHERS)],
    ids=lambda value: getattr(value, "__name__", None) or signal.Signals(value).name,
)
def test_a_signal_leaves_the_terminal_as_it_was_and_the_record_whole(terminal, tmp_path, state, number):
    record = tmp_path / "walk.jsonl"
    state(terminal, record)
    worker = terminal.worker() if state is not replays else None
    terminal.signal(number)
    assert terminal.ended() == 128 + number
    assert terminal.left_behind() == []
    assert b"Traceback" not in terminal.written
    if worker is not None:
        terminal.wait(lambda: gone(worker), "the end of the worker")
    if record.exists():
        assert type(journal.read(record).events[-1]).__name__ == "End"
    assert record.exists() == (state not in (loads, replays, downloads))


def test_a_program_that_ends_by_its_key_leaves_nothing_behind(terminal, tmp_path):
    opened(terminal, tmp_path / "walk.jsonl")
    terminal.send("\x11")
    assert (terminal.ended(), terminal.left_behind()) == (0, [])


def test_a_fault_of_the_program_is_one_sentence_and_nothing_is_lost(terminal, tmp_path):
    record = tmp_path / "walk.jsonl"
    terminal.start("--record", str(record), program="tests.cli.failing")
    terminal.see("entropy")
    worker = terminal.worker()
    terminal.send("m")
    assert (terminal.ended(), terminal.left_behind()) == (ExitCode.UNFORESEEN, [])
    said = terminal.written.rpartition(b"\x1b[?1049l")[2].decode()
    assert "This is a fault of the program (ZeroDivisionError: one by ␛[31mzero)." in said.replace("\r\n", " ")
    assert "Traceback" not in said and "what stands in a variable" not in said
    (log,) = (tmp_path / "token-explorer").rglob("fault-*.log")
    assert "listed_models" in log.read_text()
    assert type(journal.read(record).events[-1]).__name__ == "End"
    assert gone(worker)


def test_a_second_explorer_on_one_record_is_refused_and_the_first_goes_on(terminal, tmp_path):
    record = tmp_path / "walk.jsonl"
    opened(terminal, record)
    with pseudo_terminal(tmp_path) as second:
        second.start("resume", str(record))
        assert second.ended() == ExitCode.RECORD
        said = second.written.replace(b"\r\n", b"")
        assert f"The record {record} is open in another explorer. Close it there first.".encode() in said
        assert second.left_behind() == []
    before = len(journal.read(record).events)
    terminal.send(" ")
    terminal.wait(lambda: len(journal.read(record).events) > before, "another token")
    terminal.send("\x11")
    assert terminal.ended() == 0
    assert type(journal.read(record).events[-1]).__name__ == "End"


@pytest.mark.parametrize("ignored", [(), (signal.SIGHUP,)], ids=["", "nohup"])
def test_a_terminal_that_goes_away_ends_the_program_and_the_record_is_whole(terminal, tmp_path, ignored):
    record = tmp_path / "walk.jsonl"
    terminal.start("--record", str(record), ignored=ignored)
    terminal.see("entropy")
    worker = terminal.worker()
    terminal.close()
    assert terminal.ended() == 128 + signal.SIGHUP
    assert type(journal.read(record).events[-1]).__name__ == "End"
    assert gone(worker)


def test_a_replay_whose_terminal_goes_away_ends(terminal):
    terminal.start("replay", RECORD, ignored=[signal.SIGHUP])
    terminal.see("slower")
    terminal.close()
    assert terminal.ended() == 128 + signal.SIGHUP


@pytest.mark.parametrize("number", [signal.SIGTSTP, signal.SIGSTOP], ids=["TSTP", "STOP"])
@pytest.mark.parametrize("resized", [False, True], ids=["", "resized"])
def test_after_a_stop_everything_is_drawn_again(terminal, tmp_path, number, resized):
    opened(terminal, tmp_path / "walk.jsonl")
    terminal.signal(number)
    status = Path(f"/proc/{terminal.process.pid}/stat")
    terminal.wait(lambda: status.read_text().rsplit(")", 1)[1].split()[0] == "T", "the stop")
    if number == signal.SIGTSTP:
        assert terminal.left_behind() == []
    if resized:
        terminal.resize(45, 140)
    since = terminal.mark()
    terminal.signal(signal.SIGCONT)
    for words in ("entropy", "Tokens", "float64"):
        terminal.see(words, since)
    if resized:
        terminal.wait(lambda: b";140H" in terminal.written[since:] or b"\x1b[45;" in terminal.written[since:])
    terminal.send("\x11")
    assert (terminal.ended(), terminal.left_behind()) == (0, [])


def test_the_size_is_that_of_the_terminal_whatever_the_environment_says(terminal):
    terminal.start("--no-record", COLUMNS="60", LINES="20")
    terminal.see("entropy")
    terminal.wait(lambda: b"\x1b[36;" in terminal.written, "the last line")
    since = terminal.mark()
    terminal.resize(45, 140)
    terminal.wait(lambda: b"\x1b[45;" in terminal.written[since:], "the new last line")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_command_that_is_ended_by_a_signal_says_so(number):
    arguments = ["sample", "a", "--ignore-eos", "--max-new-tokens=1000", "--seed=3"]
    command = subprocess.Popen(
        [sys.executable, "-m", "explorer", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert command.stdout is not None
    command.stdout.read(10)
    children = Path(f"/proc/{command.pid}/task/{command.pid}/children").read_text().split()
    os.kill(command.pid, number)
    _, complained = command.communicate(timeout=PATIENCE)
    assert (command.returncode, complained) == (128 + number, b"Interrupted.\n")
    assert all(gone(int(child)) for child in children)


def test_a_walk_whose_record_was_deleted_is_saved_when_a_signal_ends_it(terminal, tmp_path):
    record = tmp_path / "walk.jsonl"
    opened(terminal, record)
    record.unlink()
    terminal.signal(signal.SIGTERM)
    assert terminal.ended() == 128 + signal.SIGTERM
    (saved,) = (tmp_path / "token-explorer" / "records").glob("*-rescued.jsonl")
    assert type(journal.read(saved).events[-1]).__name__ == "End"
    assert b"rescued.jsonl (all of the walk" in terminal.written.replace(b"\r\n", b"")


def test_without_a_shell_to_come_back_from_ctrl_z_stops_nothing(terminal):
    terminal.start("--no-record")
    terminal.see("entropy")
    terminal.send("\x1a")
    terminal.see("there is no shell to come back from")
    terminal.send("\x11")
    assert terminal.ended() == 0


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_ctrl_z_goes_to_the_shell_and_fg_comes_back(terminal):
    terminal.start("--norc", "--noprofile", program="bash", PS1="shell> ")
    terminal.see("shell> ")
    terminal.send(f"{sys.executable} -m tests.cli.scripted --no-record\n")
    terminal.see("entropy")
    terminal.send("\x1a")
    terminal.see("Stopped")
    since = terminal.mark()
    terminal.send("fg\n")
    terminal.see("entropy", since)
    since = terminal.mark()
    terminal.send("\x11")
    terminal.see("shell> ", since)
    terminal.send("exit\n")
    assert (terminal.ended(), terminal.left_behind()) == (0, [])
