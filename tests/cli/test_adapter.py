"""Adapters on the command line: by the flags, the environment and a record, in processes of their own."""

import asyncio
import json
import shutil
from functools import partial
from pathlib import Path

import pytest

from explorer.cli.engines import make_engine
from explorer.cli.resume import adapter_off
from explorer.config import Config, load
from explorer.core.record import journal
from explorer.core.record.record import adapter_of
from explorer.core.sampling.pace import RunSettings
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.walk import opening
from explorer.walk.beginning import adapt
from explorer.walk.run import Run
from explorer.walk.walk import Walk
from tests.cli.program import process


@pytest.fixture(scope="module")
def adapter(tiny_adapter) -> Path:
    folder: Path = tiny_adapter()
    return folder


@pytest.fixture(scope="module")
def base(tiny_folder) -> Path:
    folder: Path = tiny_folder("llama")
    return folder


def probs(run, *flags, env=None):
    shown = run("next", "the fox", *flags, "--json", env=env)
    assert shown.returncode == 0, shown.stderr
    return [row["prob"] for row in json.loads(shown.stdout)["candidates"]]


def test_an_adapter_is_named_in_place_of_a_model_or_beside_it(run, base, adapter):
    on = probs(run, "--model", str(adapter))
    assert on == probs(run, "--model", str(base), "--adapter", str(adapter))
    assert on == probs(run, "--adapter", str(adapter))
    assert on == probs(run, env={"TOKEN_EXPLORER_MODEL": str(base), "TOKEN_EXPLORER_ADAPTER": str(adapter)})
    assert on != probs(run, "--model", str(base)) == probs(run, "--model", str(adapter), "--adapter", "")


def test_what_a_model_is_tells_its_adapter(run, base, adapter):
    said = json.loads(run("info", "--model", str(adapter), "--json").stdout)
    assert said["model"] == str(base) and said["loaded_with"] == {"adapter": str(adapter)}
    assert said["adapter"] | {"parameters": 0} == {
        "name": str(adapter),
        "revision": None,
        "kind": "LORA",
        "base": str(base),
        "parameters": 0,
        "tokenizer": False,
        "on": True,
        "fixed": "",
    }
    printed = run("info", "--model", str(adapter)).stdout
    assert "adapter" in printed and "LORA" in printed and "peft" in printed


def test_the_tokens_are_those_of_the_tokenizer_that_the_adapter_brings(run, base, adapter, tmp_path):
    bare = run("tokens", "the fox", "--model", str(adapter), "--format", "ids")
    assert bare.stdout == run("tokens", "the fox", "--model", str(base), "--format", "ids").stdout
    own = shutil.copytree(adapter, tmp_path / "own")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(base / name, own)
    said = json.loads((own / "tokenizer.json").read_text())
    said["post_processor"] = None
    (own / "tokenizer.json").write_text(json.dumps(said))
    without_bos = bare.stdout.split()[1:]
    for flags in (["--model", str(own)], ["--model", str(base), "--adapter", str(own)]):
        assert run("tokens", "the fox", *flags, "--format", "ids").stdout.split() == without_bos


def test_an_adapter_alone_stands_in_the_place_of_the_model():
    assert load({"adapter": "a"}, {}).model == "a"
    both = load({"adapter": "a"}, {"TOKEN_EXPLORER_MODEL": "b"})
    assert (both.model, both.adapter) == ("b", "a")


async def record_walk(base: Path, adapter: Path, path: Path, *, off_at_the_end: bool) -> None:
    """A walk with the adapter on, off, and on again, on a worker that is started again while it is off."""
    engine = make_engine(Config(model=str(base), adapter=str(adapter)))
    walk = Walk(engine, partial(opening.begin, params=SamplingParams(seed=5), record=path), "the fox", 5)
    run = Run(walk, RunSettings(rules=StopRules(max_new_tokens=3, eos=False)))
    await walk.open()
    for on in (None, False, True, False)[: 4 if off_at_the_end else 3]:
        if on is not None:
            await adapt(walk, on)
        if on is False:
            await walk.open()
            assert walk.info and walk.info.adapter and not walk.info.adapter.on
        await walk.tables.fetch()
        await run.draw(3)
        await walk.tables.fetch()
    walk.close()
    await engine.close()


def test_each_step_is_verified_on_the_engine_that_made_it(base, adapter, tiny_adapter, tmp_path):
    file = tmp_path / "walk.jsonl"
    asyncio.run(record_walk(base, adapter, file, off_at_the_end=True))
    record = journal.read(file)
    assert [adapter_of(one) for one in record.engines] == [str(adapter), "", "", str(adapter), "", ""]
    assert adapter_off(record) == str(adapter)
    holds = process("replay", str(file), "--verify", "--json")
    assert holds.returncode == 0, holds.stdout + holds.stderr
    parts = json.loads(holds.stdout)["parts"]
    assert {part["by_model"] for part in parts} == {str(base), f"{base} + {adapter}"}
    other = tiny_adapter(r=4)
    fails = process("replay", str(file), "--verify", "--adapter", str(other))
    assert fails.returncode == 1, fails.stdout + fails.stderr
    assert "does not hold" in fails.stdout
    again = process("replay", str(file), "--record", str(tmp_path / "again.jsonl"))
    assert again.returncode == 0, again.stderr
    assert process("diff", str(file), str(tmp_path / "again.jsonl")).returncode == 0
    page = process("export", str(file), "--to", "json")
    assert page.returncode == 0
    assert [one["loaded_with"] for one in json.loads(page.stdout)["engines"]][:2] == [{"adapter": str(adapter)}, {}]


def test_an_adapter_that_does_not_fit_is_one_sentence(tiny_folder, adapter):
    shown = process("next", "a", "--model", str(tiny_folder("gpt2")), "--adapter", str(adapter))
    assert shown.returncode == 3
    assert "was made for another architecture" in shown.stderr and "Traceback" not in shown.stderr
