"""Auto-sampling through the whole program: `python benchmarks/auto.py [--shape 0.5b] [--tokens 200]`.

The explorer (without a terminal, but with every picture that it would paint) on a WorkerEngine, as a share of
transformers' `generate()` with a streamer that spells each token, in turns in one run, on one thread each.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.app import SIZE, explorer_on, table_shown
from explorer.cli.engines import embedded_folder
from explorer.core.sampling.pace import RunSettings
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules

PARAMS = SamplingParams(temperature=0.8, seed=1)
THREADS = 1
"""Of either side: a busy machine does not favour the one that asks for more."""


def write_model(shape: str, folder: Path) -> None:
    from benchmarks.models import random_model

    random_model(shape, folder)


model: Any
tokenizer: Any
"""With the model, what the process of `generate()` loads; no other process has them."""


def load(folder: Path) -> None:
    global model, tokenizer
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(THREADS)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)


def generate(ids: list[int], tokens: int) -> float:
    """Tokens a second."""
    import torch
    from transformers import TextStreamer

    silent = TextStreamer(tokenizer)
    silent.on_finalized_text = lambda text, stream_end=False: None
    torch.manual_seed(PARAMS.seed)
    began = time.perf_counter()
    found = model.generate(
        torch.tensor([ids]),
        attention_mask=torch.ones(1, len(ids), dtype=torch.long),
        do_sample=True,
        temperature=PARAMS.temperature,
        top_k=0,
        min_new_tokens=tokens,
        max_new_tokens=tokens,
        pad_token_id=0,
        streamer=silent,
    )
    return (found.shape[1] - len(ids)) / (time.perf_counter() - began)


async def compare(folder: Path, tokens: int, rounds: int) -> tuple[list[float], list[float], list[float]]:
    """Tokens a second of each round: `generate()`, the explorer; and the pictures it painted for a token."""
    # As in `generate()` with min_new_tokens, no token ends the text.
    settings = RunSettings(rules=StopRules(max_new_tokens=tokens))
    app = explorer_on(folder, PARAMS.replace(min_new_tokens=tokens), settings)
    bare, ours, pictures, paints = [], [], [], 0
    ask = partial(asyncio.get_running_loop().run_in_executor, ProcessPoolExecutor(1))
    await ask(load, folder)
    async with app.run_test(size=SIZE) as pilot:
        paint = app.main.paint

        def counted() -> None:
            nonlocal paints
            paints += 1
            paint()

        app.main.paint = counted  # type: ignore[method-assign]  # What paints is the program; it is only counted.
        await table_shown(app)
        ids = app.main.walk.snapshot.ids
        await ask(generate, ids, 4)
        for number in range(rounds):
            bare.append(await ask(generate, ids, tokens))
            # Another seed, so that no row is known from the round before.
            app.main.walk.set_params(app.main.walk.snapshot.params.replace(seed=number + 2))
            await pilot.pause(0.2)
            paints = 0
            began = time.perf_counter()
            app.simulate_key("a")
            while len(app.main.walk.snapshot.path) < len(ids) + tokens:
                await asyncio.sleep(0.002)
            ours.append(tokens / (time.perf_counter() - began))
            pictures.append(paints / tokens)
            await pilot.pause(0.1)
            for _ in range(tokens):
                app.main.walk.back()
            await pilot.pause(0.5)
    return bare, ours, pictures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", help="of benchmarks/models.py; default: the model that ships")
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    folder = embedded_folder()
    if arguments.shape:
        folder = Path(tempfile.mkdtemp())
        with ProcessPoolExecutor(1) as other:
            other.submit(write_model, arguments.shape, folder).result()
    bare, ours, pictures = asyncio.run(compare(folder, arguments.tokens, arguments.rounds))
    shares = [one / other for one, other in zip(ours, bare, strict=True)]
    print(f"Auto-sampling, {arguments.shape or 'embedded'}, {arguments.tokens} tokens, {arguments.rounds} rounds")
    print("| generate() with a streamer, tokens/s | explorer, tokens/s | share | pictures a token |")
    print("|---|---|---|---|")
    print(
        f"| {statistics.median(bare):.2f} | {statistics.median(ours):.2f} | {statistics.median(shares):.3f} "
        f"({min(shares):.2f} to {max(shares):.2f}) | {statistics.median(pictures):.2f} |"
    )


if __name__ == "__main__":
    main()
