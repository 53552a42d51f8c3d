"""How long a step takes on the device, and where the time goes."""

import time
import warnings
from collections import Counter
from collections.abc import Callable, Coroutine
from itertools import count
from pathlib import Path
from typing import Any

import torch
from transformers import DynamicCache, PreTrainedModel, StaticCache

from benchmarks.device.place import Place, gathered, timed_call
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.engine.compute.forward.cache import CHUNK
from explorer.engine.compute.local import TransformersEngine

CONTEXTS = {"tiny": (64, 200), "0.5b": (64, 512, 4096, 16_384), "1.5b": (512, 4096), "8b": (64, 512, 4096, 16_384)}
PLAIN = SamplingParams()
KNOBS = SamplingParams(temperature=0.8, top_k=50, top_p=0.95)
TOP = 20
TOKENS = 15
"""Of a run of sampling."""


async def step(place: Place) -> None:
    """The bare forward pass, the engine's call, a turn of a knob and a sampled token, by shape and context."""
    for shape in place.shapes:
        engine = await place.engine(place.model_folder(shape))
        for context in CONTEXTS[shape]:
            ids = place.ids(context, engine.info.vocab_size)
            found = bare(place, engine.model, ids) | await asked(engine, ids)
            read = bytes_of_a_step(engine.model, context)
            place.say("step", shape=shape, context=context, **found, bare_GBps=read / found["bare_ms"] / 1e6)
        await engine.close()
        del engine
        place.free()


@torch.inference_mode()
def bare(place: Place, model: PreTrainedModel, ids: list[int]) -> dict[str, float]:
    """Seconds of the prompt in passes as the engine's, and milliseconds of one token after it, on a DynamicCache."""
    kept = DynamicCache()

    def forward(part: list[int], begin: int) -> None:
        model(
            input_ids=torch.tensor([part], device=place.device),
            position_ids=torch.arange(begin, begin + len(part), device=place.device)[None],
            past_key_values=kept,
            logits_to_keep=1,
            use_cache=True,
        )

    began = time.perf_counter()
    for begin in range(0, len(ids), CHUNK):
        forward(ids[begin : begin + CHUNK], begin)
    place.wait()
    prefill = time.perf_counter() - began
    ends = count(len(ids))
    return {"prefill_s": prefill, "bare_ms": place.timed(lambda: forward([20], next(ends)))}


async def asked(engine: TransformersEngine, ids: list[int]) -> dict[str, float]:
    """Milliseconds of the engine's calls after a prefix."""
    await engine.next(ids, PLAIN, TOP)
    longer = [[*ids, *(20 + place for place in range(number + 1))] for number in range(TOKENS)]
    turned = [KNOBS.replace(temperature=0.5 + number / 50) for number in range(TOKENS)]
    engine_ms = await timed_call(lambda number: engine.next(longer[number], PLAIN, TOP), TOKENS)
    knob_ms = await timed_call(lambda number: engine.next(longer[-1], turned[number], TOP), TOKENS)
    began = time.perf_counter()
    drawn = await run(engine, longer[-1], TOKENS)
    return {
        "engine_ms": engine_ms,
        "knob_ms": knob_ms,
        "auto_ms": (time.perf_counter() - began) * 1000 / len(drawn),
    }


async def run(engine: TransformersEngine, ids: list[int], tokens: int) -> list[Any]:
    """The steps of a run of sampling with usual settings."""
    steps = engine.generate(ids, KNOBS.replace(seed=1), draws=0, max_new_tokens=tokens, top=TOP)
    return await gathered(steps)


def bytes_of_a_step(model: PreTrainedModel, context: int) -> int:
    """What one token reads: each weight once (of an embedding that is not the head too, one row), and the cache."""
    config = model.config
    weights = sum(
        weight.nbytes
        for name, weight in model.named_parameters()
        if config.tie_word_embeddings or "embed_tokens" not in name
    )
    width = config.hidden_size // config.num_attention_heads * config.num_key_value_heads
    return weights + 2 * int(config.num_hidden_layers * width) * model.dtype.itemsize * context


async def many(place: Place) -> None:
    """Tokens a second of sequences side by side, and of a score."""
    engine = await place.engine(place.model_folder(place.shapes[0]))
    prompt = place.ids(128, engine.info.vocab_size)
    stop = StopRules(max_new_tokens=8 if place.tiny else 48)
    for sequences in (1, 8, 32):
        params = SamplingParams(temperature=0.9, top_p=0.95, seed=1)
        began = time.perf_counter()
        drawn = await gathered(engine.sample([prompt], params, num_sequences=sequences, stop=stop))
        tokens = sum(map(len, drawn))
        place.say("many", sequences=sequences, tokens_per_s=tokens / (time.perf_counter() - began))
    text = place.ids(200 if place.tiny else 4096, engine.info.vocab_size, seed=2)
    for top in (0, 5):
        began = time.perf_counter()
        tokens = sum(map(len, await gathered(engine.score(text, top))))
        place.say("many", scored=tokens, top=top, tokens_per_s=tokens / (time.perf_counter() - began))
    await engine.close()


async def waits(place: Place) -> None:
    """How often a call makes the host wait for the device, and where, as torch counts it."""
    engine = await place.engine(place.model_folder(place.shapes[0]))
    ids = list(range(20, 84))
    await engine.next(ids, PLAIN, TOP)
    calls: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
        "a step": lambda: engine.next([*ids, 5], PLAIN, TOP),
        "a stored row": lambda: engine.next([*ids, 5], PLAIN, TOP),
        "a turn of a knob": lambda: engine.next([*ids, 5], KNOBS, TOP),
        "four sampled tokens": lambda: run(engine, ids, 4),
    }
    for name, call in calls.items():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            await call()
            torch.cuda.set_sync_debug_mode("default")
        sites = Counter(
            f"{Path(warning.filename).name}:{warning.lineno}"
            for warning in caught
            if "synchroniz" in str(warning.message)
        )
        place.say("waits", call=name, waits=sites.total(), sites=dict(sites.most_common(30)))
    await engine.close()


async def profile(place: Place) -> None:
    """The kernels of one step, by time; the first lines name that of attention."""
    engine = await place.engine(place.model_folder(place.shapes[0]))
    ids = list(range(20, 532))
    await engine.next(ids, PLAIN, TOP)
    kinds = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=kinds) as seen:
        await engine.next([*ids, 5], PLAIN, TOP)
        place.wait()
    print(seen.key_averages().table(sort_by="self_device_time_total", row_limit=25, max_name_column_width=60))
    kernels = [event for event in seen.events() if event.device_type.name == "CUDA"]
    place.say("profile", kernels=len(kernels), device_us=sum(kernel.device_time for kernel in kernels))
    await engine.close()


@torch.inference_mode()
def compiled(place: Place) -> None:
    """The step by torch.compile, on a cache of fixed size: what fused kernels would save, and what they cost first."""
    shape = place.shapes[0]
    model = place.model(shape)
    began, prompt = time.perf_counter(), 512
    kept = StaticCache(model.config, max_cache_len=2 * prompt)
    ids = torch.tensor([place.ids(prompt, model.config.vocab_size)], device=place.device)
    positions = torch.arange(prompt, device=place.device)[None]
    model(input_ids=ids, position_ids=positions, past_key_values=kept, logits_to_keep=1)
    forward = torch.compile(model.forward, mode="reduce-overhead", fullgraph=True)
    token, position = ids[:, :1], torch.tensor([[prompt]], device=place.device)

    def one() -> None:
        for layer in kept.layers:
            layer.cumulative_length.fill_(prompt)
        torch.compiler.cudagraph_mark_step_begin()
        forward(input_ids=token, position_ids=position, past_key_values=kept, logits_to_keep=1)

    one()
    one()
    place.wait()
    first = time.perf_counter() - began
    place.say("compile", shape=shape, first_s=first, step_ms=place.timed(one, 30))
