import json
from typing import Any

import pytest

from tests.cli.program import is_one_sentence

PROMPT = "Once upon a"
OPTIONS = [" time", " hill", " time there was a cat", " 옛날"]


@pytest.fixture(scope="module")
def compared(run) -> dict[str, Any]:
    done = run("options", PROMPT, *OPTIONS, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_the_shape_is_as_documented(compared):
    assert list(compared) == ["model", "dtype", "device", "ids", "options"]
    assert list(compared["options"][0]) == [
        "index",
        "text",
        "bytes",
        "logprob",
        "logprob_per_token",
        "logprob_per_byte",
        "rank",
        "rank_per_token",
        "rank_per_byte",
        "share",
        "tokens",
    ]
    assert list(compared["options"][0]["tokens"][0]) == ["id", "text", "bytes", "logprob", "prob", "rank"]
    assert [row["text"] for row in compared["options"]] == OPTIONS
    assert [row["index"] for row in compared["options"]] == [0, 1, 2, 3]


def test_an_option_has_the_logprob_that_score_gives_it(run, compared):
    for row in compared["options"]:
        scored = json.loads(run("score", row["text"], "--prompt", PROMPT, "--json").stdout)
        assert row["logprob"] == pytest.approx(scored["logprob"], abs=1e-4)
        assert row["logprob_per_token"] == pytest.approx(-scored["mean_nll"], abs=1e-4)
        assert row["logprob_per_byte"] == pytest.approx(scored["logprob"] / len(row["text"].encode()), abs=1e-4)
        assert [token["rank"] for token in row["tokens"]] == [token["rank"] for token in scored["tokens"]]


def test_ranks_follow_each_measure_and_shares_are_one_together(compared):
    rows = compared["options"]
    for rank, measure in (
        ("rank", "logprob"),
        ("rank_per_token", "logprob_per_token"),
        ("rank_per_byte", "logprob_per_byte"),
    ):
        ordered = sorted(rows, key=lambda row: -row[measure])
        assert [row[rank] for row in ordered] == [1, 2, 3, 4]
    assert sum(row["share"] for row in rows) == pytest.approx(1)
    assert max(rows, key=lambda row: row["share"])["rank"] == 1


def test_equal_options_have_the_same_rank(run):
    rows = json.loads(run("options", PROMPT, " time", " time", " hill", "--json").stdout)["options"]
    assert [row["rank"] for row in rows] == [1, 1, 3]


def test_the_table_is_in_their_order_and_marks_the_likeliest(run):
    lines = run("options", PROMPT, *OPTIONS).stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:3]] == [["1", "␣time"], ["2", "␣time␣there␣was␣a␣cat"]]
    assert lines[1].count("•") == 3


def test_options_come_from_a_file_and_from_standard_input_with_their_spaces(run, tmp_path, compared):
    file = tmp_path / "options"
    file.write_text("\n".join(OPTIONS) + "\n", "utf-8")
    ids = ",".join(map(str, compared["ids"]))
    by_file = json.loads(run("options", PROMPT, "--options", str(file), "--json").stdout)
    by_pipe = json.loads(run("options", "--ids", ids, "--options", "-", "--json", input=file.read_text("utf-8")).stdout)
    assert [[row["text"] for row in table["options"]] for table in (by_file, by_pipe)] == [OPTIONS, OPTIONS]


def test_where_the_prompt_is_given_by_a_flag_every_argument_is_an_option(run, compared):
    ids = ",".join(map(str, compared["ids"]))
    rows = json.loads(run("options", "--ids", ids, *OPTIONS, "--json").stdout)["options"]
    assert [row["text"] for row in rows] == OPTIONS


def test_a_text_is_taken_as_it_is_unless_the_notation_is_asked_for(run):
    asked = [r"#516", r"0x20 74", r"a\nb"]
    plain = json.loads(run("options", PROMPT, *asked, "--json").stdout)["options"]
    noted = json.loads(run("options", PROMPT, *asked, "--notation", "--json").stdout)["options"]
    assert [row["text"] for row in plain] == asked
    assert [row["text"] for row in noted] == [" time", " t", "a\nb"]


def test_half_a_character_has_no_text_and_its_bytes(run):
    [row] = json.loads(run("options", PROMPT, "0xec 98", "--notation", "--json").stdout)["options"]
    assert (row["text"], row["bytes"]) == (None, "ec98")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "OPTION"),
        ([PROMPT], "OPTION"),
        ([PROMPT, ""], "Option 1 is empty"),
        ([PROMPT, " a", "--options", "x"], "not both"),
        ([PROMPT, "--options", "/nowhere"], "/nowhere"),
        ([PROMPT, "0x2", "--notation"], "two hexadecimal digits"),
        ([PROMPT, "#99999", "--notation"], "99999"),
        ([PROMPT, b"\xff"], "UTF-8"),
        (["--file", "/nowhere", " a"], "/nowhere"),
        ([PROMPT, "a " * 2000], "1,024"),
    ],
)
def test_what_is_wrong_is_one_sentence(run, arguments, said):
    done = run("options", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert is_one_sentence(done.stderr)
