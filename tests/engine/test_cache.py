import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoConfig, AutoModelForCausalLM

from explorer.engine.capabilities import CacheKind
from explorer.engine.compute.forward import cache, passes
from explorer.engine.compute.forward.cache import PrefixCache, forward_for
from explorer.engine.compute.forward.forward import Cancelled
from explorer.engine.compute.forward.passes import ForwardPass
from explorer.engine.compute.forward.probe import capabilities_of
from explorer.engine.compute.forward.recompute import NoCache
from explorer.engine.compute.forward.states import Snapshots, new_cache
from explorer.engine.compute.tables.rows import PrefixKeys, RowStore
from tests.engine.architectures import V, build
from tests.engine.matrix import CHUNK, SENSITIVITY, TOLERANCE, difference, walk

CROPPED = (
    "gpt2",
    "llama",
    "qwen2",
    "qwen3",
    "gemma3_text",
    "mistral",
    "phi3",
    "qwen3_moe",
    "bloom",
    "gpt_neox",
)
COPIED = ("qwen3_next", "falcon_h1", "mamba2", "lfm2", "rwkv")
BY_ONE = ("mamba", "minimax")
RECOMPUTED = ("openai-gpt", "recurrent_gemma")
EVERY = (*CROPPED, *COPIED, *BY_ONE, *RECOMPUTED)


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch):
    monkeypatch.setattr(cache, "CHUNK", CHUNK)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


class StopsAfter:
    """Answers no, so many times, and then yes: a person who cancels in a prefill."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __call__(self) -> bool:
        self.count -= 1
        return self.count < 0


@pytest.mark.parametrize("kind", EVERY)
def test_a_cached_answer_is_the_one_computed_anew(kind, capsys):
    model, rng = build(kind), random.Random(kind)
    fast, oracle = forward_for(model), NoCache(model)
    capsys.readouterr()
    for count, ids in enumerate(walk(rng, 24)):
        if count % 5 == 4:
            chunks = rng.randrange(3) if fast.capabilities.chunk else 0
            with pytest.raises(Cancelled):
                fast.logits([rng.randrange(3, V) for _ in range(30)], StopsAfter(chunks))
        assert difference(fast.logits(ids), oracle.logits(ids)) < TOLERANCE
    # Nothing was saved by the fall back to a recompute, which is tested below.
    assert not capsys.readouterr().err


@pytest.mark.parametrize("kind", EVERY)
def test_the_answer_depends_on_a_token_further_back(kind):
    oracle = NoCache(build(kind))
    ids = list(range(3, 33))
    assert difference(oracle.logits([*ids[:24], 99, *ids[25:]]), oracle.logits(ids)) > SENSITIVITY


@pytest.mark.parametrize("kind", [*CROPPED, *COPIED, *BY_ONE])
def test_each_new_token_costs_one_position(kind):
    fast = PrefixCache(build(kind))
    ids = list(range(3, 33))
    fast.logits(ids)
    assert fast.forward_tokens == 30
    for count in range(1, 4):
        ids = [*ids, 50 + count]
        fast.logits(ids)
        assert fast.forward_tokens == 30 + count


@pytest.mark.parametrize("kind", [*CROPPED, *COPIED, *BY_ONE])
def test_another_token_in_place_of_the_last_one_costs_one_position(kind):
    fast = PrefixCache(build(kind))
    ids = list(range(3, 33))
    for prefix in (ids, [*ids, 50], [*ids, 50, 51]):
        fast.logits(prefix)
    fast.logits([*ids, 50, 52])
    fast.logits([*ids, 53])
    assert fast.forward_tokens == 30 + 4


def test_an_edit_costs_what_follows_it():
    fast = forward_for(build("llama"))
    ids = list(range(3, 33))
    fast.logits(ids)
    fast.logits([*ids[:20], 99, *ids[21:]])
    assert fast.forward_tokens == 30 + 10


def test_an_edit_goes_on_from_the_nearest_copy_of_the_state():
    fast = forward_for(build("mamba2"))
    ids = list(range(3, 33))
    fast.logits(ids)
    fast.logits([*ids[:20], 99, *ids[21:]])
    assert fast.forward_tokens == 30 + (30 - 14)


@pytest.mark.parametrize("kind", [*CROPPED, *COPIED, *BY_ONE])
@pytest.mark.parametrize("length", [2, 7, 8, 9, 30])
def test_another_last_token_of_a_prompt_costs_one_position(kind, length):
    model = build(kind)
    fast, oracle = PrefixCache(model), NoCache(model)
    ids = list(range(3, 3 + length))
    fast.logits(ids)
    before = fast.forward_tokens
    assert difference(fast.logits([*ids[:-1], 99]), oracle.logits([*ids[:-1], 99])) < TOLERANCE
    assert fast.forward_tokens == before + 1
    # After a token more and its undoing, too.
    fast.logits([*ids[:-1], 99, 50])
    fast.logits([*ids[:-1], 98])
    assert fast.forward_tokens == before + 3


@pytest.mark.parametrize("kind", [*CROPPED, *COPIED, *BY_ONE])
def test_another_last_token_of_a_scored_text_costs_one_position(kind, monkeypatch):
    monkeypatch.setattr(passes, "PART", 8)
    fast = PrefixCache(build(kind))
    ids = list(range(3, 33))
    list(fast.rows(ids))
    before = fast.forward_tokens
    fast.logits([*ids[:-1], 99])
    assert fast.forward_tokens == before + 1


@pytest.mark.parametrize("kind", ["mamba2", "falcon_h1", "rwkv", "mamba", "minimax"])
def test_looking_back_through_a_text_costs_few_positions_a_token(kind, monkeypatch):
    monkeypatch.setattr(cache, "CHUNK", 512)
    model = build(kind)
    fast, oracle = PrefixCache(model), NoCache(model)
    ids = [3 + 7 * index % 120 for index in range(80)]
    fast.logits(ids)
    before = fast.forward_tokens
    for length in range(79, 59, -1):
        assert difference(fast.logits(ids[:length]), oracle.logits(ids[:length])) < TOLERANCE
    # Computed anew, each of these tables would cost the whole prefix: 1,390 positions.
    assert fast.forward_tokens - before < (160 if fast.capabilities.chunk else 400)


def test_a_model_that_goes_on_by_single_tokens_takes_a_long_way_in_one_pass():
    fast = forward_for(build("mamba"))
    ids = list(range(3, 35))
    fast.logits(ids)
    passes = []
    fast.logits([*ids, 50, 51, 52], progress=lambda done, total: passes.append(done))
    fast.logits([*ids, *range(40, 60)], progress=lambda done, total: passes.append(done))
    assert passes == [33, 34, 35, 51, 52]


@pytest.mark.parametrize("kind", ["llama", "mamba2", "mamba"])
def test_the_same_prefix_again_has_the_same_logits(kind):
    fast = forward_for(build(kind))
    ids = list(range(3, 33))
    first = fast.logits(ids)
    again = fast.logits(ids)
    assert difference(again, first) < TOLERANCE


@pytest.mark.parametrize(
    ("kinds", "kind", "chunk", "way"),
    [
        (CROPPED, "plain", True, "crop"),
        (("deepseek_v32",), "typed", True, "crop"),
        (("qwen3_next", "falcon_h1", "mamba2", "lfm2", "deepseek_v4"), "typed", True, "snapshot"),
        (("rwkv",), "own", True, "snapshot"),
        (("mamba",), "typed", False, "snapshot"),
        (("minimax",), "own", False, "snapshot"),
        (RECOMPUTED, "none", False, "recompute"),
    ],
)
def test_what_a_model_can_do_is_found_out(kinds, kind, chunk, way):
    for model in map(build, kinds):
        found = capabilities_of(model)
        assert (found.kind, found.chunk, found.crop) == (kind, chunk, way)
        assert found.incremental == (kind != "none")
        assert isinstance(forward_for(model), PrefixCache if found.incremental else NoCache)


def test_keys_and_values_alone_are_proven_by_three_short_passes():
    model, passes = build("gemma3_text"), []
    handle = model.register_forward_pre_hook(lambda *_, **given: passes.append(1))
    capabilities_of(model)
    handle.remove()
    assert len(passes) == 3


def test_memory_that_does_not_suffice_is_not_taken_for_a_missing_ability(monkeypatch):
    model = build("llama")

    def fails(*args, past_key_values=None, **kwargs):
        raise torch.OutOfMemoryError("no memory")

    monkeypatch.setattr(model, "forward", fails)
    with pytest.raises(torch.OutOfMemoryError):
        capabilities_of(model)


def test_a_model_whose_cache_is_wrong_is_recomputed(monkeypatch):
    model = build("llama")
    forward = model.forward

    def forgets(*args, past_key_values=None, **kwargs):
        return forward(*args, past_key_values=None, **kwargs)

    monkeypatch.setattr(model, "forward", forgets)
    found = capabilities_of(model)
    assert (found.kind, found.crop) == ("none", "recompute")
    assert "differ" in found.notes[0]


@pytest.mark.parametrize("chunks", [0, 1, 3])
def test_a_cancelled_prefill_keeps_what_it_has_computed(chunks):
    model = build("gemma3_text")
    fast, oracle = PrefixCache(model), NoCache(model)
    ids = list(range(3, 33))
    with pytest.raises(Cancelled):
        fast.logits(ids, StopsAfter(chunks))
    assert fast.forward_tokens == 7 * chunks
    assert difference(fast.logits(ids), oracle.logits(ids)) < TOLERANCE
    assert fast.forward_tokens == 30


def test_progress_counts_the_tokens_of_a_prefill():
    seen = []
    PrefixCache(build("llama")).logits(list(range(3, 33)), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(7, 30), (14, 30), (21, 30), (28, 30), (30, 30)]


@pytest.mark.parametrize("kind", ["llama", "mamba2", "mamba", "minimax", "openai-gpt", "recurrent_gemma"])
def test_the_rows_of_a_text_are_those_of_its_prefixes(kind, monkeypatch):
    monkeypatch.setattr(passes, "PART", 8)
    model = build(kind)
    fast, oracle = forward_for(model), NoCache(model)
    ids = list(range(3, 33))
    parts = []
    for part in fast.rows(ids):
        parts.append(part.clone())
        # Another prefix in between changes nothing.
        fast.logits([9, 8, 7])
    rows = torch.cat(parts)
    assert [len(part) for part in parts] in ([8, 8, 8, 6], [8, 8, 8, 5, 1])
    for index in (0, 8, 15, 29):
        assert difference(rows[index], oracle.logits(ids[: index + 1])) < TOLERANCE
    rest = torch.cat(list(fast.rows(ids, 11)))
    assert len(rest) == 19
    assert difference(rest, rows[11:]) < TOLERANCE


def test_a_model_that_goes_on_by_single_tokens_steps_over_the_end_of_a_long_text():
    model, ids = build("mamba"), list(range(3, 63))
    fast, oracle = forward_for(model), NoCache(model)
    fast.logits(ids[:57])
    before = fast.forward_tokens
    assert difference(torch.cat(list(fast.rows(ids, 57))), torch.cat(list(oracle.rows(ids, 57)))) <= TOLERANCE
    assert fast.forward_tokens == before + 3


@pytest.mark.parametrize("kind", ["mamba", "minimax", "openai-gpt", "jamba"])
def test_a_pass_over_a_whole_text_gives_its_output_head_a_part_at_a_time(kind, monkeypatch):
    monkeypatch.setattr(passes, "PART", 8)
    model = build(kind)
    rows = forward_for(model).rows(list(range(3, 33)))
    next(rows)
    given = []
    with model.get_output_embeddings().register_forward_pre_hook(lambda head, hidden: given.append(hidden[0].shape[1])):
        list(rows)
    assert given[:2] == [8, 8]
    assert sum(given) == 8 + 8 + 6


def test_a_softcapping_after_the_output_head_is_noticed():
    assert not ForwardPass(build("recurrent_gemma"))._head_is_last
    assert not ForwardPass(build("gemma2"))._head_is_last
    assert ForwardPass(build("openai-gpt"))._head_is_last


def fails_with_a_past(forward, longest: int):
    """A forward pass that cannot go on by fewer tokens than `longest`."""

    def failing(*args, input_ids, past_key_values=None, **kwargs):
        held = past_key_values is not None and past_key_values.get_seq_length()
        if held and input_ids.shape[1] > longest:
            raise RuntimeError("no way on")
        return forward(*args, input_ids=input_ids, past_key_values=past_key_values, **kwargs)

    return failing


def test_a_model_that_fails_to_go_on_is_computed_anew(monkeypatch, capsys):
    model = build("llama")
    fast, oracle = PrefixCache(model), NoCache(model)
    ids = list(range(3, 9))
    fast.logits(ids)
    with monkeypatch.context() as patch:
        patch.setattr(model, "forward", fails_with_a_past(model.forward, 0))
        assert difference(fast.logits([*ids, 9]), oracle.logits([*ids, 9])) < TOLERANCE
    assert "no way on" in capsys.readouterr().err
    assert difference(fast.logits([*ids, 9, 10]), oracle.logits([*ids, 9, 10])) < TOLERANCE
    assert fast.forward_tokens == 6 + 7 + 1


def test_a_model_that_fails_to_go_on_by_several_tokens_is_asked_for_one_at_a_time(monkeypatch, capsys):
    model = build("llama")
    fast, oracle = PrefixCache(model), NoCache(model)
    ids = list(range(3, 33))
    monkeypatch.setattr(model, "forward", fails_with_a_past(model.forward, 1))
    assert difference(fast.logits(ids), oracle.logits(ids)) < TOLERANCE
    assert not fast.capabilities.chunk
    assert capsys.readouterr().err.count("no way on") == 1
    assert difference(fast.logits([*ids, 9, 10]), oracle.logits([*ids, 9, 10])) < TOLERANCE
    assert not capsys.readouterr().err


def test_a_cache_that_fails_to_go_back_is_made_anew(monkeypatch, capsys):
    model = build("llama")
    fast, oracle = PrefixCache(model), NoCache(model)
    ids = list(range(3, 33))
    fast.logits(ids)

    def fails(self, count):
        raise RuntimeError("no way back")

    monkeypatch.setattr("transformers.DynamicCache.crop", fails)
    assert difference(fast.logits(ids[:20]), oracle.logits(ids[:20])) < TOLERANCE
    assert "no way back" in capsys.readouterr().err


def test_a_first_pass_that_fails_is_an_error_and_the_next_call_is_right(monkeypatch):
    model = build("llama")
    fast = PrefixCache(model)

    def fails(*args, **kwargs):
        raise RuntimeError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(model, "forward", fails)
        with pytest.raises(RuntimeError, match="broken"):
            fast.logits([3, 4])
    assert difference(fast.logits([3, 4]), NoCache(model).logits([3, 4])) < TOLERANCE


def test_memory_that_does_not_suffice_is_an_error_and_lets_the_cache_go(monkeypatch):
    model = build("mamba2")
    fast = PrefixCache(model)
    ids = list(range(3, 33))
    fast.logits(ids)

    def fails(*args, **kwargs):
        raise torch.OutOfMemoryError("no memory")

    with monkeypatch.context() as patch:
        patch.setattr(model, "forward", fails)
        with pytest.raises(torch.OutOfMemoryError):
            fast.logits([*ids, 3])
    assert (fast._ids, fast._cache, fast._snapshots.lengths) == ([], None, [])
    assert difference(fast.logits(ids), NoCache(model).logits(ids)) < TOLERANCE


@pytest.mark.parametrize("kind", ["mamba2", "rwkv"])
def test_copies_of_states_stay_within_their_budget_and_are_dense_at_the_end(kind):
    model = build(kind)
    one = Snapshots(model)
    fast = PrefixCache(model)
    fast.logits([3])
    one.take(fast._cache, 1)
    fast._snapshots = Snapshots(model, 6 * one.nbytes)
    ids = list(range(3, 67))
    for length in range(1, 65):
        fast.logits(ids[:length])
    lengths = fast._snapshots.lengths
    assert fast._snapshots.nbytes <= 6 * one.nbytes
    assert lengths[-3:] == [62, 63, 64]
    gaps = [after - before for before, after in zip([0, *lengths], lengths, strict=False)]
    assert gaps[0] > gaps[-1]
    for length in (40, 63):
        assert difference(fast.logits([*ids[:length], 9]), NoCache(model).logits([*ids[:length], 9])) < TOLERANCE


def test_windows_are_left_to_the_mask():
    kinds: tuple[CacheKind, ...] = ("plain", "typed")
    for kind in kinds:
        assert not any(new_cache(build("gemma3_text"), kind).is_sliding)


def test_a_row_that_was_stored_costs_nothing_and_keeps_its_digits():
    store = RowStore()
    row = torch.randn(V)
    store.put([1, 2], row)
    store.put([1, 2], torch.zeros(V))
    assert store.get([1, 2]).logits is row
    assert store.get((1, 2)).logits is row
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


@given(st.lists(st.tuples(st.integers(0, 40), st.lists(st.integers(0, 1 << 40), max_size=30)), min_size=1, max_size=12))
def test_a_prefix_has_one_key_whatever_was_asked_before(moves):
    keys, ids, seen = PrefixKeys(block=4), [], {}
    for keep, added in moves:
        ids = ids[:keep] + added
        seen.setdefault(tuple(ids), set()).add(keys.key(ids))
    for ids, found in seen.items():
        assert found == {PrefixKeys().key(ids)}
    assert len(set().union(*seen.values())) == len(seen)


def test_a_store_that_was_cleared_takes_its_whole_limit_again():
    store = RowStore(limit=2 * 4 * V)
    store.put([1], torch.zeros(V))
    store.clear()
    store.put([2], torch.zeros(V))
    store.put([3], torch.zeros(V))
    assert [store.get([token_id]) is not None for token_id in (1, 2, 3)] == [False, True, True]


@pytest.mark.parametrize("kind", ["roberta", "xlm-roberta", "camembert", "bert", "opt", "biogpt", "xglm"])
@torch.inference_mode()
def test_learned_positions_are_counted_as_the_model_counts_them(kind):
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    config = AutoConfig.for_model(
        kind, vocab_size=V, max_position_embeddings=64, is_decoder=True, pad_token_id=1, **sizes
    )
    model = AutoModelForCausalLM.from_config(config).eval()
    ids = [3 + 7 * index % 120 for index in range(20)]
    expected = model(torch.tensor([ids])).logits[0, -1]
    for forward in (forward_for(model), NoCache(model)):
        assert difference(forward.logits(ids), expected) < TOLERANCE
