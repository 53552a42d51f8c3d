import random

import pytest
import torch

from explorer.core.token import Token
from explorer.engine.compute import comparison, memory
from explorer.engine.compute.comparison import Comparison
from explorer.engine.compute.forward import passes
from explorer.engine.compute.forward.cache import forward_for
from explorer.engine.compute.forward.forward import Cancelled
from explorer.engine.compute.forward.recompute import NoCache
from explorer.engine.compute.tables import following
from tests.engine.architectures import ARCHITECTURES, V, build
from tests.engine.matrix import TOLERANCE

SIDE_BY_SIDE = ("llama", "gpt2", "gemma3_text", "qwen3_moe", "bloom", "falcon_h1", "mamba2", "lfm2", "qwen3_next")
BY_ONE = ("mamba", "minimax")
ALONE = ("openai-gpt", "recurrent_gemma", "rwkv")
EVERY = (*SIDE_BY_SIDE, *BY_ONE, *ALONE)
NOT_CAUSAL = ("cpmant",)
"""What follows a token changes the row after it: one pass over a text is not what each of its prefixes says."""
PROMPT = [3, 70, 80, 90, 100, 33, 71, 81, 91, 101, 34]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


def token(token_id):
    return Token.from_bytes(token_id, bytes([token_id % 256]))


def never():
    return False


def compared(forward, continuations, ids=PROMPT, cancelled=never):
    row = forward.logits(ids).clone()
    return Comparison(forward, ids, row, token, cancelled).scored(continuations)


def alone(model, continuation, ids=PROMPT):
    """What one pass without a cache says."""
    [rows] = torch.split(NoCache(model)._pass([*ids, *continuation], keep=len(continuation) + 1)[0], 1 << 20)
    with torch.inference_mode():
        return following.scored(rows[:-1], list(continuation), 0, token)


def some(seed) -> list[list[int]]:
    rng = random.Random(seed)
    return [[rng.randrange(3, V) for _ in range(length)] for length in (5, 1, 12, 0, 3, 5, 9)]


def agree(model, found, continuations, ids=PROMPT):
    for scored, continuation in zip(found, continuations, strict=True):
        expected = alone(model, continuation, ids) if continuation else []
        assert [s.token.id for s in scored] == continuation
        assert [s.logprob for s in scored] == pytest.approx([s.logprob for s in expected], rel=1e-4, abs=1e-4)
        assert [s.entropy for s in scored] == pytest.approx([s.entropy for s in expected], abs=1e-3)


@pytest.mark.parametrize("part", [256, 4])
@pytest.mark.parametrize("kind", EVERY)
def test_continuations_have_the_numbers_of_each_alone(kind, part, monkeypatch):
    monkeypatch.setattr(passes, "PART", part)
    model, continuations = build(kind), some(kind)
    agree(model, compared(forward_for(model), continuations), continuations)


@pytest.mark.parametrize("kind", EVERY)
def test_what_is_held_of_the_prefix_stays(kind):
    model = build(kind)
    forward, oracle, rng = forward_for(model), NoCache(model), random.Random(kind)
    for _ in range(3):
        compared(forward, some(rng.random()))
        before = forward.forward_tokens
        ids = [*PROMPT, rng.randrange(3, V)]
        torch.testing.assert_close(forward.logits(ids), oracle.logits(ids), rtol=1e-4, atol=1e-4)
        if kind in SIDE_BY_SIDE:
            assert forward.forward_tokens == before + 1


@pytest.mark.parametrize("kind", SIDE_BY_SIDE)
def test_they_go_side_by_side_in_one_pass(kind, monkeypatch):
    forward = forward_for(build(kind))
    assert forward.chunks_of_forks
    passed, once = [], forward._pass.batch

    def counted(*arguments, **named):
        passed.append(tuple(arguments[0].shape))
        return once(*arguments, **named)

    row = forward.logits(PROMPT).clone()
    monkeypatch.setattr(forward._pass, "batch", counted)
    Comparison(forward, PROMPT, row, token, never).scored(some(1))
    assert passed == [(5, 12)]


@pytest.mark.parametrize("kind", ["llama", "mamba"])
def test_parts_that_are_too_large_are_split(kind, monkeypatch):
    monkeypatch.setattr(comparison, "POSITIONS_AT_ONCE", 50)
    model, continuations = build(kind), some(kind)
    agree(model, compared(forward_for(model), continuations), continuations)
    monkeypatch.setattr(comparison, "POSITIONS_AT_ONCE", 1 << 16)
    monkeypatch.setattr(comparison, "ROWS_AT_ONCE", 2)
    agree(model, compared(forward_for(model), continuations), continuations)


def test_a_model_that_fails_side_by_side_is_asked_one_after_the_other(monkeypatch):
    model, continuations = build("llama"), some(2)
    forward = forward_for(model)
    assert forward.chunks_of_forks
    once = forward._pass.batch

    def fails(tokens, *arguments, **named):
        if len(tokens) > 1:
            raise ValueError("no batches")
        return once(tokens, *arguments, **named)

    monkeypatch.setattr(forward._pass, "batch", fails)
    agree(model, compared(forward, continuations), continuations)


def test_memory_that_runs_out_is_not_taken_for_a_missing_ability(monkeypatch):
    forward = forward_for(build("llama"))

    def runs_out(*arguments):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(forward, "fork", runs_out)
    with pytest.raises(torch.OutOfMemoryError) as caught:
        compared(forward, some(3))
    assert memory.ran_out(caught.value)


@pytest.mark.parametrize("kind", ["llama", "mamba", "openai-gpt"])
@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_comparison_that_is_cancelled_leaves_the_cache_right(kind, after, monkeypatch):
    monkeypatch.setattr(passes, "PART", 4)
    model, asked = build(kind), iter(range(100))
    forward = forward_for(model)
    with pytest.raises(Cancelled):
        compared(forward, some(4), cancelled=lambda: next(asked) >= after)
    agree(model, compared(forward, some(4)), some(4))


@pytest.mark.matrix
@pytest.mark.parametrize("kind", [kind for kind in ARCHITECTURES if kind not in NOT_CAUSAL])
def test_every_architecture_compares_as_it_scores(kind):
    model, continuations = build(kind), some(kind)
    ids = [*PROMPT, *range(40, 60)]
    forward = forward_for(model)
    found = compared(forward, continuations, ids)
    build.cache_clear()
    for scored, continuation in zip(found, continuations, strict=True):
        if not continuation:
            continue
        expected = alone(model, continuation, ids)
        greatest = max(abs(s.logprob) for s in expected)
        assert (
            max(abs(a.logprob - b.logprob) for a, b in zip(scored, expected, strict=True)) <= 5 * TOLERANCE * greatest
        )
