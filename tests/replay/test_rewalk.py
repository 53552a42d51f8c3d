import msgspec
import pytest

from explorer.cli.engines import make_engine
from explorer.config import Config
from explorer.core.record import events, journal
from explorer.engine.base import Progress
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.errors import RecordError, UsageError
from explorer.replay.claims import fold
from explorer.replay.rewalk import Rewalk
from tests.replay.test_verification import verify


async def rewalk(engine, path, out, *report):
    await engine.start()
    try:
        walk = Rewalk(engine, *report)
        session = await walk.record(journal.read(path), str(path), out)
    finally:
        await engine.close()
    return walk, session


async def test_how_far_a_walk_is_is_reported(recorded, tmp_path):
    path, said = await recorded(ScriptedEngine.demo()), []
    await rewalk(ScriptedEngine.demo(), path, tmp_path / "again.jsonl", said.append)
    count = len(journal.read(path).events)
    assert said == [*[Progress("walking", done, count) for done in range(count)], Progress("walking", 1, 1)]


def without_times(record):
    return [msgspec.structs.replace(event, t=0.0) for event in record.events]


async def test_on_the_same_engine_everything_is_the_same_but_the_sequences_are_forced(recorded, tmp_path):
    path, out = await recorded(ScriptedEngine.demo()), tmp_path / "again.jsonl"
    walk, session = await rewalk(ScriptedEngine.demo(), path, out)
    before, after = journal.read(path), journal.read(out)
    assert out.stat().st_mode & 0o777 == 0o600
    changed = [
        (one, other)
        for one, other in zip(without_times(before), without_times(after), strict=True)
        if not isinstance(one, events.Add | events.Move) or one.rows is msgspec.UNSET
        if one != other
    ]
    for one, other in changed:
        assert isinstance(one, events.Add)
        assert one.source == other.source == "forced"
    assert walk.forced == sum(isinstance(e, events.Add) and e.rows is not msgspec.UNSET for e in before.events)
    assert [e.source for e in after.events if isinstance(e, events.Add) and e.draw is None].count("sampled") == 0
    was, _ = fold(before, "")
    assert session.snapshot().ids == was.snapshot().ids
    assert [len(tree.nodes) for tree in session.trees] == [len(tree.nodes) for tree in was.trees]
    assert (await verify(after, ScriptedEngine.demo())).holds


def test_in_another_dtype_the_tokens_are_the_same_and_the_numbers_hold_there(recorded, engines, tmp_path):
    one, other = (engines.make(Config(dtype=dtype)) for dtype in ("float32", "bfloat16"))
    path, out = engines.run(recorded(one)), tmp_path / "again.jsonl"
    _, session = engines.run(rewalk(other, path, out))
    was, _ = fold(journal.read(path), "")
    assert [tree.prefix(len(tree.nodes) - 1) for tree in session.trees] == [
        tree.prefix(len(tree.nodes) - 1) for tree in was.trees
    ]
    assert session.header.dtype == "bfloat16"
    # By a worker that has computed none of it before.
    report = engines.run(verify(journal.read(out), make_engine(Config(dtype="bfloat16"))))
    assert (report.holds, report.deviations) == (True, [])


def test_another_vocabulary_is_refused_and_leaves_no_file(recorded, engines, tmp_path):
    path, out = engines.run(recorded(ScriptedEngine.demo())), tmp_path / "again.jsonl"
    with pytest.raises(UsageError, match="another vocabulary"):
        engines.run(rewalk(engines.make(Config()), path, out))
    assert not out.exists()


async def test_a_record_that_is_wrong_is_named_and_leaves_no_file(recorded, tmp_path):
    path, out = await recorded(ScriptedEngine.demo()), tmp_path / "again.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:4], '{"event":"move","t":1,"node":99}', ""]))
    with pytest.raises(RecordError, match=r"Line 5 of .*there is no node 99"):
        await rewalk(ScriptedEngine.demo(), path, out)
    assert not out.exists()


async def test_a_record_without_a_prompt_is_no_walk_and_leaves_no_file(recorded, tmp_path):
    path, out = await recorded(ScriptedEngine.demo()), tmp_path / "again.jsonl"
    path.write_text(path.read_text().splitlines(keepends=True)[0])
    with pytest.raises(RecordError, match="ends before its first prompt: there is no walk in it"):
        await rewalk(ScriptedEngine.demo(), path, out)
    assert not out.exists()
