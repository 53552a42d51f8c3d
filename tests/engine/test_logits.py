import math
import random

import pytest
import torch
from transformers import GenerationConfig, LogitsProcessorList

from explorer.core.asked import Asked
from explorer.core.sampling.params import SamplingParams
from explorer.core.token import Token
from explorer.engine.compute.tables.logits import distribution, greedy, sampling_scores
from explorer.engine.compute.tables.ranking import Row, comparable, highest, rank_of
from explorer.engine.scripted import plain_samplers
from explorer.errors import EngineError

V = 200
NAMES = {
    "SequenceBiasLogitsProcessor": "logit_bias",
    "RepetitionPenaltyLogitsProcessor": "repetition_penalty",
    "NoRepeatNGramLogitsProcessor": "no_repeat_ngram_size",
    "MinNewTokensLengthLogitsProcessor": "min_new_tokens",
    "SuppressTokensLogitsProcessor": "suppress_tokens",
    "TemperatureLogitsWarper": "temperature",
    "TopHLogitsWarper": "top_h",
    "TopKLogitsWarper": "top_k",
    "TopPLogitsWarper": "top_p",
    "MinPLogitsWarper": "min_p",
    "TypicalLogitsWarper": "typical_p",
    "EpsilonLogitsWarper": "epsilon_cutoff",
    "EtaLogitsWarper": "eta_cutoff",
}
IDS = [5, 6, 9, 5, 6, 30, 5]
PROMPT = 2
ENDS = [7, 8]


def word(token_id: int) -> Token:
    return Token.from_bytes(token_id, str(token_id).encode())


def asked(params: SamplingParams, ids: list[int] = IDS) -> Asked:
    return Asked(params, ids, PROMPT, ENDS)


def table(row: torch.Tensor, params: SamplingParams | None = None, top: int = V, include: tuple = ()):
    return distribution(Row(row), asked(params or SamplingParams()), top, include, word)


def random_row(rng: random.Random, size: int = V) -> torch.Tensor:
    generator = torch.Generator().manual_seed(rng.randrange(10**9))
    row = torch.randn(size, generator=generator) * rng.choice([0.1, 1, 5, 30])
    if rng.random() < 0.4:  # Rounded as bfloat16 does it: many ties.
        row = row.bfloat16()
    if rng.random() < 0.2:
        row[torch.randint(size, (20,), generator=generator)] = -math.inf
    return row


def random_params(rng: random.Random, plain: bool = False) -> SamplingParams:
    """Any settings; `plain` ones leave to the others what looks at more than the logits."""
    ids = rng.sample(range(V), 4)
    params = SamplingParams(
        temperature=rng.choice([1.0, 0.05, 0.5, 0.7, 1.3, 5.0, rng.uniform(0.01, 3)]),
        top_p=rng.choice([1.0, 1.0, 0.05, 0.5, 0.9, rng.uniform(0.01, 1)]),
        top_k=rng.choice([0, 0, 1, 5, 40, 500, rng.randrange(1, 200)]),
        min_p=rng.choice([0.0, 0.0, 0.01, 0.3, 1.0]),
    )
    if plain or rng.random() < 0.3:
        return params
    return params.replace(
        typical_p=rng.choice([1.0, 1.0, 0.2, 0.9]),
        epsilon_cutoff=rng.choice([0.0, 0.0, 1e-3, 0.1]),
        eta_cutoff=rng.choice([0.0, 0.0, 1e-3, 0.1]),
        top_h=rng.choice([0.0, 0.0, 0.4, 1.0]),
        repetition_penalty=rng.choice([1.0, 1.0, 1.3, 0.7]),
        no_repeat_ngram_size=rng.choice([0, 0, 1, 2, 9]),
        logit_bias=rng.choice([(), (), ((ids[0], 3.5), (ids[1], -2.0)), ((6, 4.0),)]),
        suppress_tokens=rng.choice([(), (), tuple(ids[2:]), (5,)]),
        min_new_tokens=rng.choice([0, 0, 3, 9]),
    )


def reference_chain(model, params: SamplingParams) -> LogitsProcessorList:
    """What `generate()` builds for these settings."""
    said = {name: value for name, value in params.settings.items() if name not in ("logit_bias", "seed")}
    if params.logit_bias:
        said["sequence_bias"] = [[[token_id], bias] for token_id, bias in params.logit_bias]
    if params.suppress_tokens:
        said["suppress_tokens"] = list(params.suppress_tokens)
    wanted = GenerationConfig(do_sample=params.temperature != 0, **said)
    wanted._eos_token_tensor = torch.tensor(ENDS)
    return model._get_logits_processor(wanted, input_ids_seq_length=PROMPT, device="cpu")


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
    assert highest(row[None], 10**6).tolist() == [list(range(V))[::-1]]
    assert len(table(row, top=0).candidates) == 1


def test_equal_logits_at_the_edge_of_the_table_go_by_id():
    seen = table(torch.zeros(V), top=3, include=(9,))
    assert [(c.rank, c.token.id) for c in seen.candidates] == [(1, 0), (2, 1), (3, 2), (10, 9)]


def test_rows_that_are_put_in_order_together_are_in_the_order_of_each():
    rng = random.Random(7)
    for _ in range(60):
        rows = torch.stack([comparable(random_row(rng).float()) for _ in range(3)] + [torch.zeros(V)])
        expected = [sorted(range(V), key=lambda i: (-row[i], i)) for row in rows.tolist()]
        count = rng.randrange(1, V + 1)
        assert highest(rows, count).tolist() == [order[:count] for order in expected]


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
        kept = scores[0].isfinite()
        assert seen.kept == int(kept.sum())
        assert seen.cut_mass == pytest.approx(row.float().softmax(-1)[~kept].sum().item(), abs=1e-6)
        bits = sum(-p * math.log2(p) for p in shares.tolist() if p > 0)
        assert seen.sampling_entropy == pytest.approx(bits, abs=1e-4)
        for c in seen.candidates:
            if impossible[c.token.id]:
                assert (c.sampling_prob, c.cut_by) == (0.0, None)
            else:
                assert (c.sampling_prob, c.cut_by) == (shares[c.token.id].item(), cut.get(c.token.id))
        assert torch.equal(sampling_scores(row, asked(params)), scores)


def test_greedy_is_the_argmax_of_what_the_chain_of_generate_leaves(tiny_model):
    model, rng = tiny_model("llama"), random.Random(5)
    for _ in range(100):
        row, params = random_row(rng), random_params(rng).replace(temperature=0)
        scores = row.float()[None]
        for processor in reference_chain(model, params):
            scores = processor(torch.tensor([IDS]), scores)
        assert torch.equal(sampling_scores(row, asked(params)), scores)
        best = int(scores[0].argmax())
        seen = table(row, params)
        assert (greedy(scores[0]), seen.kept, seen.sampling_entropy) == (best, 1, 0.0)
        assert [(c.token.id, c.sampling_prob) for c in seen.candidates if c.cut_by is None and c.sampling_prob] == [
            (best, 1.0)
        ]


def test_a_table_is_in_the_order_after_bias_and_penalty_and_tells_both_ranks():
    row = torch.tensor([0.0, 5.0, 4.0, 3.0, 2.0, 1.0, -1.0, -2.0])
    params = SamplingParams(logit_bias=((7, 6.5), (2, -0.5)), repetition_penalty=2.0)
    seen = distribution(Row(row), Asked(params, [1, 6], 2), 3, [1, 6], word)
    # 1 is halved to 2.5, 6 is doubled to -2, 7 rises to 4.5 and 2 falls to 3.5.
    assert [(c.token.id, c.rank, c.adjusted_rank, c.place) for c in seen.candidates] == [
        (7, 8, 1, 1),
        (2, 2, None, 2),
        (3, 3, None, 3),
        (1, 1, 4, 4),
        (6, 7, 8, 8),
    ]
    shares = torch.tensor([0.0, 2.5, 3.5, 3.0, 2.0, 1.0, -2.0, 4.5]).softmax(-1)
    assert [c.sampling_prob for c in seen.candidates] == pytest.approx(shares[[7, 2, 3, 1, 6]].tolist())
    assert seen.cut_mass == 0


def test_a_banned_token_keeps_its_place_and_names_what_banned_it():
    row = torch.tensor([5.0, 4.0, 3.0, 2.0, 1.0])
    params = SamplingParams(suppress_tokens=(0,), no_repeat_ngram_size=1, min_new_tokens=3, top_k=1)
    seen = distribution(Row(row), Asked(params, [1, 3], 1, (2, 0)), 5, (), word)
    assert [(c.token.id, c.adjusted_rank, c.cut_by) for c in seen.candidates] == [
        (0, None, "min_new_tokens"),
        (1, None, "no_repeat_ngram_size"),
        (2, None, "min_new_tokens"),
        (3, None, "no_repeat_ngram_size"),
        (4, None, None),
    ]
    later = distribution(Row(row), Asked(params, [1, 3, 1, 1], 1, (2, 0)), 5, (), word)
    assert [c.cut_by for c in later.candidates[:3]] == ["suppress_tokens", "no_repeat_ngram_size", None]


@pytest.mark.parametrize("temperature", [0.0, 0.5])
def test_where_everything_is_banned_nothing_is_kept_and_its_entropy_is_absent(temperature):
    row = torch.arange(5.0)
    seen = table(row, SamplingParams(temperature, suppress_tokens=tuple(range(5))), top=5)
    assert (seen.kept, seen.sampling_entropy, seen.cut_mass) == (0, None, pytest.approx(1))
    assert {(c.sampling_prob, c.cut_by) for c in seen.candidates} == {(0.0, "suppress_tokens")}


def test_the_plain_samplers_do_what_those_of_the_library_do():
    rng = random.Random(6)
    for number in range(300):
        row = torch.randn(V, generator=torch.Generator().manual_seed(number)) * rng.choice([0.5, 1, 2])
        params = random_params(rng)
        # Not where the rounding of float32 decides: the last mass of a top-h of 1, or probabilities next to nothing.
        params = params.replace(top_h=min(params.top_h, 0.9), temperature=rng.choice([0.0, 0.7, 1.0, 1.3, 2.0]))
        seen = table(row, params)
        plain = plain_samplers.shape(row.tolist(), IDS, params, PROMPT, ENDS)
        shares = plain_samplers.softmax(plain.scores)
        assert [c.token.id for c in seen.candidates] == plain_samplers.order(plain.moved)
        assert {c.token.id: c.cut_by for c in seen.candidates if c.cut_by} == plain.cuts
        assert [c.sampling_prob for c in seen.candidates] == pytest.approx(
            [shares[c.token.id] for c in seen.candidates], abs=1e-5
        )


def test_the_samplers_do_not_change_the_models_own_numbers():
    rng = random.Random(3)
    for _ in range(20):
        row, params = random_row(rng), random_params(rng)
        plain, shaped = table(row), table(row, params)
        assert (plain.entropy, plain.other_prob) == (shaped.entropy, shaped.other_prob)
        own = [{c.token.id: (c.rank, c.logit, c.logprob, c.prob) for c in t.candidates} for t in (plain, shaped)]
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


@pytest.mark.parametrize(
    "params", [SamplingParams(), SamplingParams(0.5, 0.9, 2, min_p=0.1), SamplingParams(temperature=0)]
)
def test_a_logit_of_minus_infinity_is_absent_and_its_token_has_no_probability(params):
    row = torch.tensor([0.0, 1.0, -math.inf, 2.0, 0.5, 0.1, 0.2, 0.3])
    seen = table(row, params, top=2, include=(2,))
    masked = seen.find(2)
    assert (masked.logit, masked.logprob, masked.prob, masked.sampling_prob, masked.cut_by) == (None, None, 0, 0, None)
    assert seen.entropy == pytest.approx(table(row[row.isfinite()]).entropy)


@pytest.mark.parametrize("temperature", [1e-6, 1e-12, 1e-38, 5e-324])
def test_a_tiny_temperature_is_greedy_but_for_what_is_equal(temperature):
    generator = torch.Generator().manual_seed(3)
    for size in (V, 5000):
        row = torch.randn(size, generator=generator) * 30
        row[9] = row.max() + 1
        for params in (SamplingParams(temperature), SamplingParams(temperature, top_p=0.9, min_p=0.01)):
            seen = table(row, params, top=2)
            assert (seen.candidates[0].token.id, seen.candidates[0].sampling_prob) == (9, 1.0)
            assert seen.sampling_entropy == 0
        # A temperature scales, and cuts nothing.
        assert table(row, SamplingParams(temperature), top=2).kept == size
        row[3] = row[9]
        equal = table(row, SamplingParams(temperature), top=2)
        assert [c.sampling_prob for c in equal.candidates] == [0.5, 0.5]


def test_a_temperature_of_a_millionth_tells_logits_apart_that_float32_does():
    row = torch.zeros(V)
    row[5] = 30.0
    row[6] = torch.nextafter(row[5], torch.tensor(0.0))
    apart = (row[5].double() - row[6].double()).item() / 1e-6
    seen = table(row, SamplingParams(1e-6), top=2)
    assert seen.candidates[1].sampling_prob == pytest.approx(1 / (1 + math.exp(apart)), rel=1e-5)


@pytest.mark.parametrize("size", [V, 5000])
@pytest.mark.parametrize(
    "params",
    [SamplingParams(), SamplingParams(0.1), SamplingParams(0.5, 0.9, 40, min_p=0.01), SamplingParams(temperature=0)],
)
def test_huge_logits_have_their_probabilities(size, params):
    row = torch.full((size,), -1e38)
    row[7] = row[8] = 1e38
    seen = table(row, params, top=3)
    share = 0.5 if params.temperature else 1.0
    assert [c.token.id for c in seen.candidates] == [7, 8, 0]
    assert [c.prob for c in seen.candidates][:2] == [0.5, 0.5]
    assert (seen.candidates[0].sampling_prob, seen.candidates[2].sampling_prob) == (share, 0.0)
    assert seen.entropy == 1.0 and math.isfinite(seen.sampling_entropy)
    assert 0 < seen.candidates[2].prob < 1e-300 and seen.candidates[2].logprob == pytest.approx(-2e38)


def test_a_setting_that_leaves_no_number_is_named():
    row = torch.full((V,), 1e37)
    for params in (SamplingParams(repetition_penalty=0.01), SamplingParams(0.5, repetition_penalty=0.01)):
        with pytest.raises(EngineError, match="The penalty and the biases raise a logit beyond"):
            table(row, params)


def test_a_row_in_half_precision_is_computed_in_float32():
    row = (torch.randn(5000, generator=torch.Generator().manual_seed(0)) * 3).bfloat16()
    seen = table(row, top=5000)
    assert sum(c.prob for c in seen.candidates) == pytest.approx(1, abs=1e-5)
    assert {c.logit for c in seen.candidates} == set(row.float().tolist())


def test_an_entropy_of_nothing_has_no_sign():
    row = torch.full((8,), -math.inf)
    row[3] = 2.0
    for params in (SamplingParams(), SamplingParams(temperature=0), SamplingParams(0.5), SamplingParams(top_k=1)):
        seen = table(row, params)
        for number in (seen.entropy, seen.sampling_entropy, plain_samplers.nats([1.0]), plain_samplers.nats([])):
            assert (number, math.copysign(1, number)) == (0.0, 1)
