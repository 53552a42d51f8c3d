import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from explorer.cli.engines import embedded_folder
from tests.cli.program import is_one_sentence, process


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["next"], 2, "exactly one"),
        (["next", "a", "--ids", "1"], 2, "exactly one"),
        (["next", "--ids", "1,x"], 2, "takes numbers"),
        (["next", "a", "--temperature", "-1"], 2, "temperature"),
        (["next", "a", "--temperature", "hot"], 2, "temperature"),
        (["next", "a", "--top-p", "1.5"], 2, "top-p"),
        (["next", "a", "--top", "0"], 2, "top"),
        (["next", "a", "--dtype", "int3"], 2, "dtype"),
        (["next", "a", "--device", "tpu"], 2, "device"),
        (["next", "--file", "/nowhere/at/all"], 2, "/nowhere/at/all"),
        (["--nope"], 2, "--nope"),
        (["nope"], 2, "nope"),
        (["--model", "x", "next", "a"], 2, "--model"),
        (["-p", "a", "--file", "b"], 2, "not both"),
        ([], 2, "terminal"),
        (["tokens", "a", "--model", "./nowhere"], 3, "./nowhere"),
        (["tokens", "a", "--model", "some one/x"], 3, "some one/x"),
        (["resume", "/nowhere"], 5, "/nowhere"),
        (["resume", __file__], 5, "not a record"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_an_exit_code(run, arguments, code, said):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert is_one_sentence(done.stderr)


def test_a_model_that_is_not_here_is_one_sentence_where_nothing_may_be_fetched():
    done = process("tokens", "a", "--model", "nobody/nothing", env={"HF_HUB_OFFLINE": "1"})
    assert (done.returncode, done.stdout) == (3, "")
    assert "HF_HUB_OFFLINE" in done.stderr
    assert is_one_sentence(done.stderr)


def test_an_existing_record_is_refused(run, tmp_path):
    taken = tmp_path / "taken.jsonl"
    taken.write_text("mine")
    done = run("--record", str(taken))
    assert done.returncode == 5
    assert is_one_sentence(done.stderr)
    assert taken.read_text() == "mine"


@pytest.mark.parametrize("source", ["file", "environment"])
def test_an_unknown_setting_is_named(run, tmp_path, source):
    config = tmp_path / "config.toml"
    config.write_text("tempratur = 1" if source == "file" else "")
    env = {"TOKEN_EXPLORER_CONFIG": str(config)}
    if source == "environment":
        env["TOKEN_EXPLORER_TEMPRATUR"] = "1"
    done = run("tokens", "a", env=env)
    assert done.returncode == 2
    assert "tempratur" in done.stderr
    assert is_one_sentence(done.stderr)


def test_tokens_needs_no_torch_and_gives_every_byte(run):
    done = run("tokens", "Once upon a time, 옛날 👩‍🚀\r\n", "--json")
    table = json.loads(done.stdout)
    assert table["text"] == "<|begin_of_text|>Once upon a time, 옛날 👩‍🚀\r\n"
    assert table["tokens"][0] == {
        "index": 0,
        "id": 1,
        "text": "<|begin_of_text|>",
        "piece": "<|begin_of_text|>",
        "bytes": b"<|begin_of_text|>".hex(),
        "kind": "special",
    }
    assert [t["index"] for t in table["tokens"]] == list(range(len(table["tokens"])))
    assert bytes.fromhex("".join(t["bytes"] for t in table["tokens"])).decode() == table["text"]
    assert all((t["text"] is None) == (t["kind"] == "bytes") for t in table["tokens"])

    code = "import sys; from explorer.cli import cli; cli.main(['tokens', 'a'], standalone_mode=False)"
    checked = code + "; assert not {'torch', 'transformers', 'textual'} & set(sys.modules), 'heavy'"
    assert subprocess.run([sys.executable, "-c", checked], capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("tokens", "code", "said"),
    [(1023, 0, ""), (1024, 0, "The context of 1,024 tokens is full"), (1025, 2, "1,025 tokens")],
)
def test_next_at_the_end_of_the_context(run, tokens, code, said):
    done = run("next", "--ids", ",".join(["300"] * tokens), "--json")
    assert done.returncode == code
    assert said in done.stderr
    assert is_one_sentence(done.stderr) == bool(said)
    assert bool(done.stdout) == (code == 0)


def test_tokens_reads_ids_files_and_pipes_and_leaves_special_tokens_out(run, tmp_path):
    text = tmp_path / "text"
    text.write_text("a b\n", "utf-8")
    by_file = json.loads(run("tokens", "--file", str(text), "--no-special", "--json").stdout)
    by_pipe = json.loads(run("tokens", "--file", "-", "--no-special", "--json", input="a b\n").stdout)
    ids = ",".join(str(t["id"]) for t in by_file["tokens"])
    by_ids = json.loads(run("tokens", "--ids", ids, "--json").stdout)
    assert by_file == by_pipe == by_ids
    assert by_file["text"] == "a b\n"
    unused = json.loads(run("tokens", "--ids", "99999", "--json").stdout)["tokens"][0]
    assert (unused["kind"], unused["bytes"]) == ("unused", "")


def test_tokens_prints_a_table_with_markup_literally(run):
    done = run("tokens", "[/b] list[int]\x1b")
    assert done.returncode == 0
    assert "␛" in done.stdout
    assert "\x1b" not in done.stdout
    assert "]" in done.stdout


def test_a_reader_that_has_enough_is_no_error():
    code = f"{sys.executable} -m explorer tokens --json 'a b c' | true"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", code], capture_output=True, text=True)
    assert done.stderr == ""


@pytest.fixture(scope="module")
def next_json(run) -> dict:
    done = run("next", "Once upon a", "--json", "-n", "8", "--temperature", "0.7", "--top-k", "3")
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_next_gives_the_shape_that_is_documented(next_json):
    assert list(next_json) == [
        "model",
        "dtype",
        "device",
        "ids",
        "vocab_size",
        "entropy",
        "other_prob",
        "kept",
        "cut_mass",
        "sampling_entropy",
        "candidates",
    ]
    assert list(next_json["candidates"][0]) == [
        "rank",
        "id",
        "text",
        "bytes",
        "logit",
        "logprob",
        "prob",
        "sampling_prob",
        "cut_by",
        "adjusted_rank",
    ]
    assert (next_json["model"], next_json["dtype"], next_json["vocab_size"]) == ("embedded", "float32", 6144)
    assert [c["rank"] for c in next_json["candidates"]] == list(range(1, 9))
    assert [c["cut_by"] for c in next_json["candidates"]] == [None] * 3 + ["top_k"] * 5
    assert sum(c["sampling_prob"] for c in next_json["candidates"]) == pytest.approx(1, abs=1e-5)


def test_next_as_a_table_says_what_was_cut_and_moved(run):
    said = run("next", "Once upon a", "-n", "8", "--ban", "516", "--logit-bias", "2256=6", "--top-k", "3").stdout
    assert "moved to" in said.splitlines()[0]
    assert "cut by top-k" in said
    assert "cut by banned" in said
    assert "3 of 6,144 tokens are kept" in said
    assert "of the model's mass is cut" in said
    assert "after the samplers" in said


def test_next_equals_a_direct_computation_with_transformers(next_json, embedded):
    import torch
    from transformers import AutoTokenizer

    ids = AutoTokenizer.from_pretrained(embedded_folder())("Once upon a")["input_ids"]
    with torch.inference_mode():
        row = embedded(input_ids=torch.tensor([ids])).logits[0, -1]
    assert row.dtype == torch.float32
    logprobs = row.log_softmax(-1)
    entropy = -(logprobs.exp() * logprobs).sum().item() / 0.6931471805599453
    best = logprobs.topk(8).indices.tolist()
    assert next_json["ids"] == ids
    assert next_json["entropy"] == pytest.approx(entropy, abs=1e-5)
    shown = [[c["id"], c["logit"], c["logprob"]] for c in next_json["candidates"]]
    for ours, theirs in zip(shown, best, strict=True):
        assert ours == pytest.approx([theirs, row[theirs].item(), logprobs[theirs].item()], abs=1e-5)


def test_next_with_ids_out_of_range_or_too_many_says_so(run):
    done = run("next", "--ids", "1,6144")
    assert done.returncode == 2
    assert "0 to 6143" in done.stderr
    assert is_one_sentence(done.stderr)
    done = run("next", "--ids", ",".join(["300"] * 1025))
    assert done.returncode == 2
    assert "1,024" in done.stderr
    assert is_one_sentence(done.stderr)


def test_an_interrupted_command_says_so(interruptible):
    process = subprocess.Popen(
        [sys.executable, "-m", "explorer", "next", "a"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + 120
    while not children.read_text().strip() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 130, stderr
    assert stderr == "Interrupted.\n"


def test_score_sums_what_counts(run):
    whole = json.loads(run("score", "Once upon a time", "--json").stdout)
    assert list(whole) == ["tokens", "logprob", "mean_nll", "perplexity", "count", "impossible"]
    assert list(whole["tokens"][0]) == [
        "index",
        "id",
        "text",
        "bytes",
        "logprob",
        "prob",
        "surprisal",
        "rank",
        "entropy",
        "top",
    ]
    assert (whole["tokens"][0]["logprob"], whole["tokens"][0]["top"], whole["count"]) == (None, [], 4)
    assert [len(token["top"]) for token in whole["tokens"][1:]] == [5] * 4
    part = json.loads(run("score", " time", "--prompt", "Once upon a", "--json").stdout)
    assert part["count"] == 1
    assert [token["index"] for token in part["tokens"]] == [4]
    assert part["mean_nll"] == pytest.approx(-whole["tokens"][4]["logprob"], abs=1e-5)


def test_score_prints_a_table_for_people(run):
    done = run("score", "Once upon a time [/b]")
    assert (done.returncode, done.stderr) == (0, "")
    assert "perplexity" in done.stdout
    assert "␣time" in done.stdout


@pytest.mark.parametrize("arguments", [["-p", b"\xff"], ["next", b"\xff"], ["tokens", b"\xff"]])
def test_an_argument_that_is_no_utf8_is_a_sentence(run, arguments):
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (2, "The text is not UTF-8.\n")


def test_ids_beyond_any_vocabulary_are_unused(run):
    table = json.loads(run("tokens", "--ids", "4294967296 1", "--json").stdout)
    assert [token["kind"] for token in table["tokens"]] == ["unused", "special"]


def test_output_that_cannot_be_written_is_a_sentence():
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "explorer", "tokens", "a"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert is_one_sentence(done.stderr)


@pytest.mark.parametrize(
    "arguments",
    [
        *(["--help"], ["--version"], ["models"], ["info"], ["tokens", "a"], ["next", "a"], ["score", "a b"]),
        ["sample", "a", "--seed", "1", "--max-new-tokens", "3"],
        ["sample", "a", "--seed", "1", "--json"],
    ],
    ids=" ".join,
)
def test_a_reader_that_has_had_enough_ends_a_command_without_a_word(arguments):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        command = [sys.executable, "-m", "explorer", *arguments]
        done = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("setting", ['record = ""', '[keys]\nsampel = "z"'])
def test_settings_of_the_screen_are_checked_before_it_opens(run, tmp_path, setting):
    config = tmp_path / "config.toml"
    config.write_text(setting)
    done = run(env={"TOKEN_EXPLORER_CONFIG": str(config)})
    assert done.returncode == 2
    assert is_one_sentence(done.stderr)


def test_the_best_id_is_printed_alone_to_be_appended(run):
    assert run("next", "Once upon a", "--top", "1", "--format", "ids").stdout == "516\n"
    three = run("next", "Once upon a", "--top", "3", "--format", "ids").stdout
    assert json.loads(run("tokens", "--ids", "-", "--json", input=three).stdout)["tokens"][0]["id"] == 516
    assert three == run("tokens", "--ids", "-", "--format", "ids", input=three).stdout
    done = run("next", "a", "--format", "ids", "--json")
    assert done.returncode == 2
    assert is_one_sentence(done.stderr)
