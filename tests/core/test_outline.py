import os
import re
from pathlib import Path

import pytest

from explorer.core.record import events, journal
from explorer.core.record.journal import Journal
from explorer.core.record.outline import outline, outlines
from explorer.core.walk.session import Session
from explorer.errors import RecordError

OLD = Path(__file__).parents[1] / "data" / "record-v1.jsonl"


def add(parent: int, node: int) -> events.Add:
    return events.Add(parent=parent, node=node, id=node, source="picked")


@pytest.fixture
def record(header, tmp_path):
    def write(*happened: events.AnyEvent, end: bytes = b"") -> Path:
        path = tmp_path / "walk.jsonl"
        path.unlink(missing_ok=True)
        journal.write_copy(path, header, happened)
        path.write_bytes(path.read_bytes() + end)
        return path

    return write


def test_a_record_is_outlined_without_its_tables(record, header):
    path = record(
        events.Prompt(text="Once", ids=[1]),
        add(0, 1),
        add(1, 2),
        events.Seen(node=2, entropy=None, vocab_size=9, other_prob=None, kept=9, candidates=[]),
        add(1, 3),
        events.Prompt(text="Twice", ids=[2]),
        add(0, 1),
        events.Engine(restarted=False, model="/models/other", dtype="float32", device="cpu", tokenizer="1"),
        events.End(),
    )
    found = outline(path)
    assert (found.path, found.size, found.started) == (str(path), path.stat().st_size, header.started)
    assert (found.model, found.prompt) == ("/models/other", "Once")
    assert (found.tokens, found.branches, found.state, found.problem) == (4, 3, "closed", "")


def test_a_token_after_an_undone_prompt_is_of_the_prompt_before(record):
    one, other = events.Prompt(text="a", ids=[1]), events.Prompt(text="b", ids=[2])
    assert outline(record(one, add(0, 1), other, events.Undo(), add(1, 2), add(2, 3))).branches == 1
    assert outline(record(one, add(0, 1), other, add(0, 1), add(1, 2))).branches == 2


def test_the_branches_are_the_leaves_of_the_trees(header, walker, tmp_path):
    moves = [(kind, n) for n in range(9) for kind in ("prompt", "seen", "pick", "sample", "back", "move", "undo")]
    session = Session(header, Journal.create(tmp_path / "walk.jsonl", header))
    walker.teach(session)
    walker.walk(session, moves)
    leaves = [node for tree in session.trees for node in tree.nodes[1:] if not node.children]
    found = outline(tmp_path / "walk.jsonl")
    assert found.tokens == sum(len(tree.nodes) - 1 for tree in session.trees)
    assert (found.branches, found.state) == (len(leaves), "open")
    session.journal.close()
    assert outline(tmp_path / "walk.jsonl").state == "stopped"


def test_a_long_prompt_is_clipped_and_a_chat_is_its_last_message(record):
    clipped = outline(record(events.Prompt(text="a" * 999, ids=[1]))).prompt
    assert clipped is not None and len(clipped) == 200
    said = [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]
    assert outline(record(events.Prompt(text="<a><b>", ids=[1], messages=said))).prompt == "b"
    parts = [{"role": "user", "content": [{"type": "text"}]}]
    assert outline(record(events.Prompt(text="<c>", ids=[1], messages=parts))).prompt == "<c>"


def test_a_record_that_ends_within_a_line_is_torn(record):
    prompt = events.Prompt(text="a", ids=[1])
    assert outline(record(prompt, events.End(), end=b'{"event":"add"')).state == "torn"
    assert outline(record(prompt, end=b'{"event":"seen"')).state == "torn"


@pytest.mark.parametrize(
    ("end", "problem"),
    [
        (b"what\n", r"Line 3 of walk\.jsonl is not an event"),
        (b'{"event":"add","parent":"x"}\n', r"Line 3 of .*Expected `int"),
        (b'{"event":"add","parent":0,"node":7}\n', r"Line 3 of .*node 7 has no place"),
        (b'{"event":"add","node":1}\n', r"Line 3 of .*an addition names its parent"),
    ],
)
def test_a_damaged_record_says_what_is_wrong(record, end, problem):
    found = outline(record(events.Prompt(text="a", ids=[1]), end=end))
    assert found.state == "damaged"
    assert re.match(problem, found.problem)


def test_a_folder_is_listed_with_the_newest_first_and_whatever_is_wrong(tmp_path, header):
    for year in (2024, 2026, 2025):
        text = OLD.read_text().replace('"started":"2026', f'"started":"{year}')
        (tmp_path / f"{year}.jsonl").write_text(text)
    for name, data in (("empty", b""), ("foreign", b"{}\n"), ("cut", b'{"format":"token-ex')):
        (tmp_path / f"{name}.jsonl").write_bytes(data)
        os.utime(tmp_path / f"{name}.jsonl", (0, 0))
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "notes.txt").write_text("no record")
    found = {Path(one.path).stem: one for one in outlines(tmp_path)}
    assert list(found)[:4] == ["folder", "2026", "2025", "2024"]
    assert {name for name, one in found.items() if one.state == "damaged"} == {"folder", "empty", "foreign", "cut"}
    assert "is empty" in found["empty"].problem and "not a record" in found["foreign"].problem
    assert "cut off" in found["cut"].problem and "not a file" in found["folder"].problem


def test_a_folder_that_cannot_be_read_is_said(tmp_path):
    with pytest.raises(RecordError, match="cannot be read: no such file"):
        outlines(tmp_path / "missing")
