"""The real program on a real model in a real terminal."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.core.record import events, journal
from tests.cli.program import process
from tests.cli.terminal import Terminal

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


@pytest.fixture
def terminal(smollm2, tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.stop()


def test_a_walk_with_a_branch_and_a_chat_answered_is_recorded_and_verified(terminal, smollm2, tmp_path):
    record = tmp_path / "walk.jsonl"
    flags = ["--dtype", "float32", "--seed", "1", "--record", str(record)]
    terminal.start("--model", str(smollm2), *flags, "-p", "The capital of France is")
    terminal.wait(r"▸ +1 +7042 +␣Paris +7\d\.\d\d%")
    terminal.wait(r"5 / 8,192")
    terminal.keys("Enter")
    terminal.wait(r"6 / 8,192.*")
    terminal.keys("Space")
    terminal.wait(r"7 / 8,192")
    terminal.keys("Left")
    terminal.wait(r"6 / 8,192")
    terminal.keys("Left")
    terminal.wait(r"▸• +1 +7042 +␣Paris")
    terminal.keys("Down")
    terminal.wait(r"▸ +2 ")
    terminal.keys("Enter")
    terminal.wait(r"6 / 8,192")
    terminal.keys("i")
    terminal.wait(r"F2 chat")
    terminal.keys("F2")
    terminal.wait(r"Rendered · \d+ tokens")
    terminal.keys("C-l")  # The text, which is what the user says now.
    terminal.keys("-l", "What is the capital of France?")
    terminal.wait(r"What is the capital of France\?<\|im_end\|>")
    terminal.keys("C-s")
    terminal.wait(r"▸ +1 +504 +The")
    terminal.keys("-l", "t" * 10)
    terminal.wait("Sampler · greedy")
    terminal.keys("a")
    terminal.wait(r"Paris\.<\|im_end\|>")
    terminal.keys("C-q")
    terminal.wait(r"Record:")
    happened = journal.read(record).events
    chat = [event for event in happened if isinstance(event, events.Prompt)][-1].chat()
    assert [(message.role, message.content) for message in chat.messages] == [
        ("user", "What is the capital of France?")
    ]
    added = [event for event in happened if isinstance(event, events.Add)]
    assert [event.source for event in added[:3]] == ["picked", "sampled", "picked"]
    assert (
        b"".join(bytes.fromhex(event.bytes) for event in added[3:]).decode()
        == "The capital of France is Paris.<|im_end|>"
    )
    verified = process("replay", str(record), "--verify")
    assert (verified.returncode, verified.stderr) == (0, "")
    assert re.search("every number holds", verified.stdout)


def test_the_model_that_ships_is_left_for_a_real_one_in_the_same_record(terminal, smollm2, tmp_path):
    record = tmp_path / "walk.jsonl"
    terminal.start("--record", str(record), "--seed", "1", "-p", "The capital of France is")
    terminal.wait(r"▸└? +1 +\d+ +␣Paris")
    terminal.keys("Enter")
    terminal.wait(r"7 / 1,024")
    terminal.keys("m")
    terminal.wait(r"Enter opens")
    terminal.keys("-l", str(smollm2))
    terminal.wait(r"Enter opens .*smollm2")
    terminal.keys("Enter")
    terminal.wait(r"6 / 8,192")
    terminal.wait(r"▸└? +1 +30 +\. ")  # Its own table: a row of the one before, which still stands there, is not added.
    terminal.keys("Enter")
    terminal.wait(r"7 / 8,192")
    terminal.keys("C-q")
    terminal.wait(r"Record:")
    kept = journal.read(record)
    [change] = [event for event in kept.events if isinstance(event, events.Engine)]
    assert (kept.header.model, change.model) == ("embedded", str(smollm2.resolve()))
    verified = process("replay", str(record), "--verify")
    assert (verified.returncode, verified.stderr) == (0, "")
