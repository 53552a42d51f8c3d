"""What a thousand prompts cost: `python benchmarks/ask.py [--prompts 1000] [--starts 5]`.

Each is asked by `next`: of one `token-explorer ask`, a line each, and by a `token-explorer next` of its own, of which a
few are run and the rest are reckoned. Both are whole processes on the model that ships, from their start to their end.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from typing import NamedTuple

WORDS = ("fox", "bear", "cat", "king", "little girl", "old tree", "river", "moon", "baker", "dragon")
PROGRAM = [sys.executable, "-m", "explorer"]


class Spent(NamedTuple):
    """By a process and its worker."""

    seconds: float
    cpu: float
    """Seconds of the processors: they hang less on what else the machine does."""
    printed: str


def spent(arguments: list[str], said: str = "") -> Spent:
    began, before = time.perf_counter(), os.times()
    done = subprocess.run([*PROGRAM, *arguments], input=said, capture_output=True, text=True, check=True)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Spent(time.perf_counter() - began, cpu, done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=1000)
    parser.add_argument("--starts", type=int, default=5)
    asked = parser.parse_args()
    prompts = [
        f"Once upon a time there was a {WORDS[n % 10]} and a {WORDS[n // 10 % 10]}, {n}" for n in range(asked.prompts)
    ]
    lines = "".join(json.dumps({"id": n, "command": "next", "prompt": one}) + "\n" for n, one in enumerate(prompts))
    alone = [spent(["next", prompt, "--json"]) for prompt in prompts[: asked.starts]]
    together = spent(["ask"], lines)
    found = [json.loads(line) for line in together.printed.splitlines()]
    assert [one["id"] for one in found] == list(range(asked.prompts))
    for one, answer in zip(alone, found, strict=False):
        assert [row["id"] for row in json.loads(one.printed)["candidates"]] == [
            row["id"] for row in answer["candidates"]
        ]
    for what in ("seconds", "cpu"):
        start = statistics.median(getattr(one, what) for one in alone)
        warm: float = getattr(together, what)
        cold = start * asked.prompts
        print(f"{what}: one start {start:.2f}, {asked.prompts:,} starts {cold:,.0f}")
        print(f"{what}: ask {warm:.1f}, {warm / asked.prompts * 1000:.1f} ms a prompt; ratio {cold / warm:.0f}")


if __name__ == "__main__":
    main()
