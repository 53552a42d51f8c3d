"""Whether the numbers of the device are right, and how far they move from one way of computing them to another."""

import contextlib
import io
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from benchmarks.device.machine import ROW
from benchmarks.device.place import Place, gathered
from explorer.cli.engines import embedded_folder
from explorer.core.asked import Asked
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.engine.base import Engine
from explorer.engine.compute.forward import cache
from explorer.engine.compute.forward.cache import PrefixCache, forward_for
from explorer.engine.compute.tables.logits import sampling_scores
from tests.engine import architectures, matrix

FIRST = ("llama", "qwen2", "gemma3_text", "gpt_oss", "qwen3_moe", "mamba2", "qwen3_next", "bloom", "gpt2", "phi3")
"""The types of models that are walked on first; the others come in a random order."""
STEPS = 12
TOLERANCE = 1e-4
"""Of a walk, relative to the greatest logit; TF32, where it is on, stays beyond it."""
LIKELY = -12.0
"""The logprob from which on two devices are compared."""
WORDS = "Once upon a time there was a"
CUT = -1e30
"""Scores below were cut by a sampler."""

TABLES = (
    SamplingParams(),
    SamplingParams(temperature=0.7, top_k=40, top_p=0.9, min_p=0.02),
    SamplingParams(repetition_penalty=1.2, typical_p=0.9),
)
DRAWN: tuple[dict[str, Any], ...] = (
    {},
    {"temperature": 0.7},
    {"top_k": 30},
    {"top_p": 0.9},
    {"temperature": 1.3, "top_k": 50, "top_p": 0.95},
    {"min_p": 0.05},
    {"typical_p": 0.9},
    {"repetition_penalty": 1.2, "temperature": 0.8},
)
OFF = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "repetition_penalty": 1.0}
"""What `generate()` is told of the settings that are not asked for; a model brings others."""


def walk(place: Place) -> None:
    """Every architecture, tiny, in float32: going on, back and aside against the recompute, on the device itself."""
    others = [kind for kind in architectures.ARCHITECTURES if kind not in FIRST]
    random.Random(1).shuffle(others)
    kinds = [*FIRST, *others][: 2 if place.tiny else None]
    usual, cache.CHUNK = cache.CHUNK, matrix.CHUNK
    began, done = time.time(), 0
    try:
        while done < len(kinds) and time.time() - began < place.seconds:
            _walk(place, kinds[done])
            done += 1
    finally:
        cache.CHUNK = usual
        place.say("walk", done=done, of=len(kinds), seconds=time.time() - began)


def _walk(place: Place, kind: str) -> None:
    """Walk on one type; say what is wrong with it, if anything. Raises the errors that end all computing."""
    try:
        result = matrix.measure(kind, STEPS, device=place.device)
        _fork(architectures.build(kind))
    except Exception as error:  # A model type that fails is a result.
        place.say("walk", kind=kind, error=f"{type(error).__name__}: {str(error)[:200]}")
        if "CUDA error" in str(error):
            raise
    else:
        if result.error > TOLERANCE or result.log:
            place.say("walk", kind=kind, off_by=result.error, log=result.log[:200])
    finally:
        architectures.build.cache_clear()


@torch.inference_mode()
def _fork(model: PreTrainedModel) -> None:
    """Several sequences side by side, some of which end; only whether it works."""
    with contextlib.redirect_stderr(io.StringIO()):
        batch = forward_for(model).fork([3, 4, 5, 6], 3)
    if batch is not None:
        batch.extend([3, 4, 5])
        batch.select([2, 0])
        batch.extend([6, 7])


async def contract(place: Place) -> None:
    """The answers of the device are those of the CPU in float32, and the draws of a seed those of `generate()`."""
    folder = embedded_folder()
    engine, reference = await place.engine(folder), await place.engine(folder, torch.device("cpu"))
    ids = [token.id for token in await engine.encode(WORDS)]
    await _same_tables(place, engine, reference, ids)
    await reference.close()
    await _same_draws(place, engine, folder, ids)
    await engine.close()
    _same_cuts(place)


async def _same_tables(place: Place, engine: Engine, reference: Engine, ids: list[int]) -> None:
    for params in TABLES:
        here, there = await engine.next(ids, params, 20), await reference.next(ids, params, 20)
        found, wanted = ({row.token.id: row.logprob or 0.0 for row in table.candidates} for table in (here, there))
        likely = [token_id for token_id in wanted if token_id in found and wanted[token_id] > LIKELY]
        place.say(
            "contract",
            same_tokens=list(found) == list(wanted),
            logprob_apart=max(abs(found[token_id] - wanted[token_id]) for token_id in likely),
            kept=[here.kept, there.kept],
        )


async def _same_draws(place: Place, engine: Engine, folder: Path, ids: list[int]) -> None:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).to(place.device).eval()
    equal: Counter[tuple[str, bool]] = Counter()
    for seed, settings in enumerate(DRAWN[: 2 if place.tiny else None], 100):
        params = SamplingParams(seed=seed, **settings)
        (wanted,) = _generated(model, ids, seed, settings, new=40, sequences=1)
        for _ in range(2):
            steps = await gathered(engine.generate(ids, params, draws=0, max_new_tokens=40, top=5))
            equal["one sequence", _begins(wanted, [step.drawn.token.id for step in steps])] += 1
        many = _generated(model, ids, seed, settings, new=20, sequences=4)
        found: list[list[int]] = [[] for _ in many]
        async for drawn in engine.sample([ids], params, num_sequences=4, stop=StopRules(max_new_tokens=20)):
            for one in drawn:
                found[one.sequence].append(one.candidate.token.id)
        equal["four side by side", all(map(_begins, many, found))] += 1
    for (what, same), times in sorted(equal.items()):
        place.say("contract", what=what, draws_of_generate=same, times=times)


def _generated(
    model: PreTrainedModel, ids: list[int], seed: int, settings: dict[str, Any], *, new: int, sequences: int
) -> list[list[int]]:
    """The new tokens that `generate()` draws with a seed."""
    torch.manual_seed(seed)
    rows = model.generate(
        torch.tensor([ids], device=model.device),
        do_sample=True,
        max_new_tokens=new,
        num_return_sequences=sequences,
        pad_token_id=0,
        **OFF | settings,
    )
    return [row[len(ids) :] for row in rows.tolist()]


def _begins(whole: list[int], part: list[int]) -> bool:
    return bool(part) and whole[: len(part)] == part


@torch.inference_mode()
def _same_cuts(place: Place) -> None:
    """The same row cut by top-p many times: a sum over floats may have another order each time on a GPU."""
    row = torch.randn(ROW, generator=torch.Generator().manual_seed(1)).mul(2.5).to(place.device)
    asked = Asked(SamplingParams(top_p=0.9, seed=1), [1], 1)
    kept = Counter(int((sampling_scores(row, asked) > CUT).sum()) for _ in range(20 if place.tiny else 300))
    place.say("contract", times_that_top_p_kept_so_many=dict(kept))


def same(place: Place) -> None:
    """Whether a prefix has the same digits each time, and how far they are from those by steps; by dtype."""
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        model = place.model(place.shapes[0], dtype)
        ids = place.ids(40 if place.tiny else 200, model.config.vocab_size, seed=3)
        held = PrefixCache(model)
        whole, steps = _logprobs(held, [ids]), _logprobs(held, _growing(ids))
        place.say(
            "same",
            dtype=str(dtype).removeprefix("torch."),
            again=max(_apart(_logprobs(held, [ids]), whole) for _ in range(5)),
            steps_again=_apart(_logprobs(held, _growing(ids)), steps),
            one_pass_and_steps=_apart(whole, steps),
        )
        del model, held
        place.free()


def _growing(ids: list[int]) -> list[list[int]]:
    """The second half of the prefixes, and the whole."""
    return [ids[:end] for end in range(len(ids) // 2, len(ids) + 1)]


@torch.inference_mode()
def _logprobs(held: PrefixCache, prefixes: list[list[int]]) -> torch.Tensor:
    """The logprobs [V] after the last of the prefixes, which are computed one after the other from nothing."""
    held.let_go()
    for prefix in prefixes:
        row = held.logits(prefix)
    return row.float().log_softmax(-1).clone()


def _apart(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other)[one > LIKELY].abs().max())


def draws(place: Place) -> None:
    """Which numbers a seed gives for rows of some widths: a table to compare with another card."""
    for width in (32_000, 128_256, 151_936, 262_144, 400_000):
        generator = torch.Generator(place.device).manual_seed(7)
        flat = torch.full((1, width), 1 / width, device=place.device)
        ids = [int(torch.multinomial(flat, 1, generator=generator)) for _ in range(4)]
        place.say("draws", width=width, ids=ids, offset=generator.get_offset() if place.cuda else None)
