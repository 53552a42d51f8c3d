"""What the explorer does on a GPU: `python benchmarks/gpu.py [SECTION ...] [--device cuda:0] [--work FOLDER]`.

docs/gpu.md tells what each section measures and what to look for. Each one prints its results and adds them to
`results.jsonl` in the folder; one that fails says so, and the next one begins. `--tiny` runs the same code with a small
model, on a CPU too, to see that it runs: its figures mean nothing.
"""

import argparse
import asyncio
import dataclasses
import inspect
import tempfile
import time
import traceback
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path

import torch
import transformers

from benchmarks.device import exactness, failures, machine, programs, speed
from benchmarks.device.place import Place
from benchmarks.device.speed import CONTEXTS


@dataclasses.dataclass(frozen=True)
class Section:
    name: str
    run: Callable[[Place], Awaitable[None] | None]
    cuda: bool = False
    """Whether it means nothing elsewhere."""


SECTIONS = (
    Section("env", machine.env),
    Section("ceilings", machine.ceilings),
    Section("make", machine.make),
    Section("walk", exactness.walk),
    Section("contract", exactness.contract),
    Section("same", exactness.same),
    Section("step", speed.step),
    Section("many", speed.many),
    Section("load", programs.load),
    Section("cli", programs.cli),
    Section("draws", exactness.draws),
    Section("waits", speed.waits, cuda=True),
    Section("profile", speed.profile, cuda=True),
    Section("oom", failures.oom, cuda=True),
    Section("poison", failures.poison, cuda=True),
    Section("compile", speed.compiled, cuda=True),
)


def run(section: Section, place: Place) -> bool:
    """Run one section; whether it went well."""
    if section.cuda and not place.cuda:
        place.say(section.name, skipped="it needs a CUDA device")
        return True
    began = time.time()
    try:
        answer = section.run(place)
        if inspect.iscoroutine(answer):
            asyncio.run(answer)
    except Exception as error:  # The other sections are worth having.
        traceback.print_exc()
        place.say(section.name, failed=f"{type(error).__name__}: {str(error)[:300]}")
        return False
    finally:
        print(f"--- {section.name}: {time.time() - began:.1f} s", flush=True)
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [section.name for section in SECTIONS]
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"default: all; {', '.join(names)}")
    parser.add_argument("--device", default="cuda:0" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--work", type=Path, help="of models and results; default: a temporary folder")
    parser.add_argument("--shapes", default="0.5b,1.5b,8b", help=f"with commas; of {', '.join(CONTEXTS)}")
    parser.add_argument("--seconds", type=float, default=150, help="the most for the walk over all architectures")
    parser.add_argument("--tiny", action="store_true", help="only see whether it runs")
    args = parser.parse_args()
    shapes = ("tiny",) if args.tiny else tuple(args.shapes.split(","))
    unknown = {*args.sections} - {*names} or {*shapes} - {*CONTEXTS}
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    folder = args.work or Path(tempfile.mkdtemp(prefix="gpu-"))
    folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    if args.tiny:
        # So little work is done sooner by one.
        torch.set_num_threads(1)
    place = Place(torch.device(args.device), folder, shapes, args.tiny, args.seconds)
    print(f"Results: {folder / 'results.jsonl'}")
    chosen = [section for section in SECTIONS if section.name in (args.sections or names)]
    failed = [section.name for section in chosen if not run(section, place)]
    if failed:
        raise SystemExit(f"Failed: {', '.join(failed)}.")


if __name__ == "__main__":
    main()
