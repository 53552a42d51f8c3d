import json
import random
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.cli.engines import make_engine
from explorer.config import Config
from explorer.core.record import journal
from explorer.core.record.events import Engine as EngineEvent
from explorer.core.record.record import Record
from explorer.core.sampling.knobs import KNOBS
from explorer.core.sampling.params import SamplingParams
from explorer.engine.base import Progress
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.errors import RecordError, UsageError
from explorer.replay.claims import fold
from explorer.replay.tolerance import FIRM, LOOSENED, loosened, tolerance_of
from explorer.replay.verification import Verification

DATA = Path(__file__).parents[1] / "data"


async def verify(record, engine, tolerance=None, *report):
    session, parts = fold(record, "the record")
    verification = Verification(session, tolerance)
    await engine.start()
    try:
        for part in parts:
            await verification.check(part, engine, *report)
    finally:
        await engine.close()
    return verification.report


async def test_every_number_of_a_walk_holds(recorded):
    record = journal.read(await recorded(ScriptedEngine.demo()))
    report = await verify(record, ScriptedEngine.demo())
    assert (report.holds, report.deviations) == (True, [])
    assert set(report.kinds) == {"prompt", "encode", "score", "seen", "add", "draw"}
    assert report.kinds["draw"].checked == 23
    assert report.max_logprob_error == 0
    assert (report.changed_ranks, report.changed_cuts, report.draws_unchecked, report.prompts_unchecked) == (0, 0, 0, 0)


async def test_how_far_a_verification_is_is_reported(recorded):
    said = []
    await verify(journal.read(await recorded(ScriptedEngine.demo())), ScriptedEngine.demo(), None, said.append)
    assert (said[0].stage, said[0].done, said[-1]) == ("verifying", 0, Progress("verifying", 1, 1))
    assert [one.done for one in said[:-1]] == list(range(said[0].total))


@pytest.mark.parametrize("name", ["record-v1.jsonl", "record-v1-score.jsonl"])
async def test_records_of_the_first_version_hold(name):
    report = await verify(journal.read(DATA / name), ScriptedEngine.demo())
    assert (report.holds, report.deviations) == (True, [])


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_shipped_model_says_the_same_again(recorded, engines, dtype):
    path = engines.run(recorded(engines.make(Config(dtype=dtype))))
    # By a worker that has computed none of it before.
    report = engines.run(verify(journal.read(path), make_engine(Config(dtype=dtype))))
    assert (report.holds, report.deviations) == (True, [])
    assert 0 < report.max_logprob_error < tolerance_of(dtype, {})


# What a record says is changed at one place, and the place is found.

CHECKED = {
    "prompt": ("ids", "bytes"),
    "score": ("logprobs", "ranks", "entropies"),
    "add": ("id", "prob", "sampling_prob", "rank", "entropy", "seed", "draw"),
    "seen": (
        *("entropy", "vocab_size", "other_prob", "kept", "cut_mass", "sampling_entropy"),
        *("id", "bytes", "rank", "logit", "logprob", "prob", "sampling_prob", "cut_by", "adjusted_rank"),
    ),
}


def numbers(said, names):
    """Every place in a line that holds something that is checked, as (container, key)."""
    for key, value in said.items():
        if key in names and not isinstance(value, list) and value is not None:
            yield said, key
        elif key in names:
            yield from ((value, index) for index, one in enumerate(value or []) if one is not None)
        elif key == "candidates":
            for row in value:
                yield from numbers(row, names)


def altered(key, value, rng):
    if key == "cut_by":
        return "temperature" if value == "min_p" else "min_p"
    if isinstance(value, str):
        return f"{int(value, 16) ^ 1:0{len(value)}x}"
    if isinstance(value, int):
        return max(value + rng.choice([-3, -1, 1, 2, 40]), 0) if value else 1
    if value == 0:
        return 0.25
    return value * rng.choice([0.97, 1.0001, 1.5])


def places(lines):
    """(line, what) of everything that is checked."""
    found = []
    for line, text in enumerate(lines[1:], 2):
        said = json.loads(text)
        names = set(CHECKED.get(said["event"], ()))
        if said.get("rows"):
            names -= {"seed", "draw"}  # Another seed, or another place to begin from, may draw the same few tokens.
        found += [(line, index) for index, _ in enumerate(numbers(said, names))]
    return found


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    import asyncio

    from tests.replay.conftest import record_walk

    path = tmp_path_factory.mktemp("record") / "walk.jsonl"
    asyncio.run(record_walk(ScriptedEngine.demo(), path))
    return path.read_text().splitlines()


@given(st.data())
async def test_a_single_number_that_was_changed_is_found(lines, data):
    line, index = data.draw(st.sampled_from(places(lines)))
    said = json.loads(lines[line - 1])
    names = set(CHECKED[said["event"]]) - ({"seed", "draw"} if said.get("rows") else set())
    container, key = list(numbers(said, names))[index]
    before = container[key]
    container[key] = altered(key, before, random.Random(data.draw(st.integers(0, 1000))))
    if container[key] == before:
        return
    changed = [*lines[: line - 1], json.dumps(said), *lines[line:]]
    try:
        report = await verify(journal.parse("\n".join([*changed, ""]).encode()), ScriptedEngine.demo())
    except RecordError as error:
        assert f"Line {line} " in str(error)
    else:
        assert not report.holds
        assert report.deviations[0].line == line


async def test_a_changed_number_is_named_with_its_place(lines):
    line = next(number for number, text in enumerate(lines, 1) if '"event":"seen"' in text)
    said = json.loads(lines[line - 1])
    said["candidates"][1]["logprob"] += 0.5
    changed = [*lines[: line - 1], json.dumps(said), *lines[line:]]
    report = await verify(journal.parse("\n".join([*changed, ""]).encode()), ScriptedEngine.demo())
    (deviation,) = report.deviations
    assert (deviation.line, deviation.event, deviation.what, deviation.token) == (line, "seen", "logprob", "␣little")
    assert deviation.recorded == pytest.approx(deviation.computed + 0.5)
    assert deviation.text.endswith("Once upon a")
    assert report.kinds["seen"].wrong == 1


async def test_a_wider_tolerance_lets_it_pass(lines):
    line = next(number for number, text in enumerate(lines, 1) if '"event":"seen"' in text)
    said = json.loads(lines[line - 1])
    said["candidates"][1]["logprob"] += 0.01
    changed = journal.parse("\n".join([*lines[: line - 1], json.dumps(said), *lines[line:], ""]).encode())
    assert not (await verify(changed, ScriptedEngine.demo())).holds
    assert (await verify(changed, ScriptedEngine.demo(), tolerance=0.1)).holds


# Which engine.


async def test_each_part_is_of_its_engine_and_a_restart_begins_none(lines):
    record = journal.parse("\n".join([*lines, ""]).encode())
    engine = ScriptedEngine.demo()
    info = await engine.start()
    other = EngineEvent(restarted=False, model="other", dtype="float32", device="cpu", tokenizer=info.tokenizer)
    again = [event for event in record.events if type(event).__name__ == "Prompt"][:1]
    events = [*record.events, info.event(restarted=True), *again, other, *again, info.event(restarted=False), *again]
    _, parts = fold(msgspec.structs.replace(record, events=events), "the record")
    assert [(part.engine.model, len([c for c in part.claims if c.typed])) for part in parts] == [
        ("other", 0),
        ("scripted", 3),
    ]


def test_a_record_without_a_prompt_has_nothing_to_verify(header):
    with pytest.raises(UsageError, match=r"^it ends before its first prompt: there is no walk in it\.$"):
        fold(Record(header, []), "it")


def test_a_model_of_another_vocabulary_is_refused(lines, engines):
    record = journal.parse("\n".join([*lines, ""]).encode())
    with pytest.raises(UsageError, match="another vocabulary"):
        engines.run(verify(record, engines.make(Config())))


async def test_draws_of_another_kind_of_device_are_not_made_again(lines):
    header = json.loads(lines[0]) | {"device": "cuda:0"}
    record = journal.parse("\n".join([json.dumps(header), *lines[1:], ""]).encode())
    report = await verify(record, ScriptedEngine.demo())
    assert report.holds
    assert report.draws_unchecked == 21
    assert report.kinds["draw"].checked == 2


# Settings that lean.


@given(st.floats(0.05, 1), st.floats(0, 1), st.floats(0.05, 1), st.floats(0, 0.1), st.floats(0, 1), st.floats(0, 3))
def test_looser_settings_keep_more_and_tighter_ones_less(top_p, min_p, typical_p, cutoff, top_h, bound):
    params = SamplingParams(
        top_p=top_p, min_p=min_p, typical_p=typical_p, epsilon_cutoff=cutoff, eta_cutoff=cutoff, top_h=top_h
    )
    for name, more in (("top_p", 1), ("typical_p", 1), ("top_h", 1), ("min_p", -1), ("epsilon_cutoff", -1)):
        tight, asked, loose = (
            getattr(one, name) for one in (loosened(params, -bound), params, loosened(params, bound))
        )
        assert tight * more <= asked * more <= loose * more
    assert loosened(params, 0.0) == params


def test_every_setting_gives_way_or_says_why_not():
    assert sorted([*LOOSENED, *FIRM]) == sorted(knob.name for knob in KNOBS)
    for name in LOOSENED:
        params = SamplingParams().replace(**{name: 0.05})
        assert loosened(params, 0.5).settings.keys() == {name}
        assert loosened(params, 0.5) != params


def test_the_tolerance_is_of_the_dtype_and_of_packed_weights():
    assert tolerance_of("float32", {}) < tolerance_of("float16", {}) < tolerance_of("bfloat16", {})
    assert tolerance_of("float32", {"quantize": "4bit"}) == tolerance_of("bfloat16", {})
