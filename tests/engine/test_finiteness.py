import copy
import math

import pytest
import torch

from explorer.core.query import Query
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.engine.compute.finiteness import check_rows, explained, sound
from explorer.engine.compute.forward.recompute import NoCache
from explorer.engine.compute.local import TransformersEngine
from explorer.engine.description import ModelSettings
from explorer.errors import ExitCode, NotFinite

BAD = 90
"""The token after which, and after all that follow it, the logits of `Broken` are bad."""
FINE = [1, 70, 80]
GREEDY, ONE = SamplingParams(temperature=0), SamplingParams(seed=1)


class Broken(NoCache):
    """A model whose logits cannot be used any more once it has read the token BAD."""

    def __init__(self, model, spoil) -> None:
        super().__init__(model)
        self._spoil = spoil

    def logits(self, ids, *arguments):
        return self._spoiled(super().logits(ids, *arguments)[None], [BAD in ids])[0]

    def rows(self, ids, begin=0, cancelled=lambda: False, *, as_prefixes=False):
        for part in super().rows(ids, begin, cancelled, as_prefixes=as_prefixes):
            yield self._spoiled(part, [BAD in ids[: begin + n + 1] for n in range(len(part))])
            begin += len(part)

    def _spoiled(self, rows, bad):
        rows = rows.clone()
        for row, broken in zip(rows, bad, strict=True):
            if broken:
                self._spoil(row)
        return rows


KINDS = {
    "NaN": (lambda row: row[7:9].fill_(math.nan), r"not finite \(NaN\) after the first"),
    "infinity": (lambda row: row[7:9].fill_(math.inf), r"not finite \(infinity\) after the first"),
    "nothing": (lambda row: row.fill_(-math.inf), "gives no token any probability: every logit is minus infinity"),
}


@pytest.fixture(params=KINDS)
async def broken(request, tiny_folder):
    spoil, sentence = KINDS[request.param]
    settings = ModelSettings(model=str(tiny_folder("llama")), name="tiny", device="cpu")
    engine = TransformersEngine(settings, forward=lambda model: Broken(model, spoil))
    await engine.start()
    yield engine, sentence
    await engine.close()


async def everything(stream) -> list:
    return [one async for part in stream for one in (part if isinstance(part, list) else [part])]


@pytest.mark.parametrize("params", [GREEDY, ONE])
async def test_logits_that_say_nothing_are_refused_in_words_by_every_call(broken, params):
    engine, sentence = broken
    ids = [*FINE, BAD]
    rules = StopRules(max_new_tokens=2)
    asked = [
        engine.next(ids, params, 3),
        everything(engine.generate(ids, params, draws=0, max_new_tokens=2, top=3)),
        everything(engine.sample([ids], params, stop=rules)),
        everything(engine.sample([FINE, ids], ONE, num_sequences=2, stop=rules)),
        everything(engine.score([*ids, 70], 2)),
        everything(engine.score([*ids, 70], 2, len(ids))),
        engine.compare(FINE, [[70, 80], [BAD, 80], [70]]),
        engine.search(ids, Query("text", "e"), params, 3),
        engine.logprobs(ids),
    ]
    for question in asked:
        with pytest.raises(NotFinite, match=sentence) as caught:
            await question
        assert "4 tokens" in str(caught.value)
        assert caught.value.exit_code == ExitCode.ENGINE
    assert (await engine.next(FINE, params, 3)).entropy is not None


async def test_what_stands_before_the_first_bad_logits_of_a_text_is_scored_as_ever(broken):
    engine, sentence = broken
    whole = await everything(engine.score([*FINE, 60, BAD], 2))
    parts = engine.score([*FINE, 60, BAD, 70, 80], 2)
    scored = [one for _ in range(2) for one in await anext(parts)]
    with pytest.raises(NotFinite, match=sentence):
        await anext(parts)
    assert scored == whole
    assert None not in [one.logprob for one in whole[1:]]


async def test_no_row_that_says_nothing_is_kept(broken):
    engine, _ = broken
    for text in ([*FINE, BAD], [*FINE, BAD, 70]):
        with pytest.raises(NotFinite):
            await everything(engine.score([*text, 80], 0))
        assert engine.prefixes.rows.get(text) is None


def test_a_masked_head_is_no_fault():
    rows = torch.zeros(3, 8)
    rows[:, 2:7] = -math.inf
    assert sound(rows) == 3
    rows[1, 0] = math.nan
    assert sound(rows) == 1
    with pytest.raises(NotFinite, match=r"NaN\) after the first 6 tokens"):
        check_rows(rows, 5)


@pytest.mark.parametrize(
    ("dtype", "weight", "said"),
    [
        ("float16", 0.0, "try --dtype bfloat16 or --dtype float32"),
        ("float16", math.inf, "try --dtype bfloat16 or --dtype float32"),
        ("float16", math.nan, "model.norm.weight: its files are damaged"),
        ("bfloat16", 0.0, "try --dtype float32"),
        ("float32", 0.0, "Try another prompt"),
        ("float32", math.inf, "model.norm.weight: its files are damaged"),
    ],
)
def test_what_can_be_done_is_said(tiny_model, dtype, weight, said):
    model = copy.deepcopy(tiny_model("llama")).to(getattr(torch, dtype))
    with torch.no_grad():
        model.model.norm.weight[3] = weight
    with pytest.raises(NotFinite, match=said), explained(model):
        raise NotFinite("The logits are bad.")
