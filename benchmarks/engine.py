"""What a step costs over the bare forward pass of the same step: `python benchmarks/engine.py [--model FOLDER]`.

Both are taken in turns in one run, so that a busy machine weighs on both: read the ratios. The bare forward is
`model(input_ids, position_ids, past_key_values, logits_to_keep=1)` on transformers' DynamicCache, in this process, on
the same number of threads.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, DynamicCache

from explorer.core.sampling import SamplingParams
from explorer.engine.base import ModelSettings
from explorer.engine.client import WorkerEngine
from explorer.engine.loading import SMALL
from explorer.engine.placement import resolve_device
from explorer.engines import embedded_folder

TOP = 20


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


def timed(work) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


async def measure(folder: str, device: str, context: int, steps: int) -> dict[str, float]:
    """Medians in milliseconds."""
    bare = Bare(folder, device)
    settings = ModelSettings(model=folder, name="benchmark", device=device)
    engine = WorkerEngine(settings, Path(tempfile.mkdtemp()) / "engine.log")
    await engine.start()
    params = SamplingParams(seed=1)
    generator = torch.Generator().manual_seed(1)
    vocabulary = bare.model.config.vocab_size
    ids = torch.randint(10, vocabulary, (context,), generator=generator).tolist()
    bare.begin(ids)
    await engine.next(ids, params, TOP)
    names = ("bare forward", "step", "back", "knob", "recompute")
    times: dict[str, list[float]] = {name: [] for name in names}

    async def ask(name: str, prefix: list[int], settings: SamplingParams) -> None:
        began = time.perf_counter()
        await engine.next(prefix, settings, TOP)
        times[name].append((time.perf_counter() - began) * 1000)

    for index in range(steps):
        token = int(torch.randint(10, vocabulary, (1,), generator=generator))
        before, ids = ids, [*ids, token]
        times["bare forward"].append(timed(lambda token=token: bare.forward([token])))
        await ask("step", ids, params)
        await ask("back", before, params)
        await ask("knob", before, params.replace(temperature=0.5 + index / 100, top_p=0.9))
    for _ in range(3):
        bare.begin([])
        times["recompute"].append(timed(lambda: bare.forward(ids)))
    await engine.close()
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=str(embedded_folder()))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--steps", type=int, default=60)
    args = parser.parse_args()
    device = resolve_device(args.device)
    print(f"torch {torch.__version__}, {device}, {args.steps} steps, {TOP} rows; medians in ms")
    print("| context | bare forward | step | over the forward | ratio | back | knob | recompute | recompute / step |")
    print("|---|---|---|---|---|---|---|---|---|")
    for context in (64, 512, 900):
        t = asyncio.run(measure(args.model, device, context, args.steps))
        forward, step = t["bare forward"], t["step"]
        print(
            f"| {context} | {forward:.2f} | {step:.2f} | {step - forward:+.2f} | {step / forward:.2f} "
            f"| {t['back']:.2f} | {t['knob']:.2f} | {t['recompute']:.1f} | {t['recompute'] / step:.1f} |"
        )


if __name__ == "__main__":
    main()
