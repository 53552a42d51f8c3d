import random

import pytest
import torch

from explorer.engine import cache
from explorer.engine.cache import Cancelled, NoCache, PrefixCache, RowStore, forward_for

V = 320
CACHED = ("gpt2", "llama", "qwen2", "gemma3_text", "mistral", "bloom")
STATEFUL = ("mamba2", "lfm2", "falcon_h1")


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch):
    monkeypatch.setattr(cache, "CHUNK", 7)


def difference(left: torch.Tensor, right: torch.Tensor) -> float:
    return float((left - right).abs().max() / right.abs().max())


class StopsAfter:
    """Answers no, so many times, and then yes: a person who cancels in a prefill."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __call__(self) -> bool:
        self.count -= 1
        return self.count < 0


def walk(rng: random.Random, steps: int):
    """Prefixes as a person comes to them: one token on, back, to another branch, an edit in the middle."""
    ids = [rng.randrange(3, V) for _ in range(30)]
    been = [ids]
    for _ in range(steps):
        match rng.choice(["add", "add", "add", "paste", "back", "branch", "edit"]):
            case "add":
                ids = [*ids, rng.randrange(3, V)]
            case "paste":
                ids = ids + [rng.randrange(3, V) for _ in range(rng.randrange(2, 16))]
            case "back":
                ids = ids[: max(1, len(ids) - rng.choice([1, 1, 3, 10]))]
            case "branch":
                ids = rng.choice(been)
            case "edit":
                place = rng.randrange(len(ids))
                ids = [*ids[:place], rng.randrange(3, V), *ids[place + 1 :]]
        ids = ids[:90]
        been.append(ids)
        yield ids


@pytest.mark.parametrize("kind", [*CACHED, *STATEFUL])
def test_a_cached_answer_is_the_one_computed_anew(tiny_model, kind):
    model, rng = tiny_model(kind), random.Random(kind)
    fast, oracle = forward_for(model), NoCache(model)
    for count, ids in enumerate(walk(rng, 40)):
        if count % 5 == 4:
            chunks = rng.randrange(3) if kind in CACHED else 0
            with pytest.raises(Cancelled):
                fast.logits([rng.randrange(3, V) for _ in range(30)], StopsAfter(chunks))
        assert difference(fast.logits(ids), oracle.logits(ids)) < 2e-5


@pytest.mark.parametrize("kind", CACHED)
def test_the_answer_depends_on_tokens_far_back(tiny_model, kind):
    oracle = NoCache(tiny_model(kind))
    ids = list(range(3, 33))
    assert difference(oracle.logits([*ids[:25], 99, *ids[26:]]), oracle.logits(ids)) > 1e-3


@pytest.mark.parametrize("kind", CACHED)
def test_each_new_token_costs_one_position(tiny_model, kind):
    fast = forward_for(tiny_model(kind))
    ids = list(range(3, 33))
    fast.logits(ids)
    assert fast.forward_tokens == 30
    for count in range(1, 4):
        ids = [*ids, 50 + count]
        fast.logits(ids)
        assert fast.forward_tokens == 30 + count


def test_an_edit_costs_what_follows_it(tiny_model):
    fast = forward_for(tiny_model("llama"))
    ids = list(range(3, 33))
    fast.logits(ids)
    fast.logits([*ids[:20], 99, *ids[21:]])
    assert fast.forward_tokens == 30 + 10


def test_the_same_prefix_again_costs_its_last_position(tiny_model):
    fast = forward_for(tiny_model("llama"))
    ids = list(range(3, 33))
    first = fast.logits(ids)
    again = fast.logits(ids)
    assert fast.forward_tokens == 31
    assert difference(again, first) < 2e-5


@pytest.mark.parametrize("kind", CACHED)
def test_attention_is_cached(tiny_model, kind):
    assert isinstance(forward_for(tiny_model(kind)), PrefixCache)


@pytest.mark.parametrize("kind", STATEFUL)
def test_states_that_cannot_be_cropped_are_not_cached(tiny_model, kind):
    assert isinstance(forward_for(tiny_model(kind)), NoCache)


@pytest.mark.parametrize("chunks", [0, 1, 3])
def test_a_cancelled_prefill_keeps_what_it_has_computed(tiny_model, chunks):
    fast, oracle = PrefixCache(tiny_model("gemma3_text")), NoCache(tiny_model("gemma3_text"))
    ids = list(range(3, 33))
    with pytest.raises(Cancelled):
        fast.logits(ids, StopsAfter(chunks))
    assert fast.forward_tokens == 7 * chunks
    assert difference(fast.logits(ids), oracle.logits(ids)) < 2e-5
    assert fast.forward_tokens == 30


def test_progress_counts_the_tokens_of_a_prefill(tiny_model):
    seen = []
    PrefixCache(tiny_model("llama")).logits(list(range(3, 33)), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(7, 30), (14, 30), (21, 30), (28, 30), (30, 30)]


def test_a_model_that_fails_to_go_on_is_computed_anew(tiny_model, monkeypatch, capsys):
    model = tiny_model("llama")
    fast, oracle = PrefixCache(model), NoCache(model)
    ids = list(range(3, 9))
    fast.logits(ids)
    forward = model.forward

    def fails_with_a_past(*args, past_key_values=None, **kwargs):
        if past_key_values is not None and past_key_values.get_seq_length():
            raise RuntimeError("no way on")
        return forward(*args, past_key_values=past_key_values, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(model, "forward", fails_with_a_past)
        assert difference(fast.logits([*ids, 9]), oracle.logits([*ids, 9])) < 2e-5
    assert "no way on" in capsys.readouterr().err
    assert difference(fast.logits([*ids, 9, 10]), oracle.logits([*ids, 9, 10])) < 2e-5


def test_a_first_pass_that_fails_is_an_error_and_the_next_call_is_right(tiny_model, monkeypatch):
    model = tiny_model("llama")
    fast = PrefixCache(model)

    def fails(*args, **kwargs):
        raise RuntimeError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(model, "forward", fails)
        with pytest.raises(RuntimeError, match="broken"):
            fast.logits([3, 4])
    assert difference(fast.logits([3, 4]), NoCache(model).logits([3, 4])) < 2e-5


def test_a_row_that_was_stored_costs_nothing_and_keeps_its_digits():
    store = RowStore()
    row = torch.randn(V)
    store.put([1, 2], row)
    store.put([1, 2], torch.zeros(V))
    assert store.get([1, 2]) is row
    assert store.get((1, 2)) is row
    assert (store.get([1]), store.get([2, 1]), store.get([])) == (None, None, None)


def test_the_rows_that_were_looked_at_longest_ago_go_first():
    store = RowStore(limit=3 * 4 * V)
    for token_id in range(3):
        store.put([token_id], torch.zeros(V))
    assert store.get([0]) is not None
    store.put([3], torch.zeros(V))
    assert [store.get([token_id]) is not None for token_id in range(4)] == [True, False, True, True]


def test_a_row_larger_than_the_limit_is_kept_alone():
    store = RowStore(limit=10)
    store.put([1], torch.zeros(V))
    store.put([2], torch.zeros(V))
    assert (store.get([1]) is None, store.get([2]) is not None) == (True, True)
