import math
import random

import pytest
import torch

from explorer.core.asked import Asked
from explorer.core.sampling.params import SamplingParams
from explorer.core.token import Token
from explorer.engine.compute.tables import ranking, shortcuts
from explorer.engine.compute.tables.logits import distribution
from explorer.engine.compute.tables.ranking import DEPTH, SHALLOW, Row
from explorer.engine.compute.tables.samplers import chain
from explorer.engine.compute.tables.shortcuts import beginning

HISTORY = torch.tensor([[1, 2, 3]])


def word(token_id: int) -> Token:
    return Token.from_bytes(token_id, b"a")


def random_row(rng: random.Random, size: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(rng.randrange(10**9))
    row = torch.randn(size, generator=generator) * rng.choice([0.0, 0.1, 1, 3, 10, 60])
    if rng.random() < 0.3:
        row[: size // 4] += rng.choice([4, 12])
    if rng.random() < 0.4:  # Rounded as bfloat16 does it: many ties.
        row = row.bfloat16()
    if rng.random() < 0.2:
        row[torch.randint(size, (1 + size // 8,), generator=generator)] = -math.inf
    return row if bool(row.float().isfinite().any()) else torch.zeros(size)


def random_params(rng: random.Random, size: int) -> SamplingParams:
    return SamplingParams(
        temperature=rng.choice([1.0, 1e-4, 0.05, 0.7, 1.3, 100.0, rng.uniform(0.01, 3)]),
        top_p=rng.choice([1.0, 1e-9, 0.05, 0.5, 0.9, 0.999, 1 - 1e-7, rng.uniform(0.01, 1)]),
        top_k=rng.choice([0, 0, 1, 40, size - 1, size, 2 * size, rng.randrange(1, size + 1)]),
        min_p=rng.choice([0.0, 0.0, 1e-6, 0.05, 0.5, 1.0]),
    )


def after(steps, row: torch.Tensor) -> torch.Tensor:
    scores = row.float()[None]
    for _, processor in steps:
        scores = processor(HISTORY, scores)
    return scores[0]


@pytest.mark.parametrize(("size", "count"), [(2, 200), (7, 400), (300, 1500), (3000, 1200), (20_000, 150)])
def test_the_short_cuts_keep_what_the_chain_of_the_library_keeps(size, count, monkeypatch):
    for module in (shortcuts, ranking):
        monkeypatch.setattr(module, "SHALLOW", max(size // 50, 1))
        monkeypatch.setattr(module, "DEPTH", max(size // 10, 1))
    rng = random.Random(size)
    for _ in range(count):
        logits, params = random_row(rng, size), random_params(rng, size)
        row = Row(logits)
        for turned in (params, params.replace(temperature=0.9), params.replace(top_p=0.8, top_k=0)):
            assert_the_same(row, turned, after(chain(turned, prompt_length=1), logits))


def assert_the_same(row: Row, params: SamplingParams, expected: torch.Tensor) -> None:
    """Of tokens with equal scores either may be kept; their number and their probabilities are the same."""
    found = beginning(row, params)
    if found is None:
        assert params.settings.keys() <= {"logit_bias", "repetition_penalty"}
        return
    kept = expected.isfinite()
    assert found.kept == int(kept.sum())
    first = row.order(found.kept)[: found.kept]
    scores = row.logits.float() / params.temperature
    assert torch.equal(scores[first].sort().values, expected[kept].sort().values)
    shares = torch.tensor(found.shares(row.logits[first])).sort().values
    wanted = expected.softmax(-1)[kept].sort().values
    assert torch.allclose(shares, wanted, rtol=1e-4, atol=1e-9)
    bits = -(wanted * wanted.log2()).nan_to_num(nan=0.0).sum().item()
    assert found.entropy == pytest.approx(bits, abs=1e-3)


def test_short_cuts_are_taken_only_where_they_give_the_same():
    row = Row(torch.arange(DEPTH + 1.0))
    usual = SamplingParams(temperature=0.5, top_k=3, top_p=0.5, min_p=0.1, seed=1, repetition_penalty=1.1)
    assert beginning(row, usual).counts == [("top_k", 3), ("top_p", 1), ("min_p", 1)]
    assert beginning(row, SamplingParams(temperature=0)).counts == [("temperature", 1)]
    assert beginning(Row(torch.randn(DEPTH)), usual) is None
    assert beginning(Row(torch.full((DEPTH + 1,), math.nan)), usual) is None
    assert beginning(Row(torch.full((DEPTH + 1,), -math.inf)), usual) is None
    for other in ({"typical_p": 0.9}, {"suppress_tokens": (1,)}, {"top_h": 1.0}, {"min_new_tokens": 1}):
        assert beginning(row, usual.replace(**other)) is None


def test_a_peaked_row_is_put_in_order_only_as_deep_as_it_is_needed():
    logits = torch.randn(50_000, generator=torch.Generator().manual_seed(0))
    logits[:100] += 15
    row = Row(logits)
    ids = [1, 2, 3]

    def kept(params: SamplingParams) -> int:
        return distribution(row, Asked(params, ids, 3), 20, (), word).kept

    assert kept(SamplingParams(temperature=0.7, top_k=50, top_p=0.9, min_p=0.01)) < 50
    assert len(row.order(1)) == SHALLOW
    assert SHALLOW < kept(SamplingParams(top_k=1000)) <= DEPTH
    assert len(row.order(1)) == DEPTH
    assert kept(SamplingParams(temperature=3.0, top_p=0.9)) > DEPTH
    assert len(row.order(1)) == 50_000
    assert row.nbytes == logits.nbytes + row.order(1).nbytes


def test_the_table_of_a_large_vocabulary_is_that_of_the_library():
    rng = random.Random(1)
    size = 6000
    for _ in range(300):
        logits, params = random_row(rng, size), random_params(rng, size)
        if rng.random() < 0.5:
            params = params.replace(logit_bias=((5, 4.0),), repetition_penalty=1.2)
        if rng.random() < 0.5:
            params = params.replace(
                suppress_tokens=(9, 10),
                typical_p=rng.choice([1.0, 0.3, 0.99]),
                epsilon_cutoff=rng.choice([0.0, 1e-4]),
                eta_cutoff=rng.choice([0.0, 1e-3]),
                top_h=rng.choice([0.0, 0.0, 0.9]),
            )
        expected = after(chain(params, prompt_length=1), logits)
        seen = distribution(Row(logits), Asked(params, HISTORY[0].tolist(), 1), 40, (7,), word)
        assert seen.kept == int(expected.isfinite().sum())
        shares = expected.softmax(-1)
        at_the_cut = shares[expected.isfinite()].min().item()
        for c in seen.candidates:
            # Of tokens with equal scores at the cut, another one may be kept.
            wanted = [shares[c.token.id].item(), at_the_cut if c.cut_by is None else 0.0]
            assert any(c.sampling_prob == pytest.approx(one, rel=1e-5) for one in wanted)
