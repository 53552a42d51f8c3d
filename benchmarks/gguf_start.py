"""Where the start of a GGUF file goes, and what memory it takes: `python benchmarks/gguf_start.py FILE [--dtype auto]`.

Milliseconds of all processors together, which a busy machine changes least; the import of the libraries comes before.
*Unpacking* is the loader of transformers, which asks for one weight after the other. Memory is of the process, in MB.
"""

import argparse
import asyncio
import time
from pathlib import Path

import psutil

from explorer.engine.base import Progress
from explorer.engine.compute.local import TransformersEngine
from explorer.engine.description import ModelSettings
from explorer.engine.files.provenance import checksum
from explorer.engine.gguf.config import config_of
from explorer.engine.gguf.header import read_header


def spent(since: float) -> float:
    return (time.process_time() - since) * 1000


async def start(file: Path, dtype: str) -> None:
    process = psutil.Process()
    before, began = process.memory_info().rss, time.process_time()
    stages: list[tuple[str, float]] = []

    def report(progress: Progress) -> None:
        if not stages or stages[-1][0] != progress.stage:
            stages.append((progress.stage, spent(began)))

    engine = TransformersEngine(ModelSettings(model=str(file), name=file.name, dtype=dtype, device="cpu"))
    await engine.start(report)
    ends = [at for _, at in stages[1:]] + [spent(began)]
    structure = await engine.structure()
    for (stage, at), end in zip(stages, ends, strict=True):
        print(f"{stage}: {end - at:.0f} ms")
    print(f"before that: {stages[0][1]:.0f} ms · whole start: {spent(began):.0f} ms")
    after = process.memory_full_info()
    print(
        f"weights {structure.memory / 1e6:.0f} MB · private memory after the start "
        f"{(after.uss - before) / 1e6:.0f} MB more than before"
    )
    await engine.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--dtype", default="auto")
    said = parser.parse_args()
    began = time.process_time()
    header = read_header(said.file)
    print(f"header: {spent(began):.0f} ms")
    began = time.process_time()
    config_of(header)
    print(f"config: {spent(began):.1f} ms")
    began = time.process_time()
    checksum(said.file)
    print(f"checksum, in a thread beside the rest: {spent(began):.0f} ms; nothing the second time")
    asyncio.run(start(said.file, said.dtype))


if __name__ == "__main__":
    main()
