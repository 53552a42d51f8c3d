import json

import pytest

from tests.cli.program import is_one_sentence


def test_ids_are_scored_as_their_text(run):
    whole = json.loads(run("score", "Once upon a time", "--json").stdout)
    ids = ",".join(str(token["id"]) for token in whole["tokens"])
    by_ids = json.loads(run("score", "--ids", ids, "--json").stdout)
    by_pipe = json.loads(run("score", "--ids", "-", "--json", input=ids.replace(",", "\n")).stdout)
    for one in (by_ids, by_pipe):
        assert [token["id"] for token in one["tokens"]] == [token["id"] for token in whole["tokens"]]
        assert one["logprob"] == pytest.approx(whole["logprob"], abs=1e-4)
    after = json.loads(run("score", "--ids", "516", "--prompt", "Once upon a", "--json").stdout)
    assert after["logprob"] == pytest.approx(whole["tokens"][-1]["logprob"], abs=1e-4)


def test_special_tokens_are_left_out_on_request(run):
    plain = json.loads(run("score", "Once upon", "--no-special", "--json").stdout)
    assert [token["text"] for token in plain["tokens"]] == ["Once", " upon"]
    after = json.loads(run("score", " upon", "--prompt", "Once", "--no-special", "--json").stdout)
    assert after["tokens"][0]["index"] == 1
    assert after["logprob"] == pytest.approx(plain["logprob"], abs=1e-4)


def test_what_could_come_after_the_text_is_told_on_request(run):
    with_next = json.loads(run("score", "Once upon a", "--next", "--top", "3", "--json").stdout)
    alone = json.loads(run("next", "Once upon a", "--top", "3", "--json").stdout)
    assert list(with_next)[-1] == "next"
    assert [row["id"] for row in with_next["next"]["candidates"]] == [row["id"] for row in alone["candidates"]]
    assert with_next["next"]["candidates"][0]["logprob"] == pytest.approx(alone["candidates"][0]["logprob"], abs=1e-4)
    done = run("score", "Once upon a", "--next")
    assert "What could come after it" in done.stdout
    assert "␣time" in done.stdout


def test_steps_tell_what_the_model_said_beside_what_came(run):
    lines = run("score", "Once upon a hill", "--steps").stdout.splitlines()
    assert lines[0].split() == ["text", "so", "far", "likeliest", "prob", "came", "prob", "rank"]
    at_hill = next(line for line in lines if "upon a " in line and "␣time" in line)
    assert "␣hill" in at_hill
    last = lines[5]
    assert "Once upon a hill" in last
    assert last.rstrip().endswith("%")


def test_the_steps_of_half_characters_show_their_bytes_and_control_characters_their_pictures(run):
    done = run("score", "토끼\x1b[1m", "--steps")
    assert "‹ED 86›" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "exactly one"),
        (["a", "--ids", "1"], "exactly one"),
        (["--ids", "1,x"], "takes numbers"),
        (["--ids", "1", "--chat"], "no chat is made"),
        (["a", "--steps", "--json"], "not both"),
        (["a", "--prompt", b"\xff"], "UTF-8"),
    ],
)
def test_what_is_wrong_is_one_sentence(run, arguments, said):
    done = run("score", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert is_one_sentence(done.stderr)
