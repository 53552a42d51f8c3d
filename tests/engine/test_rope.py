import random

import pytest
import torch
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.core.token import Token
from explorer.engine.compute.comparison import Comparison
from explorer.engine.compute.forward import cache, passes
from explorer.engine.compute.forward.cache import PrefixCache, forward_for
from explorer.engine.compute.forward.forward import Cancelled
from explorer.engine.compute.forward.recompute import NoCache
from explorer.engine.compute.forward.rope import FIXED, Rope, rope_of
from explorer.engine.compute.scoring import Scoring
from explorer.engine.compute.sequences import Sequences
from explorer.engine.compute.tables.rows import RowStore
from tests.engine.architectures import build
from tests.engine.matrix import CHUNK, TOLERANCE, difference, walk
from tests.engine.ropes import LIMIT, OF_LENGTH, PARAMETERS, scaled, text_of

CHANGING = [
    ("llama", "longrope"),
    ("llama", "dynamic"),
    ("phi3", "longrope"),
    ("phimoe", "longrope"),
    ("gemma3_text", "longrope"),
    ("gemma3_text", "dynamic"),
    ("falcon", "dynamic"),
    ("falcon_h1", "longrope"),
    ("falcon_h1", "dynamic"),
    ("minimax", "dynamic"),
    ("gemma3", "dynamic"),
]
"""Cropped and copied states, one token at a time, a rope for each type of layers, a text part."""
SOME = [("llama", "longrope"), ("llama", "dynamic"), ("phi3", "longrope"), ("falcon_h1", "longrope")]


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch):
    monkeypatch.setattr(cache, "CHUNK", CHUNK)
    monkeypatch.setattr(passes, "PART", 8)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@torch.inference_mode()
def of_the_model(model, ids) -> torch.Tensor:
    """The rows [n, V] of a plain call, of a model that has met no longer text; a short one lets it forget this one."""
    rows = model(torch.tensor([ids])).logits[0]
    model(torch.tensor([ids[:1]]))
    return rows


def token(token_id) -> Token:
    return Token.from_bytes(token_id, bytes([token_id % 256]))


def sampled(forward, prompts, count=1, more=12, temperature=0.0) -> list[list[int]]:
    def row(ids, cancelled):
        return forward.logits(ids, cancelled).clone()

    params, stop = SamplingParams(temperature=temperature, seed=3), StopRules(max_new_tokens=more)
    source = Sequences(forward, row, token, prompts, params, count, stop, [], None)
    found: dict[int, list[int]] = {}
    while drawn := source.step(lambda: False):
        for one in drawn:
            found.setdefault(one.sequence, []).append(one.candidate.token.id)
    return [found[number] for number in sorted(found)]


def generated(model, ids, more=12) -> list[int]:
    """The tokens of transformers' own greedy loop, which computes every step anew."""
    model.generation_config.eos_token_id = None
    found = model.generate(torch.tensor([ids]), max_new_tokens=more, do_sample=False, use_cache=False)
    of_the_model(model, ids[:1])
    return found[0, len(ids) :].tolist()


def test_every_type_of_the_installed_transformers_is_known():
    assert {*ROPE_INIT_FUNCTIONS, "default"} == PARAMETERS.keys()
    assert {*PARAMETERS} - {*OF_LENGTH} <= {*FIXED}


@pytest.mark.parametrize("rope", PARAMETERS)
def test_a_walk_over_the_limit_equals_its_recompute(rope):
    model = scaled("llama", rope)
    fast, oracle = PrefixCache(model), NoCache(model)
    ids = text_of(LIMIT + 6)
    for length in [*range(LIMIT - 3, LIMIT + 4), *range(LIMIT + 3, LIMIT - 3, -1)]:
        assert difference(fast.logits(ids[:length]), oracle.logits(ids[:length])) < TOLERANCE
        assert difference(oracle.logits(ids[:length]), of_the_model(model, ids[:length])[-1]) < TOLERANCE
    for ids in walk(random.Random(rope), 40):
        assert difference(fast.logits(ids), oracle.logits(ids)) < TOLERANCE


@pytest.mark.parametrize(("kind", "rope"), CHANGING)
def test_every_kind_of_state_follows_the_factors(kind, rope, capsys):
    model = scaled(kind, rope)
    fast, oracle = forward_for(model), NoCache(model)
    capsys.readouterr()
    for ids in walk(random.Random(kind + rope), 40):
        assert difference(fast.logits(ids), oracle.logits(ids)) < TOLERANCE
    assert not capsys.readouterr().err
    ids = text_of(2 * LIMIT)
    for length in (2 * LIMIT, LIMIT, LIMIT + 1, LIMIT - 1):
        assert difference(fast.logits(ids[:length]), of_the_model(model, ids[:length])[-1]) < TOLERANCE


@pytest.mark.parametrize("rope", OF_LENGTH)
@pytest.mark.parametrize("only", ["full_attention", "sliding_attention"])
def test_layers_of_one_type_may_change_alone(only, rope):
    model = scaled("gemma3_text", rope, only)
    fast, oracle = forward_for(model), NoCache(model)
    assert fast.rope != Rope()
    for ids in walk(random.Random(only), 24):
        assert difference(fast.logits(ids), oracle.logits(ids)) < TOLERANCE


@pytest.mark.parametrize("rope", OF_LENGTH)
def test_the_factors_do_matter(rope):
    model, ids = scaled("llama", rope), text_of(LIMIT + 5)
    rows = of_the_model(model, ids)
    for length in (LIMIT - 10, LIMIT):
        assert difference(rows[length - 1], of_the_model(model, ids[:length])[-1]) > 100 * TOLERANCE


def test_a_short_text_does_not_depend_on_a_longer_one_before():
    model, ids = scaled("llama", "dynamic"), text_of(3 * LIMIT)
    expected = {length: of_the_model(model, ids[:length])[-1] for length in (LIMIT - 1, LIMIT, LIMIT + 1, 2 * LIMIT)}
    for forward in (NoCache(model), PrefixCache(model)):
        for length, row in expected.items():
            forward.logits(ids)
            assert difference(forward.logits(ids[:length]), row) < TOLERANCE


@pytest.mark.parametrize(("kind", "rope"), SOME)
def test_a_whole_text_is_scored_as_in_one_pass(kind, rope):
    model, ids = scaled(kind, rope), text_of(LIMIT + 20)
    fast, oracle = forward_for(model), NoCache(model)
    for length in (LIMIT, LIMIT + 1, LIMIT + 20):
        whole = of_the_model(model, ids[:length])
        for forward in (fast, oracle):
            assert difference(torch.cat(list(forward.rows(ids[:length]))), whole) < TOLERANCE
            assert difference(torch.cat(list(forward.rows(ids[:length], 11))), whole[11:]) < TOLERANCE


@pytest.mark.parametrize(("kind", "rope"), SOME)
def test_what_is_added_to_a_walk_has_the_numbers_of_its_tables(kind, rope):
    model, ids = scaled(kind, rope), text_of(LIMIT + 9)
    begin = LIMIT - 8
    alone = torch.stack([of_the_model(model, ids[:length])[-1] for length in range(begin + 1, len(ids) + 1)])
    for forward in (forward_for(model), NoCache(model)):
        parts = []
        for part in forward.rows(ids, begin, as_prefixes=True):
            parts.append(part.clone())
            forward.logits([9, 8, 7])  # Another prefix in between changes nothing.
        assert difference(torch.cat(parts), alone) < TOLERANCE


@pytest.mark.parametrize("rope", OF_LENGTH)
def test_a_score_keeps_no_row_that_its_prefix_would_not_have(rope):
    model, ids = scaled("llama", rope), text_of(LIMIT + 9)
    forward, store = forward_for(model), RowStore()
    scoring = Scoring(forward, store, lambda ids, _: forward.logits(ids), token, ids, 0, 0)
    while not scoring.ended:
        scoring.part(lambda: False)
    kept = {length: row for length in range(1, len(ids) + 1) if (row := store.get(ids[:length])) is not None}
    assert len(ids) in kept
    assert LIMIT not in kept
    for length, row in kept.items():
        assert difference(row.logits, of_the_model(model, ids[:length])[-1]) < TOLERANCE


@pytest.mark.parametrize(("kind", "rope"), CHANGING)
def test_greedy_sampling_over_the_limit_is_that_of_the_model(kind, rope):
    model, prompt = scaled(kind, rope), text_of(LIMIT - 5)
    assert sampled(forward_for(model), [prompt]) == [generated(model, prompt)]
    if kind.startswith("phi"):
        # There transformers lets its cache go at the limit.
        found = model.generate(torch.tensor([prompt]), max_new_tokens=12, do_sample=False)
        assert found[0, len(prompt) :].tolist() == generated(model, prompt)


@pytest.mark.parametrize(("kind", "rope"), SOME)
def test_sequences_side_by_side_over_the_limit_are_those_drawn_alone(kind, rope):
    model, prompt = scaled(kind, rope), text_of(LIMIT - 5)
    forward, oracle = forward_for(model), NoCache(model)
    unsure = 2 * float(oracle.logits(prompt).std())
    together, alone = (sampled(one, [prompt], 3, temperature=unsure) for one in (forward, oracle))
    assert together == alone
    assert len({tuple(ids) for ids in together}) > 1


@pytest.mark.parametrize(("kind", "rope"), SOME)
@pytest.mark.parametrize(
    "lengths", [(LIMIT - 3, 5, LIMIT - 20), (LIMIT + 4, LIMIT - 2), (LIMIT - 3, LIMIT - 3), (4, 9)]
)
def test_a_batch_of_prompts_over_the_limit_is_each_prompt_alone(kind, rope, lengths):
    model = scaled(kind, rope)
    prompts = [text_of(length, seed) for seed, length in enumerate(lengths)]
    assert sampled(forward_for(model), prompts) == [generated(model, prompt) for prompt in prompts]


def test_prompts_that_stay_below_the_limit_go_side_by_side():
    forward = forward_for(scaled("llama", "longrope"))
    assert forward.pad([text_of(4), text_of(9)], LIMIT - 9) is not None
    assert forward.pad([text_of(4), text_of(9)], LIMIT - 8) is None
    assert forward.pad([text_of(9, 1), text_of(9, 2)], LIMIT) is not None


@pytest.mark.parametrize(("kind", "rope"), SOME)
def test_what_could_come_next_over_the_limit_is_compared_by_tables(kind, rope):
    model, prefix = scaled(kind, rope), text_of(LIMIT - 3)
    forward, oracle = forward_for(model), NoCache(model)
    texts = [text_of(8, 5), text_of(5, 6), text_of(1, 7), text_of(8, 8)]
    found = Comparison(forward, prefix, forward.logits(prefix).clone(), token, lambda: False).scored(texts)
    for text, scored in zip(texts, found, strict=True):
        for index, one in enumerate(scored):
            row = oracle.logits([*prefix, *text[:index]]).log_softmax(-1)
            assert one.logprob == pytest.approx(float(row[text[index]]), abs=1e-3)


@pytest.mark.parametrize("rope", OF_LENGTH)
@torch.inference_mode()
def test_a_cancelled_way_over_the_limit_leaves_nothing_wrong(rope):
    model, ids = scaled("llama", rope), text_of(LIMIT + 20)
    fast, oracle = forward_for(model), NoCache(model)

    def cancels() -> bool:
        return True

    fast.logits(ids)
    with pytest.raises(Cancelled):
        fast.logits([*ids[: LIMIT + 4], 9, 9], cancels)
    for length in (LIMIT + 4, LIMIT - 1):
        batch = fast.fork(ids[:length], 2)
        assert batch is not None
        rows = batch.extend([5, 6])
        for row, last in zip(rows, (5, 6), strict=True):
            assert difference(row, oracle.logits([*ids[:length], last])) < TOLERANCE


def test_16_bits_over_the_limit_are_as_near_as_below():
    model = scaled("llama", "longrope").to(torch.bfloat16)
    try:
        fast, oracle, ids = forward_for(model), NoCache(model), text_of(LIMIT + 9)
        for length in range(LIMIT - 6, LIMIT + 9):
            assert difference(fast.logits(ids[:length]), oracle.logits(ids[:length])) < 0.05
    finally:
        model.float()


def test_long_factors_are_computed_once_and_a_step_beyond_costs_one_position():
    fast, ids = forward_for(scaled("llama", "longrope")), text_of(LIMIT + 9)
    seen = []
    fast.logits(ids, progress=lambda done, total: seen.append(done))
    assert seen == [LIMIT + 1, LIMIT + 8, LIMIT + 9]
    fast.logits([*ids, 5])
    fast.logits([*ids[:-1], 6])
    assert fast.forward_tokens == len(ids) + 2


def test_another_last_token_has_the_factors_of_the_one_before():
    fast, ids = forward_for(scaled("llama", "dynamic")), text_of(LIMIT + 9)
    fast.logits(ids)
    fast.logits([*ids[:-1], 6])
    assert fast.forward_tokens == len(ids) + 1
    fast.logits([*ids, 7])
    assert fast.forward_tokens == 2 * len(ids) + 2


def test_what_it_costs_is_told():
    [note] = forward_for(scaled("llama", "dynamic")).capabilities.notes
    assert f"beyond {LIMIT} tokens" in note
    assert forward_for(build("llama")).capabilities.notes == ()


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"rope_type": "longrope", "original_max_position_embeddings": 32}, Rope((32,))),
        ({"type": "su", "original_max_position_embeddings": 32}, Rope((32,))),
        ({"rope_type": "longrope"}, Rope((64,))),
        ({"rope_type": "dynamic", "factor": 2.0}, Rope((), 64)),
        ({"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 32}, Rope()),
        ({"full_attention": {"rope_type": "dynamic"}, "sliding_attention": {"rope_type": "default"}}, Rope((), 64)),
        (
            {
                "full_attention": {"rope_type": "longrope", "original_max_position_embeddings": 32},
                "sliding_attention": {"rope_type": "longrope", "original_max_position_embeddings": 16},
            },
            Rope((16, 32)),
        ),
        (None, Rope()),
        ({}, Rope()),
    ],
)
def test_the_limits_are_those_of_the_config(parameters, expected):
    class Config:
        max_position_embeddings = 64
        rope_parameters = parameters

        def get_text_config(self, decoder):
            return self

    assert rope_of(Config()) == expected


def test_lengths_are_cut_where_their_factors_change():
    rope = Rope((4, 8), 10)
    assert list(rope.ends(2, 13)) == [4, 8, 10, 11, 12, 13]
    assert list(rope.ends(4, 7)) == [7]
    assert list(Rope().ends(2, 13)) == [13]
    assert list(rope.ends(5, 5)) == []
    assert [rope.earliest(length) for length in (4, 5, 8, 9, 10, 11)] == [0, 5, 5, 9, 9, 11]
