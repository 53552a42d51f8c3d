import random

import pytest
import torch

from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.core.token import Token
from explorer.engine.compute import sequences
from explorer.engine.compute.forward import batch
from explorer.engine.compute.forward.cache import forward_for
from explorer.engine.compute.forward.forward import Cancelled
from explorer.engine.compute.forward.recompute import NoCache
from explorer.engine.compute.sequences import Sequences
from explorer.engine.compute.tables.drawing import BatchDraws, Draws
from explorer.errors import EngineError
from tests.engine.architectures import V, build

PADDED = ("llama", "gpt2", "gemma3_text", "qwen3", "bloom")
COPIED = ("falcon_h1", "mamba2", "lfm2", "mamba")
ALONE = ("openai-gpt",)
EVERY = (*PADDED, *COPIED, *ALONE)
PROMPT = [3, 70, 80, 90, 100, 33]
RAGGED = [PROMPT, PROMPT[:2], [3, *range(50, 75)], [9], PROMPT]
PLAIN = SamplingParams(seed=1)
EOS = list(range(5, V, 9))


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


class Small:
    """A forward pass with memory for so many rows, and for no pass of the number `fails`."""

    def __init__(self, forward, rows: int, fails: int = 0) -> None:
        self._forward, self._rows, self._fails = forward, rows, fails
        self.refused = self.passes = 0

    def __call__(self, *args, input_ids, **kwargs):
        self.passes += 1
        if len(input_ids) > self._rows or self.passes == self._fails:
            self.refused += 1
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self._forward(*args, input_ids=input_ids, **kwargs)


@pytest.fixture
def forward(request):
    return forward_for(build(request.param))


def wide(forward) -> SamplingParams:
    """Settings under which a model of random weights is not sure of anything: an error would be seen."""
    return PLAIN.replace(temperature=2 * float(forward.logits(PROMPT).std()))


def make(forward, prompts, params, count=1, stop=None, row=None) -> Sequences:
    def plain(ids, cancelled):
        return forward.logits(ids, cancelled).clone()

    def token(token_id):
        return Token.from_bytes(token_id, bytes([token_id % 256]))

    stop = stop or StopRules(max_new_tokens=12)
    return Sequences(forward, row or plain, token, prompts, params, count, stop, EOS, None)


def sampled(*arguments, **named) -> list[list[int]]:
    """The ids of each sequence."""
    source = make(*arguments, **named)
    found: dict[int, list[int]] = {}
    while drawn := source.step(lambda: False):
        for one in drawn:
            found.setdefault(one.sequence, []).append(one.candidate.token.id)
    return [found[index] for index in sorted(found)]


def generated(model, ids, params, count) -> list[list[int]]:
    """What the library draws for num_return_sequences, each up to its end."""
    torch.manual_seed(params.seed)
    prompt = torch.tensor([ids])
    answer = model.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        do_sample=True,
        temperature=float(params.temperature),
        top_k=params.top_k,
        top_p=params.top_p,
        num_return_sequences=count,
        max_new_tokens=12,
        eos_token_id=EOS,
        pad_token_id=0,
    )
    rows = []
    for row in answer[:, len(ids) :].tolist():
        end = next((place for place, token_id in enumerate(row) if token_id in EOS), len(row) - 1)
        rows.append(row[: end + 1])
    return rows


@pytest.mark.parametrize("forward", EVERY, indirect=True)
def test_sequences_after_a_prompt_are_those_that_the_library_generates(forward):
    open_wide = wide(forward)
    found = set()
    for params in (PLAIN, open_wide, open_wide.replace(top_k=20, seed=2), open_wide.replace(top_p=0.8, seed=2**40)):
        expected = generated(forward._pass.model, PROMPT, params, 6)
        found.update(map(tuple, expected))
        assert (params, sampled(forward, [PROMPT], params, 6)) == (params, expected)
    assert len(found) > 12
    assert len(set(map(len, found))) > 2


@pytest.mark.parametrize("forward", EVERY, indirect=True)
def test_a_prompt_of_a_batch_draws_what_it_draws_alone_without_a_cache(forward):
    oracle = NoCache(forward._pass.model)
    for params in (wide(forward), SamplingParams(temperature=0)):
        expected = []
        for number, ids in enumerate(RAGGED):
            seed = None if params.seed is None else params.seed + number
            expected += sampled(oracle, [ids], params.replace(seed=seed))
        assert sampled(forward, RAGGED, params) == expected


@pytest.mark.parametrize("forward", PADDED, indirect=True)
@pytest.mark.parametrize(
    "looks_back", [{"repetition_penalty": 100.0}, {"no_repeat_ngram_size": 1}, {"min_new_tokens": 9}], ids=str
)
def test_the_samplers_see_of_a_padded_row_what_they_see_of_the_prompt_alone(forward, looks_back):
    oracle, params = NoCache(forward._pass.model), wide(forward)
    turned = params.replace(**looks_back)
    expected = [sampled(oracle, [ids], turned.replace(seed=1 + number))[0] for number, ids in enumerate(RAGGED)]
    assert sampled(forward, RAGGED, turned) == expected
    assert sampled(forward, RAGGED, params) != expected


@pytest.mark.parametrize("forward", [*PADDED, *COPIED], indirect=True)
def test_sequences_that_go_side_by_side_leave_the_cache_as_it_is(forward):
    oracle = NoCache(forward._pass.model)
    params, rng = wide(forward), random.Random(1)
    source = make(forward, [PROMPT], params, 4)
    drawn = source.step(lambda: False)
    while drawn:
        ids = [*PROMPT[: rng.randrange(1, 7)], rng.randrange(3, V)]
        torch.testing.assert_close(forward.logits(ids), oracle.logits(ids), rtol=1e-4, atol=1e-4)
        drawn = source.step(lambda: False)
    assert sampled(forward, [PROMPT], params, 4) == generated(forward._pass.model, PROMPT, params, 4)


@pytest.mark.parametrize(("forward", "passes"), [("llama", 1), ("mamba2", 5)], indirect=["forward"])
def test_prompts_share_a_pass_only_where_padding_does_not_move_them(forward, passes):
    read = []

    def row(ids, cancelled):
        read.append(ids)
        return forward.logits(ids, cancelled).clone()

    source = make(forward, RAGGED, PLAIN, stop=StopRules(max_new_tokens=1), row=row)
    steps = []
    while drawn := source.step(lambda: False):
        steps.append([one.sequence for one in drawn])
    assert (len(steps), len(read)) == ((1, 0) if passes == 1 else (5, 5))
    assert [index for step in steps for index in step] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("forward", ["llama", "lfm2"], indirect=True)
@pytest.mark.parametrize(("rows", "positions"), [(2, 1 << 16), (32, 60), (1, 1 << 16)])
def test_what_is_drawn_does_not_depend_on_how_many_go_together(forward, rows, positions, monkeypatch):
    params = wide(forward)
    expected = sampled(forward, RAGGED, params, 3)
    monkeypatch.setattr(sequences, "ROWS_AT_ONCE", rows)
    monkeypatch.setattr(sequences, "POSITIONS_AT_ONCE", positions)
    assert sampled(forward, RAGGED, params, 3) == expected


@pytest.mark.parametrize("forward", PADDED, indirect=True)
def test_any_token_may_stand_where_a_row_is_padded(forward, monkeypatch):
    params = wide(forward)
    expected = sampled(forward, RAGGED, params)
    monkeypatch.setattr(batch, "FILLER", V - 1)
    assert sampled(forward, RAGGED, params) == expected


@pytest.mark.parametrize("forward", ["llama"], indirect=True)
def test_a_cancellation_lands_before_the_next_token(forward):
    source = make(forward, RAGGED, PLAIN)
    assert source.step(lambda: False)
    with pytest.raises(Cancelled):
        source.step(lambda: True)
    assert source.step(lambda: False)


@pytest.mark.parametrize("forward", ["llama"], indirect=True)
def test_logits_that_are_not_finite_are_said(forward):
    source = make(forward, [PROMPT], PLAIN, row=lambda ids, cancelled: torch.full((V,), torch.nan))
    with pytest.raises(EngineError, match="not finite"):
        source.step(lambda: False)


def test_a_row_draws_the_same_whichever_others_draw_with_it():
    probs = torch.randn(5, 4, 300, generator=torch.Generator().manual_seed(0)).softmax(-1)
    everyone = BatchDraws(3, 4, 300, probs.device)
    expected = [everyone.draw(step, range(4)) for step in probs]
    for rows in ([2], [0, 3], [3, 1]):
        some = BatchDraws(3, 4, 300, probs.device)
        assert [some.draw(step[rows], rows) for step in probs] == [[step[row] for row in rows] for step in expected]
    one, plain = BatchDraws(9, 1, 300, probs.device), Draws(300, probs.device)
    assert [one.draw(step[:1], [0]) for step in probs] == [[plain.draw(p[:1], 9, n)] for n, p in enumerate(probs)]


@pytest.mark.parametrize(
    ("forward", "prompts", "count"),
    [
        *((kind, [PROMPT], 8) for kind in ("llama", "gemma3_text", "falcon_h1", "mamba2", "mamba")),
        *((kind, RAGGED, 1) for kind in ("llama", "gemma3_text")),
        ("llama", [PROMPT, PROMPT[:2]], 3),
    ],
    indirect=["forward"],
)
@pytest.mark.parametrize("fails", [0, 2])
def test_sequences_for_which_memory_runs_out_go_in_halves_and_draw_the_same(
    forward, prompts, count, fails, monkeypatch
):
    params, model = wide(forward), forward._pass.model
    expected = sampled(forward, prompts, params, count)
    assert len({tuple(ids) for ids in expected}) > 1
    forward.let_go()
    small = Small(model.forward, 100 if fails else 2, fails)
    monkeypatch.setattr(model, "forward", small)
    assert sampled(forward, prompts, params, count) == expected
    assert small.refused


def test_a_single_sequence_is_tried_once_more_with_nothing_kept(monkeypatch):
    forward, stop = forward_for(build("llama")), StopRules(max_new_tokens=9, eos=False)
    params, model = wide(forward), forward._pass.model
    expected = sampled(forward, [PROMPT], params, stop=stop)
    forward.let_go()
    with monkeypatch.context() as patch:
        small = Small(model.forward, 1, fails=5)
        patch.setattr(model, "forward", small)
        assert sampled(forward, [PROMPT], params, stop=stop) == expected
        assert small.refused == 1
    forward.let_go()
    monkeypatch.setattr(model, "forward", Small(model.forward, 0))
    with pytest.raises(torch.OutOfMemoryError):
        sampled(forward, [PROMPT], params)
