import errno
from collections.abc import Callable
from typing import Any

import pytest
import torch

from explorer.core.query import Query
from explorer.core.sampling.params import SamplingParams
from explorer.engine.compute import memory
from explorer.engine.compute.forward import passes
from explorer.engine.compute.forward.probe import capabilities_of
from explorer.engine.compute.local import TransformersEngine
from explorer.engine.description import ModelSettings
from explorer.engine.process.client import WorkerEngine
from explorer.errors import ModelError, OutOfMemory

ONE = SamplingParams(seed=1)
CPU = torch.device("cpu")
TOO_MUCH = 1 << 50
ONCE, ALWAYS = 150, 151
"""Tokens at which the models of these tests run out of memory."""
ONLY_ALWAYS = SamplingParams(seed=1, logit_bias=((ALWAYS, 100.0),))
"""Draws that token first."""

MEANT = [
    (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.50 GiB. GPU 0 has ..."), 22011707392),
    (RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB). Tried to allocate 256.00 MB on ..."), 268435456),
    (
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried to allocate "
            "36000000 bytes. Error code 12 (Cannot allocate memory)"
        ),
        36000000,
    ),
    (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 5 bytes."), 5),
    (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), None),
    (RuntimeError("std::bad_alloc"), None),
    (OSError(errno.ENOMEM, "Cannot allocate memory"), None),
    (OSError("Cannot allocate memory (os error 12)"), None),
    (MemoryError(), None),
]


@pytest.mark.parametrize(("error", "asked"), MEANT)
def test_what_means_that_memory_ran_out_and_how_much_was_asked(error, asked):
    assert memory.ran_out(error)
    assert memory.asked(error) == asked
    wrapped = ValueError("could not load")
    wrapped.__cause__ = error
    assert (memory.ran_out(wrapped), memory.asked(wrapped)) == (True, asked)


@pytest.mark.parametrize(
    "error", [RuntimeError("shape '[4]' is invalid for input of size 5"), OSError(errno.ENOENT, "no"), ValueError("x")]
)
def test_what_means_something_else(error):
    assert not memory.ran_out(error)


def test_an_allocation_that_really_fails_is_recognised_and_measured():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(TOO_MUCH, dtype=torch.uint8)
    assert memory.ran_out(caught.value)
    assert memory.asked(caught.value) == TOO_MUCH
    free = memory.free(CPU)
    assert free is not None and 0 < free < TOO_MUCH
    assert "1,126 TB more were needed at once, " in memory.shortage(caught.value, CPU)


class RunsOut:
    """A forward pass that runs out of memory at the token ALWAYS, and at ONCE until it was there."""

    def __init__(self, forward: Callable[..., Any]) -> None:
        self._forward = forward
        self.been: list[list[int]] = []

    def __call__(self, *args, input_ids, **kwargs):
        ids = input_ids.flatten().tolist()
        if ALWAYS in ids or (ONCE in ids and not self.been):
            self.been.append(ids)
            torch.empty(TOO_MUCH, dtype=torch.uint8)
        return self._forward(*args, input_ids=input_ids, **kwargs)


@pytest.fixture(params=["llama", "mamba2"])
async def engine(request, tiny_folder, monkeypatch):
    engine = TransformersEngine(ModelSettings(model=str(tiny_folder(request.param)), name="tiny", device="cpu"))
    await engine.start()
    monkeypatch.setattr(passes, "PART", 8)
    # Beside the model's own forward: its signature says what it takes.
    engine.model.forward = RunsOut(engine.model.forward)
    yield engine
    await engine.close()


def numbers(table) -> list[float]:
    return [number for candidate in table.candidates for number in (candidate.token.id, candidate.prob)]


async def test_a_step_that_runs_out_once_is_tried_again_with_nothing_kept(engine, capfd):
    before = await engine.next([5, 6, 7], ONE, 3)
    await engine.next([5, 6, 7, ONCE], ONE, 3)
    assert engine.model.forward.been == [[ONCE]]
    assert "once more" in capfd.readouterr().err
    assert engine.prefixes.rows.get([5, 6, 7]) is None
    assert numbers(await engine.next([5, 6, 7], ONE, 3)) == pytest.approx(numbers(before), abs=1e-6)


async def test_a_step_that_runs_out_again_is_refused_and_the_engine_goes_on(engine):
    able = engine.prefixes.forward.capabilities
    before = await engine.next([5, 6, 7], ONE, 3)
    with pytest.raises(OutOfMemory, match=r"not enough for this text: 1,126 TB more were needed .* are free"):
        await engine.next([5, 6, 7, ALWAYS, 9], ONE, 3)
    # Where a state is copied, the last token has a pass of its own.
    assert [len(ids) for ids in engine.model.forward.been] in ([2, 5], [1, 4])
    assert engine.prefixes.forward.capabilities == able
    assert numbers(await engine.next([5, 6, 7], ONE, 3)) == pytest.approx(numbers(before), abs=1e-6)


async def test_a_run_goes_on_after_a_step_that_ran_out_once(engine):
    steps = [step async for step in engine.generate([5, ONCE], ONE, draws=0, max_new_tokens=3, top=2)]
    assert [step.draw for step in steps] == [0, 1, 2]


@pytest.mark.parametrize("place", [2, 8, 17, 29])
async def test_a_score_that_runs_out_once_is_the_score(engine, place):
    ids = list(range(3, 33))
    ids[place] = ONCE
    failed = [one async for part in engine.score(ids, 2) for one in part]
    assert engine.model.forward.been
    assert [one.token.id for one in failed] == ids
    right = [one async for part in engine.score(ids, 2) for one in part]
    assert [one.rank for one in failed] == [one.rank for one in right]
    assert [one.logprob for one in failed[1:]] == pytest.approx([one.logprob for one in right[1:]], abs=1e-5)


async def test_a_score_that_runs_out_again_is_refused(engine):
    with pytest.raises(OutOfMemory):
        async for _ in engine.score([5, 6, ALWAYS, 8], 0):
            pass
    assert len((await engine.next([5, 6], ONE, 3)).candidates) == 3


async def exhausted(stream) -> None:
    async for _ in stream:
        pass


COMPUTING = {
    "next": lambda engine: engine.next([5, ALWAYS], ONE, 3),
    "generate": lambda engine: exhausted(engine.generate([5, ALWAYS], ONE, draws=0, max_new_tokens=3, top=2)),
    "sample": lambda engine: exhausted(engine.sample([[5, ALWAYS]], ONE)),
    "sample several": lambda engine: exhausted(engine.sample([[5, ALWAYS]], ONE, num_sequences=3)),
    "sample a batch": lambda engine: exhausted(engine.sample([[5, 6, 7], [5, ALWAYS]], ONE)),
    "sample later": lambda engine: exhausted(engine.sample([[5, 6, 7]], ONLY_ALWAYS)),
    "sample several later": lambda engine: exhausted(engine.sample([[5, 6, 7]], ONLY_ALWAYS, num_sequences=3)),
    "score": lambda engine: exhausted(engine.score([5, ALWAYS, 8], 2)),
    "compare": lambda engine: engine.compare([5, 6], [[7, ALWAYS, 8], [9, 8]]),
    "search": lambda engine: engine.search([5, ALWAYS], Query("text", text="a"), ONE, 5),
    "logprobs": lambda engine: engine.logprobs([5, ALWAYS]),
}


@pytest.mark.parametrize("call", COMPUTING.values(), ids=COMPUTING)
async def test_whatever_is_computed_says_that_memory_ran_out_and_the_engine_goes_on(engine, call):
    before = await engine.next([5, 6, 7], ONE, 3)
    with pytest.raises(OutOfMemory, match=r"not enough for this text: 1,126 TB more were needed .* are free"):
        await call(engine)
    assert numbers(await engine.next([5, 6, 7], ONE, 3)) == pytest.approx(numbers(before), abs=1e-6)


async def test_sequences_whose_first_step_runs_out_once_are_those_that_would_be_drawn(engine):
    drawn = [part async for part in engine.sample([[5, ONCE]], ONE, num_sequences=2)]
    assert engine.model.forward.been
    again = [part async for part in engine.sample([[5, ONCE]], ONE, num_sequences=2)]
    ids, right = ([[one.candidate.token.id for one in part] for part in parts] for parts in (drawn, again))
    assert ids == right


def test_trials_that_run_out_of_memory_say_nothing_about_a_model(tiny_model, monkeypatch):
    model = tiny_model("llama")
    monkeypatch.setattr(
        model, "forward", lambda *args, input_ids, past_key_values=None, **kwargs: torch.empty(TOO_MUCH)
    )
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        capabilities_of(model)


async def test_a_model_that_does_not_fit_is_a_sentence(tiny_folder, monkeypatch):
    monkeypatch.setattr(torch.nn.functional, "embedding", lambda *args, **kwargs: torch.empty(TOO_MUCH))
    engine = TransformersEngine(ModelSettings(model=str(tiny_folder("llama")), name="tiny", device="cpu"))
    with pytest.raises(
        ModelError, match=r"tiny does not fit into the memory of this machine: .* are free\. Try --dtype"
    ):
        await engine.start()
    await engine.close()


WORKER = f"""
import torch, torch.nn.functional as F
embedding, been = F.embedding, []
def failing(ids, *args, **kwargs):
    if {ALWAYS} in ids or ({ONCE} in ids and not been):
        been.append(1)
        torch.empty({TOO_MUCH})
    return embedding(ids, *args, **kwargs)
F.embedding = failing
"""


async def test_a_worker_that_runs_out_of_memory_says_so_and_goes_on(tiny_folder, tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(WORKER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    settings = ModelSettings(model=str(tiny_folder("llama")), name="tiny", device="cpu")
    engine = WorkerEngine(settings, tmp_path / "engine.log")
    await engine.start()
    pid = engine.pid
    before = await engine.next([5, 6, 7, ONCE], ONE, 3)
    with pytest.raises(OutOfMemory, match="more were needed"):
        await engine.next([5, 6, 7, ALWAYS], ONE, 3)
    with pytest.raises(OutOfMemory, match="more were needed"):
        async for _ in engine.score([5, ALWAYS], 0):
            pass
    assert numbers(await engine.next([5, 6, 7, ONCE], ONE, 3)) == pytest.approx(numbers(before), abs=1e-6)
    assert engine.pid == pid
    await engine.close()
