import math

import pytest
import torch

from explorer.cli.engines import embedded_folder
from explorer.core.asked import Asked
from explorer.core.sampling.params import SamplingParams
from explorer.core.score import summary
from explorer.engine.compute.forward import passes
from explorer.engine.compute.local import TransformersEngine
from explorer.engine.compute.tables import following, logits
from explorer.engine.compute.tables.ranking import Row
from explorer.engine.description import ModelSettings
from explorer.engine.vocabulary.vocabulary import Vocabulary

TEXT = "Once upon a time there was a little girl who lived in a small house. 옛날 옛적에 토끼가 살았어요."


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    vocabulary = Vocabulary.from_folder(embedded_folder())
    assert vocabulary is not None
    return vocabulary


@pytest.fixture
async def engine():
    engine = TransformersEngine(ModelSettings(model=str(embedded_folder()), name="embedded", device="cpu"))
    await engine.start()
    yield engine
    await engine.close()


async def gathered(engine, ids, top=3):
    return [scored async for part in engine.score(ids, top) for scored in part]


async def test_the_mean_is_the_models_own_loss(engine):
    ids = engine.vocabulary.encode(TEXT)
    scored = await gathered(engine, ids)
    batch = torch.tensor([ids])
    with torch.inference_mode():
        loss = engine.model(input_ids=batch, labels=batch).loss.item()
    whole = summary(scored)
    assert whole.count == len(ids) - 1
    assert whole.mean_nll == pytest.approx(loss, abs=1e-5)
    assert whole.perplexity == pytest.approx(torch.tensor(loss).exp().item(), rel=1e-4)


async def test_masked_labels_are_the_tokens_that_do_not_count(engine):
    ids = engine.vocabulary.encode(TEXT)
    scored = await gathered(engine, ids)
    labels = torch.tensor([[-100] * 10 + ids[10:]])
    with torch.inference_mode():
        loss = engine.model(input_ids=torch.tensor([ids]), labels=labels).loss.item()
    assert summary(scored[10:]).mean_nll == pytest.approx(loss, abs=1e-5)


async def test_every_token_has_the_numbers_of_the_table_before_it(engine):
    ids = engine.vocabulary.encode(TEXT)
    scored = await gathered(engine, ids, top=4)
    assert [s.token.id for s in scored] == ids
    first = scored[0]
    assert (first.logprob, first.prob, first.rank, first.entropy, first.top) == (None, None, None, None, ())
    for index in (1, 5, len(ids) - 1):
        table = await engine.next(ids[:index], SamplingParams(), 4, [ids[index]])
        candidate = table.find(ids[index])
        assert scored[index].logprob == pytest.approx(candidate.logprob, abs=1e-5)
        assert scored[index].rank == candidate.rank
        assert scored[index].entropy == pytest.approx(table.entropy, abs=1e-4)
        listed = [a.token.id for a in scored[index].top]
        assert listed == [c.token.id for c in table.candidates if c.rank <= 4]


@pytest.mark.parametrize("chunk", [1, 7, 256])
async def test_the_size_of_the_parts_changes_nothing(engine, monkeypatch, chunk):
    ids = engine.vocabulary.encode(TEXT)
    whole = await gathered(engine, ids)
    monkeypatch.setattr(passes, "PART", chunk)
    parted = await gathered(engine, ids)
    assert [s.rank for s in parted] == [s.rank for s in whole]
    assert [s.logprob for s in parted[1:]] == pytest.approx([s.logprob for s in whole[1:]], abs=1e-5)


async def test_after_scoring_the_next_table_costs_no_forward_pass_and_a_step_one_position(engine):
    ids = engine.vocabulary.encode(TEXT)
    await gathered(engine, ids)
    before = engine.prefixes.forward.forward_tokens
    table = await engine.next(ids, SamplingParams(), 1)
    assert engine.prefixes.forward.forward_tokens == before
    await engine.next([*ids, table.candidates[0].token.id], SamplingParams(), 1)
    assert engine.prefixes.forward.forward_tokens == before + 1


async def test_a_score_that_is_not_wanted_any_more_leaves_the_engine_right(engine, monkeypatch):
    monkeypatch.setattr(passes, "PART", 5)
    ids = engine.vocabulary.encode(TEXT)
    right = await gathered(engine, ids)
    parts = engine.score(ids, 3)
    await anext(parts)
    await anext(parts)
    await parts.aclose()
    again = await gathered(engine, ids)
    assert [s.rank for s in again] == [s.rank for s in right]


async def test_a_score_from_the_end_of_a_prefix_costs_what_follows_it(engine):
    ids = engine.vocabulary.encode(TEXT)
    for begin in (len(ids) - 3, len(ids) - 9):
        await engine.next(ids[:begin], SamplingParams(), 1)
        before = engine.prefixes.forward.forward_tokens
        tail = [scored async for part in engine.score(ids, 0, begin) for scored in part]
        assert [s.token.id for s in tail] == ids[begin:]
        assert engine.prefixes.forward.forward_tokens == before + len(ids) - begin


async def test_going_back_through_what_was_scored_shows_the_same_digits_without_a_forward_pass(engine):
    ids = engine.vocabulary.encode(TEXT)
    begin = len(ids) - 9
    tail = [scored async for part in engine.score(ids, 0, begin) for scored in part]
    before = engine.prefixes.forward.forward_tokens
    for index in range(len(ids) - 1, begin - 1, -1):
        table = await engine.next(ids[:index], SamplingParams(), 1, [ids[index]])
        assert table.find(ids[index]).logprob == tail[index - begin].logprob
    assert engine.prefixes.forward.forward_tokens == before


def test_ties_and_numbers_that_are_not_finite(vocabulary):
    rows = torch.zeros(3, 6144)
    rows[1, 5] = -torch.inf
    rows[2] = torch.nan
    scored = following.scored(rows, [4, 5, 6], 2, vocabulary.token)
    assert [s.rank for s in scored[:2]] == [5, 6144]
    assert scored[0].prob == pytest.approx(1 / 6144)
    assert (scored[1].logprob, scored[1].prob) == (-torch.inf, 0.0)
    assert (scored[2].logprob, scored[2].rank, scored[2].entropy, scored[2].top) == (None, None, None, ())
    assert [a.token.id for a in scored[0].top] == [0, 1]


async def test_the_loss_of_a_text_with_an_impossible_token_is_the_models_own(engine):
    ids = engine.vocabulary.encode(TEXT)
    head = engine.model.get_output_embeddings()
    masked = ids[-1]
    mask = torch.zeros(engine.info.vocab_size).index_fill(0, torch.tensor([masked]), -torch.inf)
    with head.register_forward_hook(lambda module, given, output: output + mask):
        engine.prefixes.let_go()
        scored = await gathered(engine, ids)
        table = await engine.next(ids[:-1], SamplingParams(), 3, [masked])
        with torch.inference_mode():
            loss = engine.model(input_ids=torch.tensor([ids]), labels=torch.tensor([ids])).loss.item()
    whole = summary(scored)
    assert (whole.mean_nll, whole.impossible, whole.count) == (loss, ids.count(masked), len(ids) - 1)
    assert loss == torch.inf
    assert (
        (scored[-1].prob, scored[-1].rank)
        == (0.0, engine.info.vocab_size)
        == (
            table.find(masked).prob,
            table.find(masked).rank,
        )
    )


def test_a_token_is_as_unlikely_as_its_logarithm_says_where_float32_has_no_digits_left(vocabulary):
    row = torch.zeros(6144)
    row[7] = -150.0
    scored = following.scored(row[None], [7], 0, vocabulary.token)[0]
    table = logits.distribution(Row(row), Asked(SamplingParams(), [1], 1), 1, [7], vocabulary.token).find(7)
    drawn = logits.drawn(row[None], row[None].softmax(-1), [7], vocabulary.token)[0][0]
    assert scored.prob == table.prob == drawn.prob == pytest.approx(math.exp(-150 - math.log(6143)), rel=1e-4)
