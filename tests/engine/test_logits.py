import math
import random

import pytest
import torch
from transformers import GenerationConfig, LogitsProcessorList

from explorer.core.sampling import SamplingParams
from explorer.core.token import Token
from explorer.engine.logits import distribution, greedy, rank_of, ranked, sampling_scores

V = 200
NAMES = {"TemperatureLogitsWarper": "temperature", "TopKLogitsWarper": "top_k", "TopPLogitsWarper": "top_p"}
IDS = [5, 6]


def word(token_id: int) -> Token:
    return Token.from_bytes(token_id, str(token_id).encode())


def table(row: torch.Tensor, params: SamplingParams | None = None, top: int = V, include: tuple = ()):
    return distribution(row, IDS, params or SamplingParams(), top, include, word)


def random_row(rng: random.Random, size: int = V) -> torch.Tensor:
    generator = torch.Generator().manual_seed(rng.randrange(10**9))
    row = torch.randn(size, generator=generator) * rng.choice([0.1, 1, 5, 30])
    if rng.random() < 0.4:  # Rounded as bfloat16 does it: many ties.
        row = row.bfloat16()
    if rng.random() < 0.2:
        row[torch.randint(size, (20,), generator=generator)] = -math.inf
    return row


def random_params(rng: random.Random) -> SamplingParams:
    return SamplingParams(
        temperature=rng.choice([1.0, 0.05, 0.5, 0.7, 1.3, 5.0, rng.uniform(0.01, 3)]),
        top_p=rng.choice([1.0, 1.0, 0.05, 0.5, 0.9, rng.uniform(0.01, 1)]),
        top_k=rng.choice([0, 0, 1, 5, 40, 500, rng.randrange(1, 200)]),
    )


def reference_chain(model, params: SamplingParams) -> LogitsProcessorList:
    """What `generate()` builds for these settings."""
    asked = GenerationConfig(do_sample=True, temperature=params.temperature, top_p=params.top_p, top_k=params.top_k)
    asked.min_p = asked.typical_p = None
    return model._get_logits_processor(asked, input_ids_seq_length=2, logits_processor=LogitsProcessorList())


def test_probabilities_and_entropy_are_those_of_the_plain_formulas():
    rng = random.Random(0)
    for _ in range(100):
        row = random_row(rng)
        seen = table(row, top=rng.randrange(1, V + 1), include=tuple(rng.sample(range(V), 3)))
        probs = row.double().softmax(-1)
        logs = row.double().log_softmax(-1)
        shown = [c.token.id for c in seen.candidates]
        assert [c.prob for c in seen.candidates] == pytest.approx(probs[shown].tolist(), rel=1e-4, abs=1e-9)
        for c in seen.candidates:
            assert c.logit == (row[c.token.id].item() if row[c.token.id].isfinite() else None)
            expected = logs[c.token.id].item()
            assert c.logprob == (pytest.approx(expected, abs=1e-4) if math.isfinite(expected) else None)
        entropy = sum(-p * math.log2(p) for p in probs.tolist() if p > 0)
        assert seen.entropy == pytest.approx(entropy, abs=1e-4)
        assert seen.other_prob == pytest.approx(1 - probs[shown].sum().item(), abs=1e-5)
        assert seen.vocab_size == V


def test_ranks_count_higher_logits_and_equal_ones_with_a_smaller_id():
    rng = random.Random(1)
    for _ in range(100):
        row = random_row(rng)
        expected = sorted(range(V), key=lambda i: (-row[i].item(), i))
        seen = table(row, top=rng.randrange(1, V + 1), include=tuple(rng.sample(range(V), 4)))
        assert [c.token.id for c in seen.candidates] == [expected[c.rank - 1] for c in seen.candidates]
        ranks = [c.rank for c in seen.candidates]
        assert ranks == sorted(set(ranks))
        token_id = rng.randrange(V)
        assert rank_of(row.float(), token_id) == expected.index(token_id) + 1
        assert greedy(row) == expected[0]


def test_a_table_holds_the_asked_number_and_the_included_with_their_true_ranks():
    row = torch.arange(V, dtype=torch.float32)
    seen = table(row, top=3, include=(0, V - 2, 7, 0))
    assert [(c.rank, c.token.id) for c in seen.candidates] == [
        (1, V - 1),
        (2, V - 2),
        (3, V - 3),
        (V - 7, 7),
        (V, 0),
    ]
    assert ranked(row, 10**6) == [(rank, V - rank) for rank in range(1, V + 1)]
    assert len(table(row, top=0).candidates) == 1


def test_equal_logits_at_the_edge_of_the_table_go_by_id():
    assert ranked(torch.zeros(V), 3, [9]) == [(1, 0), (2, 1), (3, 2), (10, 9)]


def test_sampling_is_what_the_chain_of_generate_leaves(tiny_model):
    model, rng = tiny_model("llama"), random.Random(2)
    history = torch.tensor([IDS])
    for _ in range(300):
        row, params = random_row(rng), random_params(rng)
        impossible = row.isneginf()
        scores, cut = row.float()[None], {}
        for processor in reference_chain(model, params):
            scores = processor(history, scores)
            for i in scores[0].isneginf().nonzero()[:, 0].tolist():
                cut.setdefault(i, NAMES[type(processor).__name__])
        shares = scores.softmax(-1)[0]
        seen = table(row, params)
        assert seen.kept == int(scores.isfinite().sum())
        for c in seen.candidates:
            if impossible[c.token.id]:
                assert (c.sampling_prob, c.cut_by) == (0.0, None)
            else:
                assert (c.sampling_prob, c.cut_by) == (shares[c.token.id].item(), cut.get(c.token.id))
        assert torch.equal(sampling_scores(row, IDS, params), scores)


def test_the_samplers_do_not_change_the_models_own_numbers():
    rng = random.Random(3)
    for _ in range(20):
        row, params = random_row(rng), random_params(rng)
        plain, shaped = table(row), table(row, params)
        assert (plain.entropy, plain.other_prob) == (shaped.entropy, shaped.other_prob)
        own = [[(c.token.id, c.rank, c.logit, c.logprob, c.prob) for c in t.candidates] for t in (plain, shaped)]
        assert own[0] == own[1]


def test_greedy_keeps_one_token_and_temperature_cut_the_others():
    row = torch.tensor([1.0, 3.0, 3.0, 2.0])
    seen = table(row, SamplingParams(temperature=0, top_k=3, top_p=0.5), top=4)
    assert seen.kept == 1
    assert [(c.token.id, c.sampling_prob, c.cut_by) for c in seen.candidates] == [
        (1, 1.0, None),
        (2, 0.0, "temperature"),
        (3, 0.0, "temperature"),
        (0, 0.0, "temperature"),
    ]


@pytest.mark.parametrize("params", [SamplingParams(), SamplingParams(0.5, 0.9, 2), SamplingParams(temperature=0)])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("everywhere", [False, True])
def test_logits_that_are_not_finite_are_absent_and_never_zero(params, bad, everywhere):
    row = torch.full((8,), bad) if everywhere else torch.tensor([0.0, 1.0, bad, 2.0, 0.5, 0.1, 0.2, 0.3])
    seen = table(row, params, top=2, include=(2,))
    bad_one = seen.find(2)
    assert (bad_one.logit, bad_one.logprob) == (None, None)
    assert all(math.isfinite(c.sampling_prob) for c in seen.candidates)
    if bad == -math.inf and not everywhere:
        assert bad_one.prob == 0.0
        assert seen.entropy == pytest.approx(table(row[row.isfinite()]).entropy)
    else:  # Then nothing is known of the whole row.
        assert {c.prob for c in seen.candidates} == {None}
        assert (seen.entropy, seen.other_prob) == (None, None)


def test_greedy_takes_the_first_of_the_ranking_also_beside_a_logit_that_is_no_number():
    row = torch.tensor([0.0, 1.0, math.nan, 2.0])
    seen = table(row, SamplingParams(temperature=0), top=1)
    assert (greedy(row), seen.candidates[0].token.id, seen.candidates[0].sampling_prob) == (3, 3, 1.0)


def test_a_row_in_half_precision_is_computed_in_float32():
    row = (torch.randn(5000, generator=torch.Generator().manual_seed(0)) * 3).bfloat16()
    seen = table(row, top=5000)
    assert sum(c.prob for c in seen.candidates) == pytest.approx(1, abs=1e-5)
    assert {c.logit for c in seen.candidates} == set(row.float().tolist())
