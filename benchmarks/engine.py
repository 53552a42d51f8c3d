"""What a step costs over the bare forward pass, and what is saved: `python benchmarks/engine.py [--shape 0.5b]`.

The bare forward is `model(input_ids, position_ids, past_key_values, logits_to_keep=1)` on transformers' DynamicCache,
in a process of its own as the engine is, timed in there, on as many threads. Both are taken in turns in one run, so
that a busy machine weighs on both: read the ratios. *Recompute* is the whole prefix without a cache; *naive* is one
pass with the logits of all positions, then log_softmax over them in float32. *CPU* is what both processes of a step
spend together, and what the forward spends: where other programs run, it tells more than the time on the wall.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import psutil
import torch
from transformers import AutoModelForCausalLM, DynamicCache

from benchmarks.models import random_model
from explorer.cli.engines import embedded_folder
from explorer.core.sampling.params import SamplingParams
from explorer.engine.compute.loading.loading import SMALL
from explorer.engine.description import ModelSettings
from explorer.engine.process.client import WorkerEngine

TOP = 20
CONTEXTS = {"embedded": (64, 512, 900), "0.5b": (64, 512, 4096)}
COLUMNS = (
    *("context", "forward", "step", "over", "ratio", "CPU over", "CPU ratio", "back", "knob"),
    *("recompute", "/ step", "score", "naive", "/ naive"),
)
GOALS = {
    "embedded": "a step costs at most 1 ms more than the forward",
    "0.5b": "at 512 a step costs at most 1.05 of the forward; a recompute costs 20 steps at 512, 100 at 4,096",
}


class Bare:
    """One sequence on a DynamicCache."""

    def __init__(self, folder: str, device: str) -> None:
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto").to(device).eval()
        if device == "cpu" and self.model.num_parameters() < SMALL:
            torch.set_num_threads(1)
        self.device = device
        self.begin([])

    def begin(self, ids: list[int]) -> None:
        self.cache, self.length = DynamicCache(), 0
        if ids:
            self.forward(ids)

    @torch.inference_mode()
    def forward(self, ids: list[int]) -> None:
        positions = torch.arange(self.length, self.length + len(ids), device=self.device)[None]
        row = self.model(
            input_ids=torch.tensor([ids], device=self.device),
            position_ids=positions,
            past_key_values=self.cache,
            logits_to_keep=1,
        ).logits[0, -1]
        row[0].item()  # Wait for the device.
        self.length += len(ids)

    @torch.inference_mode()
    def naive_score(self, ids: list[int]) -> None:
        batch = torch.tensor([ids], device=self.device)
        logprobs = self.model(input_ids=batch).logits[0, :-1].float().log_softmax(-1)
        logprobs.gather(1, batch[0, 1:, None]).sum().item()


bare: Bare
"""The model of the process of the bare forward; no other process has it."""


def load_bare(folder: str, device: str) -> None:
    global bare
    bare = Bare(folder, device)


def bare_call(name: str, *arguments: list[int]) -> tuple[float, float]:
    """Milliseconds of a method of the model in that process, on the wall and of its CPU time."""
    began, spent = time.perf_counter(), time.process_time()
    getattr(bare, name)(*arguments)
    return (time.perf_counter() - began) * 1000, (time.process_time() - spent) * 1000


def cpu_time(pid: int) -> float:
    """Milliseconds that this process and another have spent."""
    there = psutil.Process(pid).cpu_times()
    return (time.process_time() + there.user + there.system) * 1000


async def measure(
    engine: WorkerEngine, ask_bare: Callable[..., "asyncio.Future[tuple[float, float]]"], context: int, steps: int
) -> dict[str, float]:
    """Medians in milliseconds."""
    params = SamplingParams(seed=1)
    generator = torch.Generator().manual_seed(context)
    pid, vocabulary = engine.pid, engine.info.vocab_size
    assert pid is not None, "the engine was not started"
    ids = torch.randint(10, vocabulary, (context,), generator=generator).tolist()
    times: dict[str, list[float]] = {}

    def note(name: str, milliseconds: float) -> None:
        times.setdefault(name, []).append(milliseconds)

    async def step(name: str, prefix: list[int], settings: SamplingParams = params) -> None:
        began = time.perf_counter()
        await engine.next(prefix, settings, TOP)
        note(name, (time.perf_counter() - began) * 1000)

    repeats = 1 if context > 1000 else 3
    for _ in range(repeats):
        note("recompute", (await ask_bare("begin", ids))[0])
    await engine.next(ids, params, TOP)
    spent = cpu_time(pid)
    for token in torch.randint(10, vocabulary, (steps,), generator=generator).tolist():
        ids = [*ids, token]
        wall, cpu = await ask_bare("forward", [token])
        note("forward", wall)
        note("forward cpu", cpu)
        await step("step", ids)
    note("step cpu", (cpu_time(pid) - spent) / steps)
    for index in range(steps):
        before = ids[: len(ids) - 1 - index % steps]
        await step("back", before)
        await step("knob", before, params.replace(temperature=0.5 + index / 100, top_p=0.9))
    if context <= 1000:
        for _ in range(repeats):
            note("naive", (await ask_bare("naive_score", ids))[0])
            began = time.perf_counter()
            async for _ in engine.score(ids, 0):
                pass
            note("score", (time.perf_counter() - began) * 1000)
    medians = {name: statistics.median(values) for name, values in times.items()}
    return medians | {"forward cpu": statistics.mean(times["forward cpu"])}


async def table(folder: str, device: str, contexts: tuple[int, ...], steps: int) -> None:
    settings = ModelSettings(model=folder, name="benchmark", device=device)
    engine = WorkerEngine(settings, Path(tempfile.mkdtemp()) / "engine.log")
    await engine.start()
    with ProcessPoolExecutor(1, get_context("spawn")) as other:
        in_other = partial(asyncio.get_running_loop().run_in_executor, other)
        await in_other(load_bare, folder, device)
        for context in contexts:
            t = await measure(engine, partial(in_other, bare_call), context, steps)
            forward, step = t["forward"], t["step"]
            cells = [f"{context:,}", f"{forward:.2f}", f"{step:.2f}", f"{step - forward:+.2f}", f"{step / forward:.2f}"]
            cells += [f"{t['step cpu'] - t['forward cpu']:+.2f}", f"{t['step cpu'] / t['forward cpu']:.2f}"]
            cells += [f"{t['back']:.2f}", f"{t['knob']:.2f}", f"{t['recompute']:.0f}", f"{t['recompute'] / step:.1f}"]
            if "score" in t:
                cells += [f"{t['score']:.0f}", f"{t['naive']:.0f}", f"{t['score'] / t['naive']:.2f}"]
            print(f"| {' | '.join(cells)} |", flush=True)
    await engine.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=sorted(CONTEXTS), default="embedded")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--contexts", help="Tokens, with commas between them.")
    args = parser.parse_args()
    contexts = tuple(map(int, args.contexts.split(","))) if args.contexts else CONTEXTS[args.shape]
    with tempfile.TemporaryDirectory() as temporary:
        folder = embedded_folder() if args.shape == "embedded" else random_model(args.shape, Path(temporary))
        for device in ("cpu", "cuda:0") if torch.cuda.is_available() else ("cpu",):
            print(f"\n{args.shape}, torch {torch.__version__}, {device}, {args.steps} steps; medians in ms.")
            print(f"Goal: {GOALS[args.shape]}.\n")
            print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
            asyncio.run(table(str(folder), device, contexts, args.steps))


if __name__ == "__main__":
    main()
