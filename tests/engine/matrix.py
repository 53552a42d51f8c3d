"""The matrix of architectures: `python -m tests.engine.matrix [TYPE ...] > docs/models.md`.

A random walk on a tiny random model of each type: add, paste, back, branch, edit in the middle. After every step the
logits of PrefixCache are compared with those of NoCache, which recomputes the prefix.
"""

import contextlib
import dataclasses
import io
import random
import sys
import time
import warnings
from collections.abc import Iterator

import torch
import transformers

from explorer.engine.capabilities import Capabilities
from explorer.engine.compute.forward import cache
from explorer.engine.compute.forward.cache import forward_for
from explorer.engine.compute.forward.recompute import NoCache
from tests.engine import architectures, multimodal
from tests.engine.architectures import ARCHITECTURES, V

CHUNK = 7
"""Tokens of a pass in the walks, so that passes go on from others."""
STEPS = 40
LONGEST = 90
TOLERANCE = 2e-5
SENSITIVITY = 10 * TOLERANCE
"""What a changed token must change at the least, so that an error would be seen."""


@dataclasses.dataclass(frozen=True)
class Result:
    """What a walk on one model type has shown. Errors are shares of the greatest logit."""

    kind: str
    capabilities: Capabilities
    error: float
    control: float
    """How far a changed token of the prefix moves the logits."""
    positions: float
    """Computed for a step, on average."""
    recomputed: float
    """The same without a cache."""
    log: str
    """What the cache said while walking."""


def difference(left: torch.Tensor, right: torch.Tensor) -> float:
    """The greatest difference of two rows of logits, relative to the greatest logit."""
    return float((left - right).abs().max() / right.abs().max())


def walk(rng: random.Random, steps: int, vocabulary: int = V) -> Iterator[list[int]]:
    """Prefixes as a person comes to them: one token on, back, to another branch, an edit in the middle."""
    ids = [rng.randrange(3, vocabulary) for _ in range(30)]
    been = [ids]
    for _ in range(steps):
        match rng.choice(["add", "add", "add", "paste", "back", "branch", "edit"]):
            case "add":
                ids = [*ids, rng.randrange(3, vocabulary)]
            case "paste":
                ids = ids + [rng.randrange(3, vocabulary) for _ in range(rng.randrange(2, 16))]
            case "back":
                ids = ids[: max(1, len(ids) - rng.choice([1, 1, 3, 10]))]
            case "branch":
                ids = rng.choice(been)
            case "edit":
                place = rng.randrange(len(ids))
                ids = [*ids[:place], rng.randrange(3, vocabulary), *ids[place + 1 :]]
        ids = ids[:LONGEST]
        been.append(ids)
        yield ids


def measure(kind: str, steps: int = STEPS, seed: str = "", device: torch.device | str = "cpu") -> Result:
    """Walk on a tiny model of a type, in passes of cache.CHUNK tokens. The model stays on the device."""
    model = (multimodal if kind in multimodal.TYPES else architectures).build(kind).to(device)
    oracle = NoCache(model)
    ids = list(range(3, 33))
    moved = difference(oracle.logits([*ids[:24], 99, *ids[25:]]), oracle.logits(ids))
    with contextlib.redirect_stderr(io.StringIO()) as log:
        fast, oracle = forward_for(model), NoCache(model)
        began = log.tell()
        errors = [difference(fast.logits(ids), oracle.logits(ids)) for ids in walk(random.Random(kind + seed), steps)]
    return Result(
        kind,
        fast.capabilities,
        max(errors),
        moved,
        fast.forward_tokens / steps,
        oracle.forward_tokens / steps,
        log.getvalue()[began:],
    )


HEAD = """# Models

What the explorer does on each decoder architecture of transformers {transformers}, measured with torch {torch} on a CPU
in float32. Written by `make models`; do not edit.

Of each model type a tiny random model is built, with windows and chunks of 8 positions, and walked on for {steps}
steps: add a token, paste several, go back, go to another branch, edit in the middle; prefixes of up to {longest}
tokens, in passes of {chunk}. After every step the logits are compared with those of the whole prefix computed anew.

- **cache**: `plain`, keys and values of every position in every layer; `typed`, each layer keeps what its type needs,
  also recurrent and convolution states; `own`, an object that the model makes; `none`, the model keeps nothing that can
  be gone on from.
- **on**: `chunks`, several tokens can follow at once; `single tokens`, one at a time, or the prefix anew where that
  is less work; `anew`, every step computes the prefix.
- **back**: `crop`, positions are dropped from the end; `snapshot`, the nearest copy of the state is put back, keys and
  values are cropped to it and the gap is computed again; `recompute`.
- **error**: the worst difference from the recompute, relative to the greatest logit. {tolerance:.0e} is allowed.
- **control**: how far the logits move, by the same measure, when one token six positions before the end is another.
- **positions**: computed for a step of the walk on average, and in brackets those of a recompute. A walk pastes and
  edits more than a person does: a single step costs one position wherever "on" does not say `anew`.

Two kinds of scaled rotary embeddings give every position other factors where a text grows longer: `longrope` beyond
`original_max_position_embeddings` (Phi-3, Phi-3.5, Phi-4-mini, Phi-3.5-MoE, MiniCPM), and `dynamic` at each length
beyond `max_position_embeddings`. A state with the factors of another length is not gone on from: where a text crosses
the limit of longrope, back or forth, it is computed anew, and then costs one position a step again; beyond the limit of
dynamic every step computes the whole text. So each prefix has the numbers of one call of the model over it, whatever
was computed before, and sampling gives the tokens of `generate(use_cache=False)`. (With its cache, `generate()`
computes anew for the Phi families alone; elsewhere its keys keep the factors that they were made with.)
`make test-all` walks over such a limit on every type that takes these parameters.

{count} model types, and the text parts of {parts} that also see or hear; the worst error is {worst:.1e}.
"""

PARTS = """
## Text parts of models that also see or hear

Of these {count} types transformers has a head that writes a text, and none that leaves the other senses out. They are
opened whole, and given a text alone: what sees or hears is loaded and stays idle, so that it takes memory and no time.
In fast_vlm and perception_lm, whose own towers need timm and pillow, a tower of another kind was idle here.
"""


def document(results: list[Result], failures: dict[str, str]) -> Iterator[str]:
    """The lines of docs/models.md."""
    parts = [result for result in results if result.kind in multimodal.TYPES]
    results = [result for result in results if result.kind not in multimodal.TYPES]
    yield HEAD.format(
        transformers=transformers.__version__,
        torch=torch.__version__.partition("+")[0],
        steps=STEPS,
        longest=LONGEST,
        chunk=CHUNK,
        tolerance=TOLERANCE,
        count=len(results),
        parts=len(parts),
        worst=max((result.error for result in (*results, *parts)), default=0.0),
    )
    yield from _table(results)
    yield PARTS.format(count=len(parts))
    yield from _table(parts)
    results += parts
    notes = [(result.kind, note) for result in results for note in result.capabilities.notes]
    said = [(result.kind, line.removeprefix("cache: ")) for result in results for line in result.log.splitlines()]
    if notes or said:
        yield "\n## Notes\n"
        yield from (f"- {kind}: {line}." for kind, line in sorted({*notes, *said}))
    yield "\n## Not measured\n"
    yield "The other types of transformers' lists of causal and of multimodal language models, and why.\n"
    reasons: dict[str, list[str]] = {}
    for kind, reason in (multimodal.NOT_BUILT | architectures.NOT_BUILT | failures).items():
        reasons.setdefault(reason, []).append(kind)
    yield from (f"- {', '.join(kinds)}: {reason}." for reason, kinds in reasons.items())


def _table(results: list[Result]) -> Iterator[str]:
    yield "| architecture | cache | on | back | error | control | positions |"
    yield "|---|---|---|---|---|---|---|"
    for result in results:
        able = result.capabilities
        on = "anew" if not able.incremental else "chunks" if able.chunk else "single tokens"
        mark = "" if result.error <= TOLERANCE < SENSITIVITY <= result.control else " (!)"
        yield (
            f"| {result.kind} | {able.kind} | {on} | {able.crop} | {result.error:.0e}{mark} | {result.control:.0e} "
            f"| {result.positions:.1f} ({result.recomputed:.1f}) |"
        )


def main() -> None:
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    cache.CHUNK = CHUNK
    results: list[Result] = []
    failures: dict[str, str] = {}
    for kind in sys.argv[1:] or (*ARCHITECTURES, *sorted(multimodal.TYPES)):
        began = time.perf_counter()
        try:
            results.append(measure(kind))
        except Exception as error:  # A model type that fails is a line of the document.
            failures[kind] = f"{type(error).__name__}: {str(error).splitlines()[0][:120]}"
        architectures.build.cache_clear()
        said = f"error {results[-1].error:.1e}" if kind not in failures else failures[kind]
        print(f"{kind}: {said}, {time.perf_counter() - began:.1f} s", file=sys.stderr)
    print("\n".join(document(results, failures)))


if __name__ == "__main__":
    main()
