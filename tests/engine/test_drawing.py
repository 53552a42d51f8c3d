import random

import pytest
import torch

from explorer.core.sampling.knobs import KNOBS
from explorer.core.sampling.params import SamplingParams
from explorer.engine.compute.local import TransformersEngine
from explorer.engine.compute.tables.drawing import STATES_KEPT, Draws
from explorer.engine.description import ModelSettings

SETTINGS = [
    SamplingParams(seed=1),
    SamplingParams(temperature=0.7, seed=2),
    SamplingParams(top_k=40, seed=3),
    SamplingParams(top_p=0.9, seed=4),
    SamplingParams(temperature=1.4, top_p=0.8, top_k=50, seed=2**40),
    SamplingParams(temperature=1.2, min_p=0.02, repetition_penalty=1.3, seed=5),
    SamplingParams(typical_p=0.9, epsilon_cutoff=1e-3, no_repeat_ngram_size=1, seed=6),
    SamplingParams(top_p=0.97, eta_cutoff=2e-3, min_new_tokens=12, logit_bias=((70, 2.5), (45, -3.0)), seed=7),
    SamplingParams(temperature=1.5, top_h=0.8, suppress_tokens=(2, *range(40, 50)), repetition_penalty=0.9, seed=8),
]
GREEDY = [
    SamplingParams(temperature=0, top_k=3, top_p=0.5),
    SamplingParams(
        temperature=0,
        repetition_penalty=1.4,
        no_repeat_ngram_size=2,
        logit_bias=((70, 1.5),),
        suppress_tokens=tuple(range(60, 300, 2)),
        min_new_tokens=10,
    ),
]
KINDS = "llama gpt2 qwen2 qwen3 gemma3_text mistral mamba2 falcon_h1".split()
PROMPT = [1, 70, 80, 90, 100]
COUNT = 30


@pytest.fixture
async def engine(tiny_folder, request):
    settings = ModelSettings(model=str(tiny_folder(request.param)), name=request.param, device="cpu")
    engine = TransformersEngine(settings)
    await engine.start()
    yield engine
    await engine.close()


async def drawn(engine, params: SamplingParams, ids=PROMPT, draws: int = 0, count: int = COUNT) -> list[int]:
    steps = engine.generate(ids, params, draws=draws, max_new_tokens=count, top=1, prompt_length=len(PROMPT))
    return [step.drawn.token.id async for step in steps]


def generated(engine, params: SamplingParams) -> list[int]:
    """What the library draws: its own loop, chain and random numbers."""
    # Each setting is given, because `generate()` has a top-k of its own and a model may have more.
    said = {knob.name: getattr(params, knob.name) for knob in KNOBS if knob.kind in ("number", "count")}
    said["top_h"] = params.top_h or None
    said["sequence_bias"] = [[[token_id], bias] for token_id, bias in params.logit_bias] or None
    said["suppress_tokens"] = list(params.suppress_tokens) or None
    if params.temperature:
        torch.manual_seed(params.seed)
    else:
        said = {name: value for name, value in said.items() if name not in SAMPLING_ONLY}
    prompt = torch.tensor([PROMPT])
    answer = engine.model.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        do_sample=params.temperature != 0,
        max_new_tokens=COUNT,
        eos_token_id=engine.eos_ids,
        pad_token_id=0,
        **said,
    )
    return answer[0, len(PROMPT) :].tolist()


SAMPLING_ONLY = "temperature top_h top_k top_p min_p typical_p epsilon_cutoff eta_cutoff".split()


def test_the_settings_that_are_compared_use_every_one():
    assert {name for params in SETTINGS for name in params.settings} == {knob.name for knob in KNOBS}


@pytest.mark.parametrize("engine", KINDS, indirect=True)
async def test_the_tokens_of_a_seed_are_those_that_the_library_generates(engine):
    lengths = set()
    for params in SETTINGS:
        expected = generated(engine, params)
        lengths.add(len(expected))
        assert (params, await drawn(engine, params)) == (params, expected)
    assert len({tuple(await drawn(engine, params)) for params in SETTINGS}) == len(SETTINGS)
    assert max(lengths) > 5


@pytest.mark.parametrize("engine", KINDS, indirect=True)
async def test_greedy_is_what_the_library_generates_without_sampling(engine):
    found = []
    for params in GREEDY:
        found.append(await drawn(engine, params))
        assert found[-1] == generated(engine, params)
    assert found[0] != found[1]


@pytest.mark.parametrize("engine", ["llama"], indirect=True)
async def test_a_walk_token_by_token_draws_the_same_as_one_call(engine):
    for params in SETTINGS:
        at_once = await drawn(engine, params)
        path = list(PROMPT)
        for index, expected in enumerate(at_once):
            assert await drawn(engine, params, path, index, 1) == [expected]
            path.append(expected)
        middle = len(at_once) // 2
        assert await drawn(engine, params, PROMPT + at_once[:middle], middle, COUNT - middle) == at_once[middle:]


def test_the_draw_at_an_index_is_the_same_in_whatever_order():
    width = 500
    rows = torch.randn(40, 1, width, generator=torch.Generator().manual_seed(0)).softmax(-1)
    asked = [(seed, index) for seed in (1, 2) for index in range(40)]
    plain = Draws(width, torch.device("cpu"))
    expected = {(seed, index): plain.draw(rows[index], seed, index) for seed, index in asked}
    for order in range(3):
        other = Draws(width, torch.device("cpu"))
        shuffled = asked * 2
        random.Random(order).shuffle(shuffled)
        assert {(seed, index): other.draw(rows[index], seed, index) for seed, index in shuffled} == expected
    assert [expected[1, index] for index in range(40)] != [expected[2, index] for index in range(40)]


def test_a_draw_whose_state_was_forgotten_is_the_same():
    width = 50
    row = torch.full((1, width), 1 / width)
    draws = Draws(width, torch.device("cpu"))
    first = [draws.draw(row, 9, index) for index in range(5)]
    for seed in range(100, 100 + STATES_KEPT):
        draws.draw(row, seed, 0)
    assert [draws.draw(row, 9, index) for index in range(5)] == first


def test_draws_follow_the_probabilities():
    draws = Draws(3, torch.device("cpu"))
    probs = torch.tensor([[0.7, 0.3, 0.0]])
    counts = torch.bincount(torch.tensor([draws.draw(probs, 0, index) for index in range(2000)]), minlength=3)
    assert counts[2] == 0
    assert abs(counts[0].item() / 2000 - 0.7) < 0.04
