import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from explorer.cli.engines import embedded_folder
from explorer.cli.sample import Objects, Writer
from explorer.core.distribution import Candidate
from explorer.core.sampling.sequence import SampledSequence
from explorer.core.sampling.stopping import FinishReason
from explorer.core.token import Token
from tests.cli.program import is_one_sentence

TEXT = "Once upon a"
SETTINGS = {"temperature": 0.9, "top_k": 40, "top_p": 0.95}
FLAGS = [f"--{name.replace('_', '-')}={value}" for name, value in SETTINGS.items()]


@pytest.fixture(scope="module")
def objects(run) -> Callable[..., list[dict]]:
    """Runs `sample --json`; the objects that it prints."""

    def sample(*arguments: str, **settings) -> list[dict]:
        done = run("sample", *arguments, "--json", **settings)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return sample


@pytest.fixture(scope="module")
def prompt(run) -> list[int]:
    return [token["id"] for token in json.loads(run("tokens", TEXT, "--json").stdout)["tokens"]]


def generated(model, ids: list[int], **settings) -> list[list[int]]:
    import torch

    begun = torch.tensor([ids])
    settings |= {"attention_mask": torch.ones_like(begun), "pad_token_id": 0}
    return model.generate(begun, **settings)[:, len(ids) :].tolist()


@pytest.mark.parametrize("count", [1, 4])
def test_a_seed_draws_what_the_library_generates(objects, embedded, prompt, count):
    import torch

    torch.manual_seed(11)
    expected = generated(embedded, prompt, do_sample=True, **SETTINGS, num_return_sequences=count, max_new_tokens=24)
    found = objects(TEXT, "--seed=11", *FLAGS, f"--num-sequences={count}", "--max-new-tokens=24")
    assert [row["index"] for row in found] == list(range(count))
    for row, ids in zip(found, expected, strict=True):
        # What the library puts after an end is padding.
        assert row["ids"] == ids[: len(row["ids"])]
        assert (len(row["ids"]) == 24) == (row["finish_reason"] == "length")
    assert len({tuple(row["ids"]) for row in found}) == count


def test_greedy_is_what_the_library_generates_and_needs_no_seed(run, embedded, prompt):
    done = run("sample", TEXT, "--temperature=0", "--json")
    row = json.loads(done.stdout)
    assert [row["ids"]] == generated(embedded, prompt, do_sample=False, max_new_tokens=50)
    assert (done.stderr, row["seed"]) == ("", None)


def test_every_flag_of_the_samplers_draws_what_the_library_generates(objects, embedded, prompt):
    import torch

    settings: dict[str, Any] = {"top_p": 0.95, "top_h": 0.9, "repetition_penalty": 1.3, "no_repeat_ngram_size": 3}
    settings |= {"min_p": 0.001, "typical_p": 0.95, "epsilon_cutoff": 1e-5, "eta_cutoff": 1e-4, "min_new_tokens": 9}
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
    flags += ["--logit-bias=13=-2", "--logit-bias", "11=1.5", "--ban=261", "--suppress-tokens", "300"]
    settings |= {"sequence_bias": {(13,): -2.0, (11,): 1.5}, "suppress_tokens": [261, 300]}
    torch.manual_seed(5)
    expected = generated(embedded, prompt, do_sample=True, temperature=1.0, top_k=0, max_new_tokens=24, **settings)
    [row] = objects(TEXT, "--seed=5", *flags, "--max-new-tokens=24")
    assert row["ids"] == expected[0][: len(row["ids"])]


def test_the_models_settings_are_told_and_used(run):
    told = run("sample", TEXT, "--model-defaults", "--seed=2", "--max-new-tokens=12")
    assert told.stderr == "The model's own settings: temperature 0.8, top-k 40.\n"
    said = run("sample", TEXT, "--temperature=0.8", "--top-k=40", "--seed=2", "--max-new-tokens=12")
    assert told.stdout == said.stdout


def test_an_object_has_the_shape_that_is_documented(objects):
    [row] = objects(TEXT, "--seed=1", "--max-new-tokens=6")
    assert list(row) == ["index", "seed", "ids", "text", "finish_reason", "why", "logprob", "tokens"]
    assert [list(token) for token in row["tokens"]] == [["id", "text", "bytes", "prob", "sampling_prob", "rank"]] * 6
    assert (row["index"], row["seed"], row["finish_reason"], row["why"]) == (0, 1, "length", "length")
    assert [token["id"] for token in row["tokens"]] == row["ids"]
    assert "".join(token["text"] for token in row["tokens"]) == row["text"]


def test_a_seed_that_nobody_chose_is_told_and_draws_the_same_again(objects, run):
    done = run("sample", TEXT, "--json")
    row = json.loads(done.stdout)
    assert done.stderr == f"The seed is {row['seed']}.\n"
    assert objects(TEXT, f"--seed={row['seed']}") == [row]


@pytest.fixture(scope="module")
def free(objects) -> dict:
    return objects(TEXT, "--seed=5")[0]


def test_in_a_pipe_the_text_is_plain_and_ends_with_a_line(run, free):
    done = run("sample", TEXT, "--seed=5", "--echo")
    assert (done.stdout, done.stderr) == (f"<|begin_of_text|>{TEXT}{free['text']}\n", "")
    plain = run("sample", "a\x1b", "--seed=5", "--echo", "--skip-special", "--max-new-tokens=1").stdout
    assert plain.startswith("a\x1b")


def test_each_line_of_a_file_is_a_prompt_with_the_next_seed(objects):
    lines, flags = f"{TEXT}\r\n\n옛날 옛적에 바닷가 마을에\n", ["--num-sequences=2", "--max-new-tokens=12"]
    found = objects("--prompts", "-", "--seed=7", *flags, input=lines)
    assert [(row["index"], row["seed"]) for row in found] == [(n, 7 + n // 2) for n in range(6)]
    alone = objects("옛날 옛적에 바닷가 마을에", "--seed=9", *flags)
    assert [(row["ids"], row["text"]) for row in found[4:]] == [(row["ids"], row["text"]) for row in alone]


@pytest.mark.parametrize("why", ["stop_string", "stop_id"])
def test_a_sequence_ends_where_it_is_told_to(objects, free, why):
    token = free["tokens"][7]
    flags = ["--stop", "~~", "--stop", token["text"]] if why == "stop_string" else [f"--stop-id={token['id']}"]
    [row] = objects(TEXT, "--seed=5", *flags)
    assert (row["finish_reason"], row["why"], row["tokens"][-1]["text"]) == ("stop", why, token["text"])
    assert row["ids"] == free["ids"][: len(row["ids"])]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--prompts"),
        ([TEXT, "--prompts", "x"], "exactly one"),
        (["--prompts", "/nowhere"], "/nowhere"),
        (["--prompts", "/dev/null"], "empty"),
        ([TEXT, "--max-new-tokens=0"], "max-new-tokens"),
        ([TEXT, "--max-length=0"], "max-length"),
        ([TEXT, "--max-length=4", "--seed=1"], "The prompt has 4 tokens"),
        ([TEXT, "--padding=right"], "--prompts"),
        (["--prompts", "-", "--padding=middle"], "padding"),
        ([TEXT, "--stop", ""], "stop string"),
        ([TEXT, "--num-sequences=0", "--seed=1"], "at least 1"),
        ([TEXT, "--temperature=0", "--num-sequences=2"], "temperature 0"),
        ([TEXT, "--temperature=-1"], "temperature"),
        ([TEXT, "--min-p=2"], "min-p"),
        ([TEXT, "--ban=x"], "banned must be token ids"),
        ([TEXT, "--logit-bias=5"], "as in 13=-5"),
        ([TEXT, "--preset=wild"], "plain, greedy"),
        ([TEXT, "--preset=greedy", "--model-defaults"], "not both"),
    ],
)
def test_what_is_wrong_is_one_sentence(run, arguments, said):
    done = run("sample", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert is_one_sentence(done.stderr)


def test_a_line_that_cannot_be_used_is_named(run, tmp_path):
    file = tmp_path / "prompts"
    file.write_text("a\n\n", "utf-8")
    done = run("sample", "--prompts", str(file), "--no-special", "--seed=1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Line 2" in done.stderr


def test_a_reader_that_has_enough_ends_it_without_a_word():
    command = [sys.executable, "-m", "explorer", "sample", TEXT, "--ignore-eos", "--max-new-tokens=1000", "--seed=1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    process.wait(120)


def test_a_terminal_gets_the_text_as_it_comes_and_an_interruption_keeps_it(interruptible):
    terminal, tty = pty.openpty()
    command = [sys.executable, "-m", "explorer", "sample", "a\x1b", "--echo", "--ignore-eos", "--seed=3"]
    command += ["--max-new-tokens=1000", "--num-sequences=2"]
    process = subprocess.Popen(command, stdout=tty, stderr=subprocess.PIPE)
    os.close(tty)
    shown = b""
    while len(shown) < 100:
        shown += os.read(terminal, 100)
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(OSError):
        while part := os.read(terminal, 1000):
            shown += part
    os.close(terminal)
    assert (process.wait(120), process.stderr.read()) == (130, b"Interrupted.\n")
    process.stderr.close()
    text = shown.decode().replace("\r\n", "\n")
    assert text.startswith("── 1 of 2 ──\n<|begin_of_text|>a␛")
    assert "\n── 2 of 2 ──\n<|begin_of_text|>a␛" in text
    assert text.endswith("\n") and "\x1b" not in text


def test_sequences_are_written_in_order_and_what_is_broken_off_says_so(capsys):
    sequences = [SampledSequence(index, 1) for index in range(3)]
    writer = Writer(sequences, Objects())
    drawn = Candidate(token=Token.from_bytes(97, b"a"), rank=1, logit=0.0, logprob=-1.0, prob=0.4, sampling_prob=0.4)
    first: list[tuple[int, FinishReason | None]] = [(1, "stop"), (0, None)]
    for index, finish in first:
        sequences[index].add(drawn, finish)
        writer.write()
    assert capsys.readouterr().out == ""
    sequences[0].add(drawn, "length")
    writer.write()
    sequences[2].add(drawn, None)
    done = capsys.readouterr().out
    writer.end()
    rows = [json.loads(line) for line in (done + capsys.readouterr().out).splitlines()]
    assert done.count("\n") == 2
    assert [(row["index"], row["text"], row["finish_reason"]) for row in rows] == [
        (0, "aa", "length"),
        (1, "a", "stop"),
        (2, "a", None),
    ]


SEVERAL = ["Once upon a time there was a little fox who", "Once upon", "The"]


def test_right_padding_goes_wrong_as_in_the_library_and_says_so(run, objects, embedded, tmp_path):
    import torch
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(embedded_folder(), padding_side="right")
    batch = tokenizer(SEVERAL, padding=True, return_tensors="pt")
    width = batch["input_ids"].shape[1]
    settings = {"do_sample": False, "max_new_tokens": 12, "pad_token_id": 0}
    expected = embedded.generate(batch["input_ids"], attention_mask=batch["attention_mask"], **settings)
    assert torch.all(batch["attention_mask"][1:, -1] == 0)
    file = tmp_path / "prompts"
    file.write_text("\n".join(SEVERAL), "utf-8")
    flags = ["--prompts", str(file), "--temperature=0", "--max-new-tokens=12"]
    right, left = objects(*flags, "--padding=right"), objects(*flags, "--padding=left")
    for row, ids in zip(right, expected[:, width:].tolist(), strict=True):
        assert row["ids"] == ids[: len(row["ids"])]
    assert [row["demonstration"] for row in right] == ["right padding"] * 3
    # The longest has no padding.
    assert [one["ids"] == other["ids"] for one, other in zip(left, right, strict=True)] == [True, False, False]
    assert objects(*flags) == left
    assert "demonstration" in run("sample", *flags, "--padding=right").stderr


def test_max_length_counts_the_prompt_as_the_library_does(objects, embedded, prompt):
    [row] = objects(TEXT, "--temperature=0", "--max-length=9", "--ignore-eos")
    assert [row["ids"]] == generated(embedded, prompt, do_sample=False, max_length=9, eos_token_id=None)
    assert (len(prompt) + len(row["ids"]), row["why"]) == (9, "length")


def test_max_length_is_of_each_prompt_by_itself(objects):
    rows = objects("--prompts", "-", "--seed=1", "--max-length=12", "--ignore-eos", input="\n".join(SEVERAL))
    assert [len(row["ids"]) for row in rows] == [1, 9, 10]


def test_of_two_bounds_that_of_new_tokens_wins_and_it_is_said(run):
    done = run("sample", TEXT, "--temperature=0", "--max-length=4", "--max-new-tokens=3", "--json")
    assert len(json.loads(done.stdout)["ids"]) == 3
    assert "--max-new-tokens wins" in done.stderr
