import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from explorer.cli.ask import Fault, answered
from explorer.cli.flags import model_flags
from explorer.cli.request import ASKED, INLINE, PRINTED
from explorer.cli.root import COMMANDS
from explorer.core.distribution import Distribution
from explorer.engine import calls
from explorer.engine.base import Reporter, silent
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.errors import EngineDied
from tests.cli.program import PROGRAM, is_one_sentence
from tests.cli.test_output import HOSTILE, is_quiet

PROMPT = "Once upon a"
NOT_ASKED = {
    "ask": "is what asks",
    "get": "makes a model that is not here yet",
    "models": "needs no engine",
    "sessions": "needs no engine",
    "export": "needs no engine",
    "replay": "is of the engine that a record names",
    "diff": "is of the engines that two records name",
    "resume": "needs a terminal",
}


@pytest.fixture(scope="module")
def answers(run) -> Callable[..., list[dict]]:
    """Asks objects, or lines as they are; what is answered."""

    def ask(*requests: dict | str) -> list[dict]:
        lines = [request if isinstance(request, str) else json.dumps(request) for request in requests]
        done = run("ask", input="".join(f"{line}\n" for line in lines))
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return ask


def test_every_command_is_asked_or_it_is_known_why_not():
    assert {command.name for command in COMMANDS} == {*ASKED, *NOT_ASKED}
    assert not ASKED.keys() & NOT_ASKED.keys()


EQUAL: list[tuple[dict[str, Any], list[str]]] = [
    ({"command": "next", "prompt": PROMPT, "top": 3}, ["next", PROMPT, "--top=3"]),
    (
        {"command": "next", "ids": [1, 907], "temperature": 0.5, "ban": [516], "logit_bias": {"13": -5, "11": 1.5}},
        ["next", "--ids=1,907", "--temperature=0.5", "--ban=516", "--logit-bias=13=-5", "--logit-bias=11=1.5"],
    ),
    (
        {"command": "next", "text": "a", "no_special": True, "preset": "creative", "top_k": 4},
        ["next", "a", "--no-special", "--preset=creative", "--top-k=4"],
    ),
    (
        {"command": "next", "prompt": "hi", "chat": True, "system": "Be kind.", "no_generation_prompt": True},
        ["next", "hi", "--chat", "--system=Be kind.", "--no-generation-prompt"],
    ),
    ({"command": "tokens", "prompt": "Hello, 세계"}, ["tokens", "Hello, 세계"]),
    (
        {"command": "score", "prompt": PROMPT, "text": " time", "top": 2},
        ["score", " time", f"--prompt={PROMPT}", "-n2"],
    ),
    ({"command": "score", "ids": [1, 907], "next": True}, ["score", "--ids=1,907", "--next"]),
    (
        {"command": "search", "prompt": PROMPT, "query": "/^ ?ti/", "top": 4, "temperature": 0.7},
        ["search", PROMPT, "/^ ?ti/", "--top=4", "--temperature=0.7"],
    ),
    (
        {"command": "options", "prompt": PROMPT, "options": [" time", " hill"]},
        ["options", PROMPT, " time", " hill"],
    ),
    ({"command": "info", "modules": True}, ["info", "--modules"]),
]


@pytest.mark.parametrize(("request_", "arguments"), EQUAL, ids=[f"{r['command']}-{len(r)}" for r, _ in EQUAL])
def test_an_answer_is_that_of_the_command_with_the_id(run, answers, request_, arguments):
    printed = json.loads(run(*arguments, "--json").stdout)
    [answer] = answers({"id": "x", **request_})
    assert answer.pop("id") == "x"
    assert rounded(answer) == rounded(printed)


def rounded(answer: dict) -> dict:
    """With four decimals: a row that was computed on another way may differ in its last digits."""
    found: dict = json.loads(json.dumps(answer), parse_float=lambda digits: round(float(digits), 4))
    return found


def test_every_asked_command_is_tried():
    assert {request["command"] for request, _ in EQUAL} | {"sample"} == set(ASKED)


def test_sequences_come_in_one_answer_and_each_is_that_of_the_command(run, answers):
    flags = ["--seed=7", "--num-sequences=2", "--max-new-tokens=5", "--stop=z", "--stop=y", "--echo"]
    printed = [json.loads(line) for line in run("sample", PROMPT, *flags, "--json").stdout.splitlines()]
    request: dict[str, Any] = {"command": "sample", "prompt": PROMPT, "seed": 7, "num_sequences": 2}
    [answer] = answers({**request, "max_new_tokens": 5, "stop": ["z", "y"], "echo": True})
    assert answer == {"id": None, "sequences": printed}


def test_prompts_and_messages_stand_in_the_request(run, answers, tmp_path):
    file = tmp_path / "chat.json"
    messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "hi"}]
    file.write_text(json.dumps(messages))
    by_file, by_list, by_object = answers(
        {"command": "tokens", "messages": str(file)},
        {"command": "tokens", "messages": messages},
        {"command": "tokens", "messages": {"messages": messages}, "render": False},
    )
    assert by_file == by_list == by_object
    [rendered] = answers({"command": "tokens", "messages": messages, "render": True})
    assert rendered["text"] == by_list["text"]
    fixed = {"command": "sample", "max_new_tokens": 3, "seed": 4}
    several, *alone = answers(
        {**fixed, "prompts": [PROMPT, [1, 907]]},
        {**fixed, "prompt": PROMPT},
        {**fixed, "ids": [1, 907], "seed": 5},
    )
    assert [row["ids"] for row in several["sequences"]] == [answer["sequences"][0]["ids"] for answer in alone]


def test_an_id_comes_back_as_it_was_written(run):
    written = ["1e400", "12345678901234567890123", '"\\ud800"', '{"a": [1.50]}', "null"]
    lines = "".join(f'{{"id": {one}, "command": "tokens", "ids": [1]}}\n' for one in written)
    said = run("ask", input=lines).stdout.splitlines()
    assert [line.startswith(f'{{"id":{one},"tokens":') for line, one in zip(said, written, strict=True)] == [True] * 5


def test_what_is_worth_knowing_stands_beside_the_answer(answers):
    drawn, full = answers(
        {"command": "sample", "prompt": "a", "max_new_tokens": 1, "model_defaults": True},
        {"command": "next", "ids": [300] * 1024, "top": 1},
    )
    seed = drawn["sequences"][0]["seed"]
    assert drawn["notes"] == ["The model's own settings: temperature 0.8, top-k 40.", f"The seed is {seed}."]
    assert full["notes"] == ["The context of 1,024 tokens is full: no token can follow these."]


WRONG = [
    ("nonsense", "usage", "Line 1 is not a JSON object"),
    ("[1]", "usage", "Line 1 is not a JSON object"),
    ('{"a": NaN}', "usage", "Line 1 is not a JSON object"),
    ("[" * 100_000, "usage", "Line 1 is not a JSON object"),
    ('{"command": "next", "prompt": "a\\ud800"}', "usage", "“prompt”"),
    ('{"command": "next", "top": 1' + "0" * 5000 + "}", "usage", "“top”"),
    ('{"prompt": "a"}', "usage", "no command"),
    ('{"command": "quit"}', "usage", "next, tokens"),
    ('{"command": ["next"]}', "usage", "next, tokens"),
    ('{"command": "next"}', "usage", "exactly one"),
    ('{"command": "next", "prompt": "a", "text": "a"}', "usage", "another field"),
    ('{"command": "next", "prompt": "a", "ids": [1]}', "usage", "exactly one"),
    ('{"command": "next", "prompt": "a", "ban": [1], "suppress_tokens": [2]}', "usage", "another field"),
    ('{"command": "next", "prompt": "a", "tob": 1}', "usage", "tob"),
    ('{"command": "next", "prompt": "a", "json": true}', "usage", "json"),
    ('{"command": "next", "prompt": "a", "model": "x"}', "usage", "started"),
    ('{"command": "next", "prompt": "a", "top": "1"}', "usage", "whole number"),
    ('{"command": "next", "prompt": "a", "top": 1.5}', "usage", "whole number"),
    ('{"command": "next", "prompt": "a", "top": true}', "usage", "whole number"),
    ('{"command": "next", "prompt": "a", "no_special": 1}', "usage", "true or false"),
    ('{"command": "next", "prompt": 5}', "usage", "must be a text"),
    ('{"command": "next", "prompt": {"a": 1}}', "usage", "must be a text"),
    ('{"command": "next", "prompt": "a", "temperature": -1}', "usage", "temperature"),
    ('{"command": "next", "ids": [1, "a"]}', "usage", "whole number"),
    ('{"command": "next", "ids": [6144]}', "usage", "0 to 6143"),
    ('{"command": "next", "ids": [1' + ",300" * 1024 + "]}", "context_full", "1,024"),
    ('{"command": "next", "file": "-"}', "usage", "standard input"),
    ('{"command": "next", "file": "/nowhere/at/all"}', "usage", "/nowhere/at/all"),
    ('{"command": "next", "messages": [{"role": 1}]}', "usage", "role"),
    ('{"command": "sample", "prompts": [], "seed": 1}', "usage", "prompts"),
    ('{"command": "sample", "prompts": [1], "seed": 1}', "usage", "prompts"),
    ('{"command": "options", "prompt": "a"}', "usage", "OPTION"),
    ('{"command": "options", "prompt": "a", "options": ["b", ""]}', "usage", "Option 2"),
    ('{"command": "search", "prompt": "a"}', "usage", "search for"),
    ('{"command": "search", "prompt": "a", "query": "/(/"}', "usage", "regular expression"),
]


@pytest.mark.parametrize(("line", "kind", "said"), WRONG, ids=[line[:60] for line, *_ in WRONG])
def test_what_is_wrong_with_a_line_is_its_answer_and_the_next_one_is_read(answers, line, kind, said):
    wrong, right = answers(line, {"id": 2, "command": "tokens", "ids": [1]})
    assert list(wrong) == ["id", "error"]
    assert list(wrong["error"]) == ["code", "kind", "message"]
    assert (wrong["error"]["code"], wrong["error"]["kind"]) == (2, kind)
    assert said in wrong["error"]["message"]
    assert is_one_sentence(wrong["error"]["message"] + "\n")
    assert right["id"] == 2
    assert "tokens" in right


def test_the_id_of_a_request_that_is_wrong_comes_back(answers):
    said = answers({"id": 3, "command": "nope"}, '{"id": 4, "command": "next", "prompt": "\\udc00"}')
    assert [answer["id"] for answer in said] == [3, 4]


def test_a_line_that_is_not_utf8_or_empty_stops_nothing():
    data = b'\xff\n\n  \n{"id": "\xfe"}\n{"id": 1, "command": "tokens", "ids": [1]}'
    done = subprocess.run([PROGRAM, "ask"], input=data, capture_output=True)
    first, second, third = (json.loads(line) for line in done.stdout.splitlines())
    assert (done.returncode, done.stderr) == (0, b"")
    assert "Line 1 is not UTF-8" in first["error"]["message"]
    assert "Line 4 is not UTF-8" in second["error"]["message"]
    assert third["id"] == 1


def test_every_field_of_a_file_may_be_what_is_in_it_or_says_so():
    flags = {flag.name for asked in ASKED.values() for flag in asked.command.params}
    assert set(INLINE) | PRINTED | model_flags() <= flags


def test_no_field_has_the_name_of_the_id_or_the_command():
    for asked in ASKED.values():
        names = {option.lstrip("-") for flag in asked.command.params for option in (*flag.opts, flag.name or "")}
        assert not names & {"id", "command"}
        assert isinstance(asked.command, click.Command)


class Asking:
    """`ask` as a process, line by line."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "explorer", "ask"]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(command, text=True, **pipes)

    def __call__(self, **request: Any) -> dict:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer: dict = json.loads(self.process.stdout.readline())
        return answer

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def end(self) -> tuple[int, str]:
        """The exit code, and what was said."""
        _, said = self.process.communicate(timeout=120)
        return self.process.returncode, said


@pytest.fixture
def asking(interruptible) -> Iterator[Asking]:
    one = Asking()
    yield one
    one.process.kill()
    one.process.communicate()


def test_each_answer_is_there_before_the_next_question_and_the_end_of_input_ends_it(asking):
    assert asking(id=1, command="next", prompt="a", top=1)["id"] == 1
    assert asking(id=2, command="next", prompt="b", top=1)["id"] == 2
    [worker] = asking.workers()
    assert asking.end() == (0, "")
    assert not Path(f"/proc/{worker}").exists()


def test_ctrl_c_ends_it_while_it_waits(asking):
    asking(command="next", prompt="a", top=1)
    [worker] = asking.workers()
    asking.process.send_signal(signal.SIGINT)
    assert asking.process.wait(120) == 130
    assert asking.process.stderr.read() == "Interrupted.\n"
    assert not Path(f"/proc/{worker}").exists()


def test_ctrl_c_ends_it_while_it_computes(asking):
    asking(command="next", prompt="a", top=1)
    request = {"command": "sample", "prompt": "a", "ignore_eos": True, "max_new_tokens": 1000, "num_sequences": 32}
    asking.process.stdin.write(json.dumps(request) + "\n")
    asking.process.stdin.flush()
    asking.process.send_signal(signal.SIGINT)
    assert asking.process.wait(120) == 130


def test_where_the_engine_is_killed_the_next_lines_have_a_new_one(asking):
    asking(command="next", prompt="a", top=1)
    [worker] = asking.workers()
    os.kill(worker, signal.SIGKILL)
    after = asking(id=2, command="next", prompt="a", top=1)
    if "error" in after:  # It was asked before its death was seen.
        assert (after["error"]["code"], after["error"]["kind"]) == (4, "engine_died")
        after = asking(id=2, command="next", prompt="a", top=1)
    assert (after["id"], len(after["candidates"])) == (2, 1)
    assert asking.workers() != [worker]
    code, said = asking.end()
    assert code == 0
    assert "started again" in said


class Mortal(ScriptedEngine):
    """Dies over the token 7."""

    async def answer_next(self, call: calls.Next, _report: Reporter) -> Distribution:
        if call.ids == [7]:
            self.info = None
            raise EngineDied("The engine was killed.")
        return await super().answer_next(call, _report)


async def test_the_death_of_the_engine_is_an_answer_and_it_is_started_again(capsys):
    engine = Mortal.demo()
    await engine.start()
    lines = [b'{"id": 1, "command": "next", "ids": [7]}', b'{"id": 2, "command": "next", "ids": [8], "top": 1}']
    first, second = [await answered(engine, line, number, silent) for number, line in enumerate(lines, 1)]
    assert first["error"] == Fault(4, "engine_died", "The engine was killed.")
    assert second["candidates"]
    assert capsys.readouterr().err == "The engine was killed.\nThe engine is started again.\n"


def test_a_reader_that_has_had_enough_ends_it_without_a_word():
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        command = [sys.executable, "-m", "explorer", "ask"]
        request = b'{"command": "tokens", "ids": [1]}\n'
        done = subprocess.run(command, input=request, stdout=closed, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_model_that_cannot_be_loaded_ends_it_at_once(run):
    done = run("ask", "--model", "./nowhere", input='{"command": "info"}\n')
    assert (done.returncode, done.stdout) == (3, "")
    assert is_one_sentence(done.stderr)


def test_no_request_drives_a_terminal(run):
    requests: list[dict[str, Any]] = [
        {"id": HOSTILE, "command": "tokens", "prompt": HOSTILE},
        {"command": HOSTILE},
        {"command": "next", HOSTILE: 1},
        {"command": "next", "prompt": "a", "top": HOSTILE},
        {"command": "next", "file": f"/nowhere/{HOSTILE}"},
        {"command": "next", "messages": [{"role": "user", "content": [HOSTILE]}]},
        {"command": "options", "prompt": HOSTILE, "options": [HOSTILE]},
        {"command": "search", "prompt": HOSTILE, "query": HOSTILE},
    ]
    done = run("ask", input="".join(json.dumps(one) + "\n" for one in requests), terminal=True)
    assert is_quiet(done)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(requests)
    assert answers[0]["id"] == HOSTILE
