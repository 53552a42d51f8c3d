"""The real program in a real terminal, on the model that ships."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.core.record import events, journal
from tests.cli.terminal import PATIENCE, Terminal

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.stop()


WRITTEN = """
import asyncio, pathlib, sys
from explorer.cli.engines import make_engine
from explorer.config import Config
from explorer.core.sampling.params import SamplingParams
from explorer.walk import opening

async def write():
    engine = make_engine(Config())
    await engine.start()
    session = await opening.begin(
        engine, "Once upon a", SamplingParams(temperature=1.4, seed=4711), pathlib.Path(sys.argv[1])
    )
    session.journal.close()
    await engine.close()

asyncio.run(write())
"""
"""Writes a record with settings of its own."""


def names(path: Path) -> list[str]:
    return [type(event).__name__ for event in journal.read(path).events]


def test_start_pick_back_sample_quit(terminal, tmp_path):
    record = tmp_path / "walk.jsonl"
    terminal.start("--record", str(record), "--seed", "1")
    terminal.wait(r"▸ +1 .*␣park")
    terminal.wait("balanced: else it writes nonsense")
    terminal.wait("↓ choose · Enter adds it · Space lets the sampler draw · m a real model")
    terminal.keys("Down")
    terminal.wait(r"▸ +2 ")
    terminal.keys("Enter")
    terminal.wait(r"13 / 1,024")
    terminal.wait(r"▸ +1 ")
    terminal.keys("Left")
    terminal.wait(r"12 / 1,024")
    terminal.wait(r"▸• +2 ")
    terminal.keys("Space")
    terminal.wait(r"13 / 1,024")
    terminal.keys("C-q")
    terminal.wait(re.escape(f"Record: {record}").replace(r"\ ", r"\s+"))
    assert names(record) == ["Params", "Prompt", "Score", "Seen", "Add", "Seen", "Move", "Add", "Seen", "End"]
    happened = journal.read(record).events
    assert [e.source for e in happened if isinstance(e, events.Add)] == ["picked", "sampled"]
    assert happened[4].rank == 2
    assert (happened[0].params().temperature, happened[0].params().top_p, happened[0].seed) == (0.7, 0.9, 1)
    assert command("replay", str(record), "--verify").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "environment", "asked"),
    [
        (["--temperature", "1.2"], {}, {"temperature": 1.2}),
        (["--preset", "plain"], {}, {}),
        ([], {"TOKEN_EXPLORER_TOP_K": "7"}, {"top_k": 7}),
    ],
)
def test_settings_that_are_asked_for_win_over_those_of_the_model_that_ships(
    terminal, tmp_path, arguments, environment, asked
):
    record = tmp_path / "walk.jsonl"
    terminal.start("--record", str(record), "--seed", "1", *arguments, **environment)
    screen = terminal.wait(r"▸ +1 .*␣park")
    assert "nonsense" not in screen
    terminal.keys("C-q")
    terminal.wait("Record:")
    assert journal.read(record).events[0].params().settings == {"seed": 1, **asked}


def test_a_record_goes_on_with_its_own_settings_from_the_first_picture_on(terminal, tmp_path):
    record = tmp_path / "walk.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", WRITTEN, str(record)], capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    terminal.start("resume", str(record))
    screen = terminal.wait("starting the engine|reading the tokenizer|loading the weights")
    assert re.search(r"temperature 1\.40", screen)
    assert re.search(r"seed +4711", screen)
    screen = terminal.wait(r"▸ +1 ")
    assert re.search(r"temperature 1\.40", screen)
    assert "nonsense" not in screen
    assert "Space lets the sampler draw" not in screen


def test_a_killed_worker_is_said_and_restarted_and_a_killed_explorer_is_resumed(terminal, tmp_path):
    record = tmp_path / "walk.jsonl"
    terminal.start("--record", str(record), "--seed", "1", "--max-new-tokens", "900", "--temperature", "1.5")
    terminal.wait(r"▸ +1 ")
    terminal.keys("a")
    terminal.wait(r"[2-9]\d / 1,024")
    os.kill(terminal.worker(), signal.SIGKILL)
    terminal.wait(r"was killed \(SIGKILL\)")
    before = names(record).count("Add")
    terminal.keys("R")
    terminal.wait(r"float32 · cpu.*starting|starting the engine")
    deadline = time.monotonic() + PATIENCE
    while "Engine" not in names(record) and time.monotonic() < deadline:
        time.sleep(0.1)
    terminal.keys("Enter")
    terminal.wait(rf"{before + 13} / 1,024")
    terminal.keys("a")
    terminal.wait(rf"{before + 14} / 1,024|\d\d\d / 1,024")
    os.kill(terminal.pid, signal.SIGKILL)
    shown = int(re.findall(r"(\d+) / 1,024", terminal.screen())[0])
    terminal.stop()
    assert names(record).count("Add") >= shown - 12
    assert "End" not in names(record)

    record.write_bytes(record.read_bytes() + b'{"event":"ad')
    after = names(record).count("Add")
    terminal.start("resume", str(record))
    terminal.wait(r"was torn")
    terminal.wait(rf"{after + 12} / 1,024")
    terminal.keys("C-q")
    terminal.wait("Record:")
    assert names(record)[-1] == "End"


def test_the_worker_ends_with_the_explorer(terminal, tmp_path):
    terminal.start("--no-record")
    terminal.wait("starting the engine|rank")
    deadline = time.monotonic() + PATIENCE
    while not (children := Path(f"/proc/{terminal.pid}/task/{terminal.pid}/children").read_text().split()):
        assert time.monotonic() < deadline
    os.kill(terminal.pid, signal.SIGKILL)
    while Path(f"/proc/{children[0]}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{children[0]}").exists()


def test_without_colours_everything_is_still_said(terminal):
    terminal.start("--no-record", "--top-k", "2", NO_COLOR="1")
    screen = terminal.wait(r"▸ +1 ")
    assert "top-k" in screen
    colours = terminal.tmux("capture-pane", "-p", "-e", "-t", "t")
    rgb = re.findall(r"38;2;(\d+);(\d+);(\d+)", colours)
    assert all(len(set(values)) == 1 for values in rgb)


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "explorer", *arguments], capture_output=True, text=True, timeout=PATIENCE
    )


def test_a_walk_with_branches_is_killed_resumed_verified_and_exported(terminal, tmp_path):
    record, page = tmp_path / "walk.jsonl", tmp_path / "walk.html"
    terminal.start("--record", str(record), "--seed", "1", "-p", "Once upon a time there was a")
    terminal.wait(r"▸ +1 ")
    terminal.keys("4", "Space")
    terminal.wait(r"12 / 1,024")
    terminal.keys("d")
    terminal.wait("spot 1")
    terminal.keys("C-Left")
    terminal.keys("C-Left")
    terminal.wait(r"Token 10 .*entropy")
    terminal.wait("▸•")
    terminal.keys("Down")
    terminal.keys("E")
    terminal.wait("1 tokens? carried over")
    terminal.keys("f")
    terminal.wait("Force")
    terminal.keys("-l", " and then")
    terminal.wait("2 tokens")
    terminal.keys("Enter")
    terminal.wait(r"14 / 1,024")
    os.kill(terminal.pid, signal.SIGKILL)
    terminal.stop()
    assert "End" not in names(record)

    terminal.start("resume", str(record))
    terminal.wait(r"14 / 1,024")
    terminal.keys("u")
    terminal.wait(r"12 / 1,024")
    terminal.keys("u")
    terminal.wait("★ spot 1")
    terminal.keys("C-q")
    terminal.wait("Record:")
    kinds = names(record)
    assert (kinds.count("Undo"), kinds.count("Bookmark"), kinds[-1]) == (2, 1, "End")

    verified = command("replay", str(record), "--verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    exported = command("export", str(record), "-o", str(page))
    assert exported.returncode == 0, exported.stderr
    assert "spot 1" in page.read_text("utf-8")

    happened = record.read_text("utf-8")
    changed = re.sub(
        r'("event":"add".*?"prob":0\.)(\d)', lambda found: f"{found[1]}{(int(found[2]) + 3) % 10}", happened, count=1
    )
    assert changed != happened
    record.write_text(changed, "utf-8")
    refused = command("replay", str(record), "--verify")
    assert refused.returncode == 1
    assert "add" in refused.stdout
