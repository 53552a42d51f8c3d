import csv
import io
import json
import math

import msgspec
import pytest

from explorer.core.record import events
from explorer.core.record.record import Record
from explorer.core.walk.recorded import recorded_session
from explorer.export import csv as csv_format
from explorer.export import json as json_format
from explorer.export.document import Document, branches
from explorer.replay.claims import fold
from tests.export.conftest import BOOKMARK, HOSTILE


def cells(document: Document, branches: str = "path") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_format.table(document, branches), newline="")))


def number(cell: str) -> float | None:
    return float(cell) if cell else None


def test_the_path_has_the_ids_of_the_record(record, document):
    ids = recorded_session(record, "it").prefix()
    assert [row.id for row in document.path()] == ids
    assert [int(row["id"]) for row in cells(document)] == ids
    assert json.loads(json_format.text(document))["current"]["ids"] == ids


def test_csv_has_a_row_for_each_token_of_the_record_with_its_numbers(record, document):
    rows = cells(document, "all")
    prompts = [event for event in record.events if isinstance(event, events.Prompt)]
    added = [event for event in record.events if isinstance(event, events.Add) and event.node != 9]  # It was deleted.
    after = [row for row in rows if row["source"] != "prompt"]
    assert [int(row["id"]) for row in rows if row["source"] == "prompt"] == [i for event in prompts for i in event.ids]
    assert len(after) == len(added)
    for row, event in zip(after, added, strict=True):
        assert (int(row["node"]), int(row["parent"]), int(row["id"])) == (event.node, event.parent, event.id)
        assert (number(row["prob"]), number(row["sampling_prob"])) == (event.prob, event.sampling_prob)
        assert (row["source"], number(row["rank"]), number(row["seed"])) == (event.source, event.rank, event.seed)
        assert event.prob is not None
        assert number(row["logprob"]) == math.log(event.prob)
        assert number(row["surprisal"]) == pytest.approx(-math.log2(event.prob))


def test_csv_has_the_scores_of_the_prompt_and_the_entropy_of_the_table_above(record, document):
    rows = cells(document)
    score = next(event for event in record.events if isinstance(event, events.Score))
    assert [number(row["logprob"]) for row in rows[: len(score.logprobs)]] == score.logprobs
    assert [number(row["entropy"]) for row in rows[: len(score.logprobs)]] == score.entropies
    assert rows[0]["prob"] == ""
    seen = next(event for event in record.events if isinstance(event, events.Seen) and event.node == 0)
    assert number(rows[len(score.logprobs)]["entropy"]) == seen.entropy


def test_csv_is_of_the_rfc_and_gives_a_spreadsheet_nothing_to_compute(hostile):
    text = csv_format.table(hostile, "all")
    rows = cells(hostile, "all")
    assert text.count("\r\n") == len(rows) + 1 and "\n" not in text.replace("\r\n", "")
    assert [bytes.fromhex(row["bytes"]) for row in rows] == [*HOSTILE, *HOSTILE]
    assert not any(row["token"].startswith(("=", "+", "-", "@", "＝")) for row in rows)
    assert {"'=HYPERLINK(1)", "'＝1", "'-1+1", "‹EC›", "‹FF›"} <= {row["token"] for row in rows}


def test_json_has_every_table_and_node_of_the_record_and_every_number_as_it_is(record, document):
    said = json.loads(json_format.text(document))
    prompts = iter(said["prompts"])
    for event in record.events:
        if isinstance(event, events.Prompt):
            prompt = next(prompts)
            assert ([t["id"] for t in prompt["tokens"]], prompt["text"]) == (event.ids, event.text)
            places = {0: prompt["tokens"][-1]} | {node["node"]: node for node in prompt["nodes"]}
        elif isinstance(event, events.Seen):
            place = places[event.node] if event.at is msgspec.UNSET else prompt["tokens"][event.at - 1]
            table = place["table"]
            assert [row["prob"] for row in table["candidates"]] == [row.prob for row in event.candidates]
            assert [row["id"] for row in table["candidates"]] == [row.id for row in event.candidates]
            assert (table["entropy"], table["other_prob"], table["kept"]) == (
                event.entropy,
                event.other_prob,
                event.kept,
            )
        elif isinstance(event, events.Add):
            node = places[event.node]
            assert (node["parent"], node["id"], node["prob"]) == (event.parent, event.id, event.prob)
            assert node["deleted"] == (event.node == 9)
    assert [node["bookmark"] for node in said["prompts"][0]["nodes"]] == [None] * 7 + [BOOKMARK, None]
    assert said["settings"]["top_k"] == 3 and said["engines"][0]["model"] == "scripted"


def test_json_has_the_bytes_of_hostile_tokens_and_the_text_only_where_it_is_whole(hostile):
    (prompt,) = json.loads(json_format.text(hostile))["prompts"]
    assert [bytes.fromhex(node["bytes"]) for node in prompt["nodes"]] == list(HOSTILE)
    halves = [node for node in prompt["nodes"] if bytes.fromhex(node["bytes"]) in (b"\xec", b"\x98", b"\x9b")]
    assert [node["text"] for node in halves] == [None] * 3
    assert [node["completes"] for node in halves] == ["", "", "옛"]


def test_the_runs_of_a_tree_are_its_nodes_with_the_sums_of_their_logprobs(document):
    tree = document.session.trees[0]
    found = list(branches(0, tree))
    assert {row.node for run in found for row in run.rows} == set(range(1, 9))
    assert sum(len(run.rows) for run in found) == 8
    for run in found:
        path = tree.path(run.rows[-1].node)
        assert run.logprob == pytest.approx(sum(math.log(node.choice.prob) for node in path))
        assert len(tree.living(run.rows[-1].node)) != 1
    assert [run.depth for run in found] == [0, 1, 1, 0]


def test_a_token_of_which_the_record_tells_no_more_than_the_id_is_written_as_it(header):
    said: list[events.AnyEvent] = [
        events.Prompt(text="a b", ids=[5, 6]),
        events.Add(parent=0, node=1, id=7, source="forced"),
    ]
    document = Document.of(Record(header, said), "it")
    assert document.text() == "#5#6#7"
    assert [(row.token, row.text, row.bytes, row.prob) for row in document.path()] == [
        (f"#{token_id}", None, None, None) for token_id in (5, 6, 7)
    ]


def test_packed_weights_make_an_engine_of_its_own_as_they_do_for_a_verification(header):
    packed = {name: getattr(header, name) for name in ("model", "dtype", "device", "tokenizer", "versions")}
    engine = events.Engine(restarted=False, loaded_with={"quantize": "4bit"}, **packed)
    prompt = events.Prompt(text="a", ids=[97], bytes=["61"])
    record = Record(header, [prompt, engine, prompt])
    document = Document.of(record, "it")
    said = json.loads(json_format.text(document))
    assert [engine["loaded_with"] for engine in said["engines"]] == [{}, {"quantize": "4bit"}]
    assert ("loaded with", "quantize 4bit") in list(document.facts())
    assert [part.engine for part in fold(record, "it")[1]] == document.engines
