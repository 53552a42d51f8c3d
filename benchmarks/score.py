"""How much memory and time the score of a long text takes: `python benchmarks/score.py [--shape llama] [--tokens N]`.

The vocabulary has 151,936 entries and the model almost nothing else, so that what is measured are the logits. The peak
is that of this process (the engine runs in it), sampled every 2 ms during the pass, less what it was after loading and
one step, and less the keys and values of the text. *Naive* is what a log_softmax over [T, V] in float32 would hold.
"""

import argparse
import asyncio
import tempfile
import threading
import time
from pathlib import Path

import psutil

from benchmarks.models import QWEN_SIZED, QWEN_VOCABULARY, random_model
from explorer.core.sampling.params import SamplingParams
from explorer.core.size import size_in_words
from explorer.engine.compute.local import TransformersEngine
from explorer.engine.description import ModelSettings

GOAL = 1 << 30


class Peak(threading.Thread):
    """The greatest resident size of this process while it runs."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._process = psutil.Process()
        self._done = threading.Event()
        self.bytes = 0

    def run(self) -> None:
        while not self._done.wait(0.002):
            self.bytes = max(self.bytes, self._process.memory_info().rss)

    def end(self) -> int:
        self._done.set()
        self.join()
        return self.bytes


async def measure(folder: Path, tokens: int, top: int) -> tuple[int, int, float]:
    """Bytes beyond model, keys and values; bytes of keys and values; seconds."""
    engine = TransformersEngine(ModelSettings(model=str(folder), name="benchmark", device="cpu"))
    await engine.start()
    ids = [(index * 7919) % QWEN_VOCABULARY for index in range(tokens)]
    await engine.next(ids[:1], SamplingParams(), 20)
    before = psutil.Process().memory_info().rss
    peak = Peak()
    peak.start()
    began = time.perf_counter()
    scored = sum([len(part) async for part in engine.score(ids, top)])
    seconds = time.perf_counter() - began
    most = peak.end()
    assert scored == tokens
    config = engine.model.config
    heads = getattr(config, "num_key_value_heads", 0)
    kept = 2 * config.num_hidden_layers * heads * getattr(config, "head_dim", 0) * tokens * 4
    await engine.close()
    return most - before - kept, kept, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=QWEN_SIZED, default="llama")
    parser.add_argument("--tokens", type=int, default=32_768)
    parser.add_argument("--top", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        beyond, kept, seconds = asyncio.run(measure(random_model(args.shape, Path(folder)), args.tokens, args.top))
    sizes = [size_in_words(size) for size in (beyond, GOAL, kept, args.tokens * QWEN_VOCABULARY * 4)]
    print("| shape | tokens | beyond model and KV | goal | KV | naive, computed | tokens/s |")
    print("|---|---|---|---|---|---|---|")
    print(f"| {args.shape} | {args.tokens:,} | {' | '.join(sizes)} | {args.tokens / seconds:,.0f} |")


if __name__ == "__main__":
    main()
