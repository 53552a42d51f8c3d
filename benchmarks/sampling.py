"""What a turn of a knob costs in the engine: `python benchmarks/sampling.py [--device cpu] [--turns 30]`.

A row of logits is there already, as after a step; no forward pass is measured. All ways are taken in turns in one run,
so that a busy machine weighs on all of them. The row has the shape of a trained model's: a few likely tokens, and a
long tail.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from explorer.core.asked import Asked
from explorer.core.sampling.params import SamplingParams
from explorer.core.token import Token
from explorer.engine.compute.tables.logits import distribution, sampling_scores
from explorer.engine.compute.tables.ranking import Row

SIZES = {"32k": 32_000, "152k": 151_936, "262k": 262_144}
TOP = 20
IDS = list(range(100, 612))
USUAL = SamplingParams(temperature=0.8, top_k=200, top_p=0.95, min_p=0.01)
WIDE = SamplingParams(temperature=1.5, top_p=0.999)
"""Keeps more tokens than are put in order at first."""
EVERYTHING = SamplingParams(
    temperature=0.8,
    top_p=0.95,
    top_k=500,
    min_p=0.001,
    typical_p=0.95,
    epsilon_cutoff=1e-5,
    eta_cutoff=1e-5,
    top_h=0.95,
    repetition_penalty=1.1,
    no_repeat_ngram_size=3,
    logit_bias=((5, 1.0),),
    suppress_tokens=(1, 2, 3),
    min_new_tokens=600,
)
WAYS = (
    "first table",
    "knob",
    "knob, top-p alone",
    "knob, wide top-p",
    "penalty",
    "transformers' chain for knob",
    "every setting",
    "typical-p alone",
)
GOALS = {"knob": 5, "knob, top-p alone": 5, "every setting": 60, "typical-p alone": 60}
"""Milliseconds at 152k."""


def logits(size: int, device: str) -> torch.Tensor:
    generator = torch.Generator().manual_seed(size)
    row = torch.randn(size, generator=generator) * 2.5
    row[torch.randperm(size, generator=generator)[:300]] += torch.linspace(4, 14, 300)
    return row.to(device)


def token(token_id: int) -> Token:
    return Token.from_bytes(token_id, b"a")


def turned(params: SamplingParams, turn: int) -> SamplingParams:
    """Other settings each time, as when a person turns a knob."""
    return params.replace(temperature=params.temperature + turn / 1000)


@torch.inference_mode()
def measure(size: int, device: str, turns: int) -> dict[str, float]:
    """Medians in milliseconds."""
    values = logits(size, device)
    row, wide = Row(values), Row(values)
    times: dict[str, list[float]] = {way: [] for way in WAYS}

    def timed(way: str, work: Callable[[], object]) -> None:
        began = time.perf_counter()
        work()
        if values.is_cuda:
            torch.cuda.synchronize()
        times[way].append((time.perf_counter() - began) * 1000)

    def table(of: Row, params: SamplingParams) -> object:
        return distribution(of, Asked(params, IDS, len(IDS), (0,)), TOP, (), token)

    def take_turn(turn: int) -> None:
        params = turned(USUAL, turn)
        asked = Asked(params, IDS, len(IDS), (0,))
        timed("first table", lambda: table(Row(values), SamplingParams()))
        timed("knob", lambda: table(row, params))
        timed("knob, top-p alone", lambda: table(row, SamplingParams(0.8 + turn / 1000, 0.95)))
        timed("knob, wide top-p", lambda: table(wide, turned(WIDE, turn)))
        timed("penalty", lambda: table(row, params.replace(repetition_penalty=1.1)))
        timed(
            "transformers' chain for knob",
            lambda: sampling_scores(values, asked).softmax(-1).topk(TOP)[1].tolist(),
        )
        timed("every setting", lambda: table(row, turned(EVERYTHING, turn)))
        timed("typical-p alone", lambda: table(row, SamplingParams(typical_p=0.9 + turn / 1000)))

    table(row, USUAL)
    table(wide, WIDE)
    for turn in range(turns):
        take_turn(turn)
    return {way: statistics.median(found) for way, found in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f"torch {torch.__version__}, {args.device}, {args.threads} threads, {TOP} rows; medians of {args.turns}, ms")
    print(f"| | {' | '.join(SIZES)} | goal at 152k |")
    print("|---|" + "---|" * (len(SIZES) + 1))
    found = [measure(size, args.device, args.turns) for size in SIZES.values()]
    for way in WAYS:
        goal = f"≤ {GOALS[way]}" if way in GOALS else ""
        print(f"| {way} | {' | '.join(f'{times[way]:.2f}' for times in found)} | {goal} |")


if __name__ == "__main__":
    main()
