"""What of a load goes into the pass that checks causality, and what towers weigh: `python benchmarks/loading.py`.

*Load* reads the weights, *check* is the pass, which is the first to touch them, *again* is the same once more, and
*token* a pass over one token; medians of rounds, in milliseconds of one processor, which a busy machine changes least.
*Towers*: the parameters of types that also see or hear, of their usual sizes, that a text alone leaves idle.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch
import transformers
from transformers import AutoConfig, AutoModelForMultimodalLM

from benchmarks.models import SHAPES, random_model
from explorer.cli.engines import embedded_folder
from explorer.engine.compute.forward.passes import ForwardPass
from explorer.engine.compute.loading.causality import check_causal
from explorer.engine.compute.loading.loading import load_config, load_model
from explorer.engine.description import ModelSettings

Answer = TypeVar("Answer")

ROUNDS = 5
TOWERS = ("llava", "qwen2_vl", "qwen2_5_vl", "mistral3", "qwen2_audio", "voxtral")


def milliseconds(work: Callable[[], Answer]) -> tuple[float, Answer]:
    began = time.process_time()
    answer = work()
    return (time.process_time() - began) * 1000, answer


@torch.inference_mode()
def measure(name: str, folder: Path) -> None:
    """A row of a table."""
    settings = ModelSettings(model=str(folder), name=name, device="cpu")
    rounds = []
    for _ in range(ROUNDS):
        config = load_config(folder, settings)
        load, loaded = milliseconds(partial(load_model, folder, config, settings, lambda progress: None))
        check, _ = milliseconds(partial(check_causal, loaded.model, name))
        again, _ = milliseconds(partial(check_causal, loaded.model, name))
        token, _ = milliseconds(partial(ForwardPass(loaded.model), [3], keep=1))
        rounds.append((load, check, again, token))
    columns = (f"{statistics.median(column):,.0f}" for column in zip(*rounds, strict=True))
    print(f"| {name} | {' | '.join(columns)} |", flush=True)


def towers() -> None:
    """A row for each type: the parameters of the whole, and those that are idle."""
    for kind in TOWERS:
        with torch.device("meta"):
            model = AutoModelForMultimodalLM.from_config(AutoConfig.for_model(kind))
        writes = model.get_decoder().num_parameters()
        head = model.get_output_embeddings()
        embedded = model.get_input_embeddings()
        if head is not None and head.weight is not embedded.weight:
            writes += head.weight.numel()
        whole = model.num_parameters()
        print(f"| {kind} | {whole / 1e9:.2f} | {(whole - writes) / 1e9:.2f} | {1 - writes / whole:.0%} |", flush=True)


def main() -> None:
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--shape", choices=sorted(SHAPES), help="random weights, in place of the embedded model")
    options.add_argument("--towers", action="store_true", help="what towers weigh, and nothing else")
    asked = options.parse_args()
    if asked.towers:
        towers()
    elif asked.shape is None:
        measure("embedded", embedded_folder())
    else:
        with tempfile.TemporaryDirectory() as folder:
            measure(asked.shape, random_model(asked.shape, Path(folder)))


if __name__ == "__main__":
    main()
