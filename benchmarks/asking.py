"""What a search, a comparison and a forced text cost: `python benchmarks/asking.py [--shape 0.5b] [--rounds 3]`.

The model has random weights and 151,936 entries, all of them words; the prefix is 512 tokens that are in the cache. A
search lists 200 hits; *first* also makes the strings of the whole vocabulary. A comparison is that of 8 options of 5
tokens; beside it, 8 scores that each begin at the end of the prefix. All are taken in turns in one run, so that a busy
machine weighs on all of them.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path

from benchmarks.models import QWEN_SIZED, QWEN_VOCABULARY, byte_level, random_model
from explorer.core.query import Query
from explorer.core.sampling.params import SamplingParams
from explorer.engine.compute.local import TransformersEngine
from explorer.engine.description import ModelSettings

LENGTH, OPTIONS, TOKENS, LIMIT = 512, 8, 5, 200
PARAMS = SamplingParams(temperature=0.8, top_p=0.95)
QUERIES = {
    "everything": Query("text", ""),
    "text": Query("text", "the"),
    "regex": Query("regex", "^ ?the"),
    "regex of alternatives": Query("regex", "(a|b)+c"),
    "bytes": Query("bytes", data=b" t"),
    "id": Query("id", id=90_000),
}
GOAL = 150


def words(folder: Path) -> None:
    """Put a tokenizer of as many entries as the model has into its folder: bytes, and words of Qwen's lengths."""
    rng = random.Random(1)
    pieces: dict[str, None] = {}
    room = QWEN_VOCABULARY - byte_level([]).get_vocab_size()
    while len(pieces) < room:
        letters = "".join(
            rng.choices("etaoinshrdlcumwfgypbvkjxqzìëêíĺļģħ", k=min(128, int(rng.gammavariate(3, 2)) + 2))
        )
        pieces[rng.choice(["Ġ", ""]) + letters] = None
    byte_level(pieces).save(str(folder / "tokenizer.json"))


async def measure(folder: Path, rounds: int) -> dict[str, list[float]]:
    engine = TransformersEngine(ModelSettings(model=str(folder), name="benchmark", device="cpu"))
    await engine.start()
    rng = random.Random(2)
    taken: dict[str, list[float]] = {}

    def fresh(count: int) -> list[int]:
        return [rng.randrange(3, QWEN_VOCABULARY) for _ in range(count)]

    async def scored(ids: list[int], begin: int) -> None:
        async for _ in engine.score(ids, 0, begin):
            pass

    async def each(options: list[list[int]]) -> None:
        for option in options:
            await scored([*prefix, *option], LENGTH)

    async def timed(name: str, call: Awaitable[object]) -> None:
        began = time.perf_counter()
        await call
        taken.setdefault(name, []).append((time.perf_counter() - began) * 1000)

    async def searched(query: Query) -> None:
        await engine.search(prefix, query, PARAMS, LIMIT)

    prefix = fresh(LENGTH)
    await engine.next(prefix, PARAMS, 20)
    await timed("search, first", searched(QUERIES["text"]))
    await engine.compare(prefix, [fresh(2), fresh(3)])
    for _ in range(rounds):
        prefix = fresh(LENGTH)
        await engine.next(prefix, PARAMS, 20)
        for name, query in QUERIES.items():
            await timed(f"search, {name}", searched(query))
        options = [fresh(TOKENS) for _ in range(OPTIONS)]
        await timed("compare", engine.compare(prefix, options))
        await timed("scores from the prefix on", each(options))
        await engine.next(prefix, PARAMS, 20)
        text = [*prefix, *fresh(TOKENS)]
        await timed("score of 5 tokens after the prefix", scored(text, LENGTH))
        await timed("score of the whole text", scored(text, 0))
    await engine.close()
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=QWEN_SIZED, default="0.5b")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = random_model(args.shape, Path(name))
        words(folder)
        taken = asyncio.run(measure(folder, args.rounds))
    median = {name: statistics.median(times) for name, times in taken.items()}
    print("| what | ms, median | worst | goal |")
    print("|---|---|---|---|")
    for name, times in taken.items():
        goal = f"{GOAL}" if name.startswith("search, ") and name != "search, first" else ""
        print(f"| {name} | {median[name]:,.0f} | {max(times):,.0f} | {goal} |")
    beside = median["scores from the prefix on"] / median["compare"]
    print(f"\n{OPTIONS} options of {TOKENS} tokens: {OPTIONS} scores take {beside:.1f} x as long as a comparison.")
    ratio = median["score of the whole text"] / median["score of 5 tokens after the prefix"]
    print(f"A score of {TOKENS} tokens after {LENGTH}: the whole text takes {ratio:.1f} x as long.")


if __name__ == "__main__":
    main()
