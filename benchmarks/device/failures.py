"""What a person reads when the device has no memory left, or is lost."""

import asyncio
import time
from collections.abc import Awaitable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

import torch

from benchmarks.device.place import Place, gathered
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.engine.limits import Limits

PLAIN = SamplingParams()
LEFT = 250 << 20
"""Bytes of the device that are left free."""
LONG = 30_000
"""Tokens that do not fit into them."""
NO_SUCH_ID = 10**8


async def answer(call: Awaitable[object]) -> str:
    """What a call says: that it went well, or its error."""
    try:
        await call
    except Exception as error:  # Whatever it is, it is what the person would read.
        return f"{type(error).__name__}: {str(error)[:300]}"
    return "ok"


async def oom(place: Place) -> None:
    """Memory that really runs out: what is said, and whether it goes on."""
    engine = await place.engine(place.model_folder(place.shapes[0]))
    text = place.ids(LONG, engine.info.vocab_size, seed=2)
    await engine.next(text[:32], PLAIN, 20)
    ballast = torch.empty(torch.cuda.mem_get_info(place.device)[0] - LEFT, dtype=torch.uint8, device=place.device)
    stop = StopRules(max_new_tokens=8)
    sequences = engine.sample([text[:1500]], SamplingParams(seed=1), num_sequences=32, stop=stop)
    calls: list[tuple[str, Awaitable[object]]] = [
        (f"{LONG:,} tokens", engine.next(text, PLAIN, 20)),
        ("32 sequences", gathered(sequences)),
        ("a short text after them", engine.next(text[:40], PLAIN, 20)),
    ]
    for what, call in calls:
        began = time.time()
        place.say("oom", what=what, answer=await answer(call), seconds=time.time() - began)
    del ballast
    place.free()
    place.say("oom", what=f"{LONG:,} tokens with room", answer=await answer(engine.next(text, PLAIN, 20)))
    await engine.close()


def poison(place: Place) -> None:
    """An error of the device that ends all computing in its process, so in a process of its own."""
    place.model_folder(place.shapes[0])
    with ProcessPoolExecutor(1, get_context("spawn")) as other:
        try:
            answers = other.submit(poisoned, place).result()
        except BrokenProcessPool:
            answers = {"the process": "ended"}
    for what, said in answers.items():
        place.say("poison", what=what, answer=said)


def poisoned(place: Place) -> dict[str, str]:
    """What is answered to a token id that the model does not have, and to what is asked afterwards."""

    async def asked() -> dict[str, str]:
        engine = await place.engine(place.model_folder(place.shapes[0]))
        ids = list(range(20, 40))
        await engine.next(ids, PLAIN, 20)
        # The engine's own look at the ids lets it through.
        engine.prefixes.limits = Limits(10 * NO_SUCH_ID, engine.info.context_length)
        return {
            "an id that is not there": await answer(engine.next([*ids, NO_SUCH_ID], PLAIN, 20)),
            "a stored row": await answer(engine.next(ids, PLAIN, 20)),
            "a new row": await answer(engine.next([*ids, 5], PLAIN, 20)),
        }

    return asyncio.run(asked())
