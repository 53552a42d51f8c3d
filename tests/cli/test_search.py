import json
import re

import pytest

from tests.cli.program import is_one_sentence

PROMPT = "Once upon a"


def test_hits_have_the_ranks_and_probabilities_of_the_whole_table(run):
    found = json.loads(run("search", PROMPT, "/^ ti/", "--json", "-n", "100").stdout)
    assert list(found) == ["model", "dtype", "device", "ids", "total", "hits"]
    whole = json.loads(run("next", PROMPT, "--top", "6144", "--json").stdout)
    assert found["ids"] == whole["ids"]
    expected = [row for row in whole["candidates"] if re.match("^ ti", row["text"] or "")]
    assert [row["id"] for row in found["hits"]] == [row["id"] for row in expected]
    for hit, row in zip(found["hits"], expected, strict=True):
        assert (hit["rank"], hit["bytes"]) == (row["rank"], row["bytes"])
        assert hit["prob"] == pytest.approx(row["prob"], abs=1e-6)
    assert found["total"] == len(expected)


@pytest.mark.parametrize(
    ("query", "expected"),
    [("#516", " time"), ("0x20 74 69 6d 65", " time"), ("upon", " upon"), ("/^ upon$/", " upon")],
)
def test_a_query_is_a_text_a_pattern_an_id_or_bytes(run, query, expected):
    hits = json.loads(run("search", PROMPT, query, "--json").stdout)["hits"]
    assert expected in [hit["text"] for hit in hits]


def test_only_the_first_are_listed_and_all_are_counted(run):
    done = run("search", PROMPT, "t", "--top", "3", "--temperature", "0.7", "--top-k", "1")
    assert done.stdout.splitlines()[1].split()[:3] == ["1", "516", "␣time"]
    assert "cut by top-k" in done.stdout
    assert re.search(r"3 of the \d[\d,]* tokens that match", done.stdout)


def test_the_query_stands_alone_where_the_prompt_is_given_by_a_flag(run):
    found = json.loads(run("search", "--ids", "1,907", "#516", "--json").stdout)
    assert (found["ids"], found["hits"][0]["id"]) == ([1, 907], 516)


def test_nothing_that_matches_is_no_error(run):
    done = run("search", PROMPT, "xyzzy")
    assert done.returncode == 0
    assert "0 tokens that match" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "QUERY"),
        ([PROMPT], "exactly one"),
        ([PROMPT, ""], "QUERY"),
        ([PROMPT, "/(/"], "regular expression"),
        ([PROMPT, "0x2"], "two hexadecimal digits"),
        ([PROMPT, "a", "--top", "0"], "top"),
        ([PROMPT, b"\xff"], "UTF-8"),
        (["--ids", "99999", "a"], "99999"),
    ],
)
def test_what_is_wrong_is_one_sentence(run, arguments, said):
    done = run("search", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert is_one_sentence(done.stderr)
