"""A step with an adapter on, with it off, and of the model alone; and what switching costs.

`python benchmarks/adapter.py [--rank 16]`, on the model that ships, with a LoRA adapter on all of its linear modules.
The three take turns, token by token, so that a busy machine weighs on all of them: read the ratios.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
import warnings
from pathlib import Path

import peft
from transformers import AutoModelForCausalLM

from explorer.cli.engines import embedded_folder
from explorer.core.sampling.params import SamplingParams
from explorer.engine.base import Engine
from explorer.engine.compute.local import TransformersEngine
from explorer.engine.description import ModelSettings

STEPS, LENGTH = 40, 256


def make_adapter(folder: Path, rank: int) -> None:
    """A LoRA adapter that was just begun: what it computes costs the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = AutoModelForCausalLM.from_pretrained(embedded_folder())
        config = peft.LoraConfig(r=rank, target_modules="all-linear", task_type="CAUSAL_LM")
        peft.get_peft_model(model, config).save_pretrained(str(folder))


async def measure(adapter: Path) -> dict[str, list[float]]:
    """Milliseconds of each kind."""
    base = ModelSettings(model=str(embedded_folder()), name="embedded", device="cpu")
    engines: dict[str, Engine] = {
        "alone": TransformersEngine(base),
        "on": TransformersEngine(ModelSettings(model=base.model, name="on", device="cpu", adapter=str(adapter))),
        "off": TransformersEngine(ModelSettings(model=base.model, name="off", device="cpu", adapter=str(adapter))),
    }
    for engine in engines.values():
        await engine.start()
    await engines["off"].adapt(False)
    ids = [1 + index % 500 for index in range(LENGTH)]
    found: dict[str, list[float]] = {name: [] for name in engines}
    for step in range(STEPS + 1):
        ids = [*ids, 7 + step]
        for name, engine in engines.items():
            began = time.perf_counter()
            await engine.next(ids, SamplingParams(), 20)
            if step:  # The first one reads the prompt.
                found[name].append((time.perf_counter() - began) * 1000)
    found["switching"] = []
    for step in range(STEPS // 2):
        began = time.perf_counter()
        await engines["on"].adapt(bool(step % 2))
        found["switching"].append((time.perf_counter() - began) * 1000)
    for engine in engines.values():
        await engine.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rank", type=int, default=16)
    rank = parser.parse_args().rank
    with tempfile.TemporaryDirectory() as folder:
        make_adapter(Path(folder), rank)
        median = {name: statistics.median(took) for name, took in asyncio.run(measure(Path(folder))).items()}
    for name, milliseconds in median.items():
        print(f"{name}: {milliseconds:.2f} ms, {milliseconds / median['alone']:.2f} x a step of the model alone")


if __name__ == "__main__":
    main()
