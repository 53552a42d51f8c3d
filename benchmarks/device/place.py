"""Where the sections run, and where their results go.

Owns the device, the folder of models and the file of results. Must not know what is measured.
"""

import dataclasses
import json
import statistics
import time
from collections.abc import AsyncIterable, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from benchmarks.models import random_model
from explorer.engine.compute.local import TransformersEngine
from explorer.engine.description import ModelSettings

Item = TypeVar("Item")


@dataclasses.dataclass(frozen=True)
class Place:
    """A device and a folder."""

    device: torch.device
    folder: Path
    """Of the models, the logs and `results.jsonl`."""
    shapes: tuple[str, ...]
    """Names of benchmarks/models.py; the first one is that of the sections which take one model."""
    tiny: bool
    """Whether it is only tried whether the sections run: few rounds, short texts."""
    seconds: float
    """The most that a section takes which can stop at any time."""
    began: float = dataclasses.field(default_factory=time.time)

    @property
    def cuda(self) -> bool:
        return self.device.type == "cuda"

    def say(self, section: str, **values: object) -> None:
        """Print a result, and add it to the file as one line of JSON."""
        at = round(time.time() - self.began, 1)
        with (self.folder / "results.jsonl").open("a") as file:
            file.write(json.dumps({"section": section, "at": at, **values}, default=str) + "\n")
        cells = (
            f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}" for name, value in values.items()
        )
        print(f"[{at:6.1f} s] {section}: {', '.join(cells)}", flush=True)

    # Models.

    def model_folder(self, shape: str) -> Path:
        """The folder of a model of random weights in bfloat16, made where it is not there yet."""
        folder = self.folder / shape
        if not (folder / "tokenizer.json").exists():
            random_model(shape, folder, dtype=torch.bfloat16, device=self.device)
            self.free()
        return folder

    def model(self, shape: str, dtype: torch.dtype = torch.bfloat16) -> PreTrainedModel:
        """The model of a shape on the device."""
        placed = {"": str(self.device)}
        return AutoModelForCausalLM.from_pretrained(self.model_folder(shape), dtype=dtype, device_map=placed).eval()

    async def engine(self, folder: Path, device: torch.device | None = None) -> TransformersEngine:
        """An engine in this process on a model's folder; it has to be closed."""
        settings = ModelSettings(model=str(folder), name=folder.name, device=str(device or self.device))
        engine = TransformersEngine(settings)
        await engine.start()
        return engine

    def ids(self, count: int, vocabulary: int, seed: int = 1) -> list[int]:
        """Token ids at random, the same ones on each device."""
        return torch.randint(10, vocabulary, (count,), generator=torch.Generator().manual_seed(seed)).tolist()

    # Time.

    def wait(self) -> None:
        """Until the device has done what it was told."""
        if self.cuda:
            torch.cuda.synchronize(self.device)

    def free(self) -> None:
        """Give back the memory of the device that no tensor needs."""
        if self.cuda:
            torch.cuda.empty_cache()

    def timed(self, work: Callable[[], object], times: int = 20, warm: int = 3) -> float:
        """Median milliseconds on the wall, each with a wait for the device."""
        for _ in range(warm):
            work()
        self.wait()
        return statistics.median(self._once(work) for _ in range(times))

    def _once(self, work: Callable[[], object]) -> float:
        began = time.perf_counter()
        work()
        self.wait()
        return (time.perf_counter() - began) * 1000


async def timed_call(call: Callable[[int], Awaitable[object]], times: int = 15) -> float:
    """Median milliseconds of a call that waits for its answer; it gets the number of the round."""
    taken = []
    for number in range(times):
        began = time.perf_counter()
        await call(number)
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


async def gathered(parts: AsyncIterable[Item]) -> list[Item]:
    return [part async for part in parts]
