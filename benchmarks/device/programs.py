"""The program as a person runs it: the worker from its start on, and the commands."""

import os
import subprocess
import sys
import time
from functools import partial

from benchmarks.device.machine import card_says
from benchmarks.device.place import Place, timed_call
from explorer.core.sampling.params import SamplingParams
from explorer.engine.base import Progress
from explorer.engine.description import ModelSettings
from explorer.engine.process.client import WorkerEngine

PLAIN = SamplingParams()

COMMANDS = (
    ("next", "Once upon a time"),
    ("info",),
    ("score", "Once upon a time there was a cat."),
    ("sample", "Once upon a time", "--num-sequences", "4", "--max-new-tokens", "20", "--seed", "3"),
    ("next", "Once upon a time", "--dtype", "bfloat16"),
)


async def load(place: Place) -> None:
    """From the start of the worker to the first table, by stages; and what is left on the device when it is gone."""
    for shape in place.shapes:
        before = used(place)
        settings = ModelSettings(model=str(place.model_folder(shape)), name=shape, device=str(place.device))
        engine = WorkerEngine(settings, place.folder / f"worker-{shape}.log")
        began = time.time()
        stages: dict[str, float] = {}

        def report(progress: Progress, began: float = began, stages: dict[str, float] = stages) -> None:
            stages.setdefault(progress.stage, round(time.time() - began, 2))

        info = await engine.start(report)
        ready = time.time() - began
        ids = place.ids(32, info.vocab_size)
        await engine.next(ids, PLAIN, 20)
        first, loaded = time.time() - began, used(place)
        step_ms = await timed_call(partial(step, engine, ids))
        began = time.time()
        await engine.close()
        place.say(
            "load",
            shape=shape,
            stages=stages,
            ready_s=ready,
            first_table_s=first,
            step_ms=step_ms,
            close_s=time.time() - began,
            MiB_before=before,
            MiB_loaded=loaded,
            MiB_after=used(place),
        )


async def step(engine: WorkerEngine, ids: list[int], number: int) -> None:
    """The table after `number` + 1 tokens more than `ids`."""
    await engine.next([*ids, *ids[: number + 1]], PLAIN, 20)


def used(place: Place) -> str | None:
    """MiB of the first card that all programs use."""
    answer = card_says("memory.used") if place.cuda else []
    return answer[0] if answer else None


def cli(place: Place) -> None:
    """The commands that a person types, on the device."""
    for words in COMMANDS[: 1 if place.tiny else None]:
        command(place, *words, "--device", str(place.device))
    command(place, "next", "Once upon a time", "--device", "cuda:9")


def command(place: Place, *words: str) -> None:
    folders = {f"XDG_{kind}_HOME": str(place.folder / kind.lower()) for kind in ("DATA", "CONFIG")}
    began = time.time()
    done = subprocess.run(
        [sys.executable, "-m", "explorer", *words], capture_output=True, text=True, env=os.environ | folders
    )
    place.say(
        "cli",
        words=" ".join(words),
        exit_code=done.returncode,
        seconds=time.time() - began,
        says=(done.stdout + done.stderr)[-300:],
    )
