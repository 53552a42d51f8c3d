"""What the machine is, and what it can do at the best: the units of every prediction."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import torch
import transformers

from benchmarks.device.place import Place

ROW = 151_936
"""Entries of a row of logits: Qwen's vocabulary."""


def env(place: Place) -> None:
    """Versions, the card, and whether float32 is computed as TF32."""
    place.say(
        "env",
        python=sys.version.split()[0],
        torch=torch.__version__,
        cuda=torch.version.cuda,
        transformers=transformers.__version__,
        device=str(place.device),
        gpus=torch.cuda.device_count(),
        cpus=os.cpu_count(),
        threads=torch.get_num_threads(),
    )
    if not place.cuda:
        return
    card = torch.cuda.get_device_properties(place.device)
    place.say(
        "env",
        name=card.name,
        processors=card.multi_processor_count,
        threads_a_processor=card.max_threads_per_multi_processor,
        memory=card.total_memory,
        capability=f"{card.major}.{card.minor}",
        matmul_tf32=torch.backends.cuda.matmul.allow_tf32,
        cudnn_tf32=torch.backends.cudnn.allow_tf32,
    )
    asked = "driver_version,memory.used,clocks.sm,clocks.max.sm"
    place.say("env", **dict(zip(asked.split(","), card_says(asked), strict=False)))


def card_says(asked: str) -> list[str]:
    """What nvidia-smi answers about the first card; nothing where it is not there."""
    if shutil.which("nvidia-smi") is None:
        return []
    command = ["nvidia-smi", f"--query-gpu={asked}", "--format=csv,noheader,nounits"]
    lines = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    return lines[0].split(", ") if lines else []


def ceilings(place: Place) -> None:
    """The two rates of the memory, and what a launch, a wait and a copy to the host cost."""
    place.say("ceilings", copy_GBps=copy_rate(place))
    for width in (256,) if place.tiny else (4096, 8192):
        weights = torch.randn(width, width * 4, device=place.device, dtype=torch.bfloat16)
        vector = torch.randn(1, width, device=place.device, dtype=torch.bfloat16)
        milliseconds = _each(place, 20, partial(torch.matmul, vector, weights))
        place.say(
            "ceilings",
            product=f"{width} x {width * 4}",
            product_GBps=weights.nbytes / milliseconds / 1e6,
            product_us=milliseconds * 1000,
        )
    one, row = torch.ones(1, device=place.device), torch.randn(ROW, device=place.device)
    costs = {
        "launch_us": _each(place, 2000, lambda: one.add_(1)),
        "item_us": _each(place, 200, one.item),
        "tensor_of_one_id_us": _each(place, 200, lambda: torch.tensor([[5]], device=place.device)),
        "row_to_host_us": _each(place, 1, row.cpu),
        "topk_us": _each(place, 1, lambda: row.topk(129)),
        "sort_us": _each(place, 1, lambda: row.sort(stable=True, descending=True)),
        "softmax_us": _each(place, 1, lambda: row.softmax(-1)),
    }
    if place.cuda:
        pinned = torch.empty(ROW, pin_memory=True)
        costs["row_to_pinned_us"] = _each(place, 1, lambda: pinned.copy_(row, non_blocking=True))
    place.say("ceilings", **{name: milliseconds * 1000 for name, milliseconds in costs.items()})


def copy_rate(place: Place) -> float:
    """Gigabytes a second that the memory reads and writes."""
    source = torch.randn(1 << (20 if place.tiny else 28), device=place.device)
    target = torch.empty_like(source)
    return 2 * source.nbytes / place.timed(lambda: target.copy_(source)) / 1e6


def _each(place: Place, count: int, work: Callable[[], object]) -> float:
    """Milliseconds of one of `count` that are started one after the other, with one wait at the end."""
    return place.timed(lambda: [work() for _ in range(count)], times=5 if count > 1 else 20) / count


def make(place: Place) -> None:
    """The models of the other sections: random weights, made on the device."""
    for shape in place.shapes:
        began = time.time()
        folder = place.model_folder(shape)
        size = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
        place.say("make", shape=shape, gigabytes=size / 1e9, seconds=time.time() - began)
