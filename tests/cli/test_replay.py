import json

import pytest

from tests.cli.program import is_one_sentence, process


def test_verify_says_that_every_number_holds(walk):
    # By a process that has computed none of it before.
    done = process("replay", str(walk), "--verify")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{walk}: every number holds.\n")
    assert "draws, drawn again" in done.stdout
    assert "recorded on embedded float32 cpu (torch " in done.stdout


def test_verify_names_what_was_changed(run, walk, tmp_path):
    changed = tmp_path / "changed.jsonl"
    lines = walk.read_text().splitlines(keepends=True)
    line = next(number for number, text in enumerate(lines) if '"event":"add"' in text)
    said = json.loads(lines[line])
    lines[line] = json.dumps({**said, "prob": said["prob"] * 1.01}) + "\n"
    changed.write_text("".join(lines))
    done = run("replay", str(changed), "--verify")
    assert done.returncode == 1
    assert f"The first: line {line + 1} (add, node 0 of prompt 0, after “" in done.stdout
    report = json.loads(run("replay", str(changed), "--verify", "--json").stdout)
    assert not report["holds"]
    assert [(one["line"], one["what"]) for one in report["deviations"]] == [(line + 1, "prob")]
    assert run("replay", str(changed), "--verify", "--tolerance", "0.1").returncode == 0


def test_verify_on_another_dtype_tells_both(run, walk):
    done = run("replay", str(walk), "--verify", "--json", "--dtype", "bfloat16")
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert (report["parts"][0]["dtype"], report["parts"][0]["by_dtype"]) == ("float32", "bfloat16")
    assert 1e-3 < report["max_logprob_error"] < report["parts"][0]["tolerance"]


def test_each_part_is_verified_on_the_model_that_it_was_made_on(run, walk, tmp_path):
    other, both = tmp_path / "bfloat16.jsonl", tmp_path / "both.jsonl"
    assert run("replay", str(walk), "--record", str(other), "--dtype", "bfloat16").returncode == 0
    header, *rest = other.read_text().splitlines(keepends=True)
    said = json.loads(header)
    names = ("model", "revision", "dtype", "device", "tokenizer", "loaded_with", "versions")
    change = {"event": "engine", "restarted": False, **{name: said[name] for name in names if name in said}}
    prompt = [line for line in rest if '"event":"prompt"' in line or '"event":"params"' in line][:2]
    seen = next(line for line in rest if '"event":"seen"' in line)
    both.write_text("".join([walk.read_text(), json.dumps(change) + "\n", *prompt, seen]))
    report = json.loads(run("replay", str(both), "--verify", "--json").stdout)
    assert report["holds"]
    assert [part["by_dtype"] for part in report["parts"]] == ["float32", "bfloat16"]
    assert report["prompts_unchecked"] == 1


def test_a_record_is_no_leave_to_run_code(walk, tmp_path):
    from explorer.cli.flags import recorded_config
    from explorer.core.record.journal import parse

    header = json.loads(walk.read_text().splitlines()[0])
    header["loaded_with"] = {"trust_remote_code": True, "allow_pickle": True, "bos": False, "quantize": "4bit"}
    config = recorded_config(parse(json.dumps(header).encode() + b"\n").header, {"quantize": "8bit"})
    assert (config.trust_remote_code, config.allow_pickle) == (False, False)
    assert (config.bos, config.quantize, config.dtype) == (False, "8bit", "float32")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["/nowhere", "--verify"], 5, "/nowhere"),
        ([__file__, "--verify"], 5, "not a record"),
        (["tests/data/record-v1.jsonl", "--verify", "--tolerance", "-1"], 2, "tolerance"),
        (["tests/data/record-v1.jsonl", "--verify", "--model", "embedded"], 2, "another vocabulary"),
        (["tests/data/record-v1.jsonl", "--verify", "--model", "./nowhere"], 3, "./nowhere"),
        (["tests/data/record-v1.jsonl"], 2, "needs a terminal"),
        (["tests/data/record-v1.jsonl", "--speed", "fast"], 2, "--speed"),
        (["tests/data/record-v1.jsonl", "--speed", "2x", "--verify"], 2, "--speed"),
        (["tests/data/record-v1.jsonl", "--dtype", "bfloat16"], 2, "--dtype goes with"),
        (["tests/data/record-v1.jsonl", "--json"], 2, "go with --verify"),
        (["tests/data/record-v1.jsonl", "--verify", "--record", "x"], 2, "not both"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(run, arguments, code, said):
    done = run("replay", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert is_one_sentence(done.stderr)


def test_the_same_walk_is_recorded_in_another_dtype(run, walk, tmp_path):
    out = tmp_path / "again.jsonl"
    done = run("replay", str(walk), "--record", str(out), "--dtype", "bfloat16")
    assert (done.returncode, done.stdout) == (0, f"Record: {out}\n")
    assert "tokens were sampled in" in done.stderr
    assert json.loads(out.read_text().splitlines()[0])["dtype"] == "bfloat16"
    again = run("replay", str(walk), "--record", str(out))
    assert again.returncode == 5
    assert is_one_sentence(again.stderr)
