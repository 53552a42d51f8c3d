"""What a record costs: `python benchmarks/record.py [--megabytes 1024]`.

A table appended with and without the disk; a record of that size read and restored (time, and the peak of memory of a
process that does nothing else); and the steps of a replay through 100,000 events.
"""

import argparse
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from explorer.core.distribution import CandidateRow
from explorer.core.record import events, journal
from explorer.core.record.journal import Journal
from explorer.core.record.record import Record
from explorer.core.walk.session import Session
from explorer.core.walk.steps import restore
from explorer.core.walk.timeline import Timeline

HEADER = events.Header(model="m", dtype="float32", device="cpu", tokenizer="0")
ROWS = 20


def table(node: int, chance: random.Random) -> events.Seen:
    """A table as the explorer writes it, with the digits that numbers have."""
    rows = [
        CandidateRow(
            rank=rank,
            id=chance.randrange(150_000),
            text=" token",
            bytes="20746f6b656e",
            logit=chance.random(),
            logprob=chance.random(),
            prob=chance.random(),
            sampling_prob=chance.random(),
            cut_by=None,
        )
        for rank in range(1, ROWS + 1)
    ]
    return events.Seen(
        node=node,
        entropy=chance.random(),
        vocab_size=151_936,
        other_prob=chance.random(),
        kept=151_936,
        candidates=rows,
    )


def walk(path: Path, megabytes: int) -> None:
    """A record of steps, each a token and its table, written without waiting for the disk."""
    chance = random.Random(1)
    journal.write_copy(path, HEADER, [events.Prompt(text="a", ids=[0], bytes=["61"])])
    encode = msgspec.json.Encoder().encode
    with path.open("ab") as file:
        node = 0
        while file.tell() < megabytes << 20:
            add = events.Add(
                parent=node, node=node + 1, id=node, bytes="20746f6b", source="sampled", prob=0.5, draw=node
            )
            node += 1
            file.write(encode(add) + b"\n" + encode(table(node, chance)) + b"\n")


def restored(path: str) -> None:
    """Read and restore; print seconds, events and the peak of memory in MB."""
    began = time.perf_counter()
    record = journal.read(Path(path))
    restore(record, path, Session(record.header))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{time.perf_counter() - began:.1f} {len(record.events)} {peak:.0f}")


def append(folder: Path) -> float:
    """Median of 500 tables, in microseconds."""
    chance, times = random.Random(1), []
    log = Journal.create(folder / "append.jsonl", HEADER)
    for node in range(500):
        seen = table(node, chance)
        began = time.perf_counter()
        log.append(seen)
        times.append((time.perf_counter() - began) * 1e6)
    log.close()
    return statistics.median(times)


def steps() -> tuple[float, float, float]:
    """Seconds to the end of 100,000 events; the median and the longest step back from there, in ms."""
    happened: list[events.AnyEvent] = [
        events.Prompt(text="a", ids=[0], bytes=["61"]),
        *(
            events.Add(parent=node, node=node + 1, id=node, bytes="20746f6b", source="picked", prob=0.5)
            for node in range(100_000 - 1)
        ),
    ]
    line = Timeline(Record(HEADER, happened), "it")
    began = time.perf_counter()
    line.go(len(happened))
    end, times = time.perf_counter() - began, []
    for at in range(len(happened) - 1, len(happened) - 1001, -1):
        began = time.perf_counter()
        line.go(at)
        times.append((time.perf_counter() - began) * 1000)
    return end, statistics.median(times), max(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--restore", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.restore:
        restored(asked.restore)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"append a table: {append(folder):.0f} µs, median of 500")
        path = folder / "large.jsonl"
        walk(path, asked.megabytes)
        command = [sys.executable, __file__, "--restore", str(path)]
        told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
        print(
            f"{asked.megabytes} MB: read and restored in {told[0]} s, {int(told[1]):,} events, {told[2]} MB of memory"
        )
        end, median, longest = steps()
        print(f"100,000 events: {end:.1f} s to the end, a step back {median:.3f} ms, {longest:.1f} ms at most")


if __name__ == "__main__":
    main()
