"""An engine on a GGUF file, beside one on a folder with the same weights; and what the record says of the file."""

import hashlib
import os
import shutil
import subprocess
import sys

import msgspec
import pytest
from gguf import GGMLQuantizationType as Kind

from explorer.core.query import Query
from explorer.core.record import journal
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.engine.compute import memory
from explorer.engine.compute.loading import packed
from explorer.engine.compute.local import TransformersEngine
from explorer.engine.description import ModelSettings
from explorer.engine.files import provenance, temporary
from explorer.engine.gguf.header import read_header
from explorer.engine.process.client import WorkerEngine
from explorer.errors import ModelError
from explorer.replay.claims import fold
from explorer.replay.verification import Verification
from tests.engine import architectures
from tests.engine.gguf_models import write_model
from tests.replay.conftest import record_walk


@pytest.fixture
def file(tiny_model, tiny_folder, tmp_path):
    def write(stored=Kind.F32, name="tiny.gguf"):
        tokenizer = tiny_folder("llama") / "tokenizer.json"
        return write_model(tmp_path / name, tiny_model("llama"), stored, tokenizer=tokenizer)

    return write


def engine_on(path, **settings) -> TransformersEngine:
    settings = {"dtype": "float32", "device": "cpu"} | settings
    return TransformersEngine(ModelSettings(model=str(path), name=str(path), **settings))


async def test_every_call_answers_as_on_a_folder_with_the_same_weights(file, tiny_folder):
    ours, theirs = engine_on(file()), engine_on(tiny_folder("llama"))
    await ours.start()
    await theirs.start()
    params, stop = SamplingParams(temperature=0.9, seed=7), StopRules(max_new_tokens=6, eos=False)
    answers = []
    for engine in (ours, theirs):
        ids = [token.id for token in await engine.encode("the fox sang 안녕")]
        drawn = [
            one async for part in engine.sample([ids, ids[:4]], params, num_sequences=3, stop=stop) for one in part
        ]
        scored = [one async for part in engine.score(ids, 3) for one in part]
        found = await engine.search(ids, Query.parse("the"), params, 4)
        table = await engine.next(ids, params, 5)
        again = await engine.next([*ids, 40], params, 5)
        answers.append(msgspec.to_builtins((ids, drawn, scored, found, table, again)))
    await ours.close()
    await theirs.close()
    assert answers[0] == answers[1]
    assert ours.info.context_length == theirs.info.context_length
    assert ours.info.eos_ids == [2]


async def test_the_record_names_the_file_how_it_is_stored_and_its_checksum(file):
    path = file(Kind.Q8_0)
    engine = engine_on(path)
    info = await engine.start()
    await engine.close()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert info.loaded_with == {"gguf": "tiny.gguf", "stored_as": "Q8_0", "sha256": digest}
    assert info.header().loaded_with == info.loaded_with


async def verified(record, engine):
    session, parts = fold(journal.read(record), "the record")
    verification = Verification(session)
    await engine.start()
    for part in parts:
        await verification.check(part, engine)
    await engine.close()
    return verification.report


async def test_a_copy_of_the_file_verifies_and_another_quantisation_is_told(file, tmp_path):
    record = await record_walk(engine_on(file(Kind.Q8_0)), tmp_path / "walk.jsonl", "the fox")
    copy = tmp_path / "elsewhere" / "renamed.gguf"
    copy.parent.mkdir()
    shutil.copy(tmp_path / "tiny.gguf", copy)
    report = await verified(record, engine_on(copy))
    assert (report.holds, report.parts[0].note) == (True, "")
    report = await verified(record, engine_on(file(Kind.Q4_0, "other.gguf")))
    assert not report.holds
    assert "recorded on tiny.gguf (Q8_0, SHA-256 " in report.parts[0].note
    assert "computed on other.gguf (Q4_0, SHA-256 " in report.parts[0].note


def test_a_checksum_is_read_once_and_again_when_the_file_has_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "kept_in", lambda: tmp_path / "kept")
    file = tmp_path / "some.gguf"
    file.write_bytes(b"one")
    assert provenance.checksum(file) == hashlib.sha256(b"one").hexdigest()
    (kept,) = (tmp_path / "kept").iterdir()
    kept.write_text("f" * 64)  # What is kept is taken, and nothing is read.
    assert provenance.checksum(file) == "f" * 64
    file.write_bytes(b"another")
    assert provenance.checksum(file) == hashlib.sha256(b"another").hexdigest()


async def test_what_unpacking_needs_is_said_before_it_is_done(file):
    stages = []
    engine = engine_on(file(Kind.Q8_0))
    await engine.start(lambda progress: stages.append(progress.stage))
    await engine.close()
    told = [stage for stage in stages if stage.startswith("unpacking ")]
    assert len(told) == 1
    assert " of Q8_0 into " in told[0]
    assert told[0].endswith(" of float32")


async def test_a_model_that_plainly_does_not_fit_is_refused_before_it_is_unpacked(file, monkeypatch):
    monkeypatch.setattr(memory, "free", lambda device: -(10**15))
    with pytest.raises(ModelError, match=r"does not fit .* need .* are free\. Try .*llama-server"):
        await engine_on(file()).start()


async def test_another_dtype_may_be_asked_for(file):
    engine = engine_on(file(Kind.Q8_0), dtype="bfloat16")
    info = await engine.start()
    structure = await engine.structure()
    await engine.close()
    assert info.dtype == "bfloat16"
    assert {weight.dtype for weight in structure.weights} == {"bfloat16"}


async def test_a_file_that_transformers_would_unpack_after_all_is_not_called_packed(file):
    with pytest.raises(
        ModelError, match=r"cannot be kept packed: transformers does that for .*lfm2.* Leave out --packed"
    ):
        await engine_on(file(Kind.Q8_0), packed=True).start()


async def test_a_folder_has_nothing_to_keep_packed(tiny_folder):
    with pytest.raises(ModelError, match="is no GGUF file"):
        await engine_on(tiny_folder("llama"), packed=True).start()


def test_an_architecture_that_could_stay_packed_is_told_which_package_lacks(tmp_path, monkeypatch):
    monkeypatch.setattr(packed, "is_kernels_available", lambda: False)
    header = read_header(write_model(tmp_path / "m.gguf", architectures.build("lfm2")))
    assert "package kernels" in packed.why_not_packed(header)


async def test_a_file_that_lacks_weights_names_the_first(file, tiny_model, tiny_folder, tmp_path):
    path = tmp_path / "few.gguf"
    tokenizer = tiny_folder("llama") / "tokenizer.json"
    write_model(path, tiny_model("llama"), tokenizer=tokenizer, without="blk.1.ffn_up.weight")
    with pytest.raises(ModelError, match=r"lacks 1 of the .* model\.layers\.1\.mlp\.up_proj\.weight"):
        await engine_on(path).start()


async def test_weights_of_other_shapes_than_the_header_says_are_told(file, tiny_model, tiny_folder, tmp_path):
    path = tmp_path / "wide.gguf"
    tokenizer = tiny_folder("llama") / "tokenizer.json"
    write_model(path, tiny_model("llama"), tokenizer=tokenizer, feed_forward_length=64)
    with pytest.raises(ModelError, match="do not have the shapes that its header says"):
        await engine_on(path).start()


async def test_a_map_of_devices_may_lay_a_part_on_the_disk(file, tmp_path):
    places = {"model": "cpu", "lm_head": "disk"}
    over = {"device": "auto", "device_map": places, "offload_folder": str(tmp_path / "off")}
    tables = []
    for settings in ({}, over):
        engine = engine_on(file(Kind.Q8_0), **settings)
        await engine.start()
        tables.append(await engine.next([1, 40, 50, 60], SamplingParams(), 8))
        await engine.close()
    assert tables[0] == tables[1]


async def test_the_files_that_a_model_was_unfolded_into_end_with_its_process(file, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    settings = ModelSettings(model=str(file()), name="tiny", device="cpu")
    for kind in ("transformers", "vocabulary"):
        engine = WorkerEngine(settings, tmp_path / "log", ["--engine", kind])
        await engine.start()
        assert len(list(tmp_path.glob(f"{temporary.NAME}*"))) == 1
        await engine.close()
        assert not list(tmp_path.glob(f"{temporary.NAME}*"))


def test_what_a_killed_process_has_left_is_taken_away_and_that_of_a_living_one_stays(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    left, lives = (tmp_path / f"{temporary.NAME}{number}-x" for number in (gone.stdout.strip(), os.getppid()))
    left.mkdir()
    lives.mkdir()
    made = temporary.temporary_folder()
    assert set(tmp_path.iterdir()) == {lives, made}
    temporary.remove_temporary()
    assert set(tmp_path.iterdir()) == {lives}
