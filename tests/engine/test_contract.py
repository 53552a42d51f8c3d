import asyncio
import contextlib
import math
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from explorer.core.chat import Chat, ChatOptions, Message
from explorer.core.query import Query
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.engine import calls
from explorer.engine.base import Engine
from explorer.engine.compute.forward.recompute import NoCache
from explorer.engine.compute.local import TransformersEngine
from explorer.engine.description import ModelSettings
from explorer.engine.process.client import WorkerEngine
from explorer.engine.prompts import encode_prompt, encode_source
from explorer.engine.scripted.scripted import EOS, ScriptedEngine
from explorer.errors import ContextFull, EngineError, UsageError

pytestmark = pytest.mark.asyncio(loop_scope="module")

ONE = SamplingParams(seed=1)
GREEDY = SamplingParams(temperature=0)


@pytest_asyncio.fixture(
    loop_scope="module", scope="module", params=["scripted", "transformers", "scripted worker", "transformers worker"]
)
async def case(request, tiny_folder, tmp_path_factory):
    """An engine that is ready, an oracle that computes the same plainly, and prefixes with a character of their own."""
    scripted = request.param.startswith("scripted")
    folder = "" if scripted else str(tiny_folder("llama"))
    settings = ModelSettings(model=folder, name="scripted" if scripted else "tiny", device="cpu")
    engine: Engine
    if request.param.endswith("worker"):
        log = tmp_path_factory.mktemp("log") / "engine.log"
        engine = WorkerEngine(settings, log, ["--engine", "scripted" if scripted else "transformers"])
    else:
        engine = ScriptedEngine.demo() if scripted else TransformersEngine(settings)
    oracle: Engine = ScriptedEngine.demo() if scripted else TransformersEngine(settings, forward=NoCache)
    said = []
    info = await engine.start(said.append)
    await oracle.start()
    yield SimpleNamespace(
        engine=engine,
        oracle=oracle,
        info=info,
        said=said,
        scripted=scripted,
        worker=request.param.endswith("worker"),
        prompt=[256, 258, 259, 260] if scripted else [1, 70, 80, 90],
        near_the_end=[256, 272] if scripted else [1, 70, 80, 90],
    )
    await engine.close()
    await oracle.close()
    await engine.close()
    if request.param.endswith("worker"):
        assert not log.exists() or log.read_text() == ""


async def steps(engine, ids, params=ONE, draws=0, count=8, top=5):
    return [step async for step in engine.generate(ids, params, draws=draws, max_new_tokens=count, top=top)]


async def finishing(engine, ids, reason, count):
    """The first settings under which a generation finishes for the reason, and its steps."""
    for seed in range(200):
        params = SamplingParams(seed=seed)
        found = await steps(engine, ids, params, count=count)
        if found[-1].finish == reason:
            return params, found
    raise AssertionError(f"no seed finishes with {reason}")


async def sequences(engine, prompts, params=ONE, count=1, **rules):
    """What was drawn of each sequence."""
    stop = StopRules(**{"max_new_tokens": 8} | rules)
    found = [[] for _ in range(len(prompts) * count)]
    async for drawn in engine.sample(prompts, params, num_sequences=count, stop=stop):
        assert drawn
        for one in drawn:
            found[one.sequence].append(one)
    return found


def ids_of(drawn) -> list[int]:
    return [one.candidate.token.id for one in drawn]


def numbers(distribution) -> list:
    return [(c.token.id, c.rank, pytest.approx(c.prob, rel=1e-4, abs=1e-8)) for c in distribution.candidates]


async def test_the_engine_says_what_it_is_once_it_is_ready(case):
    info = case.engine.info
    assert info == case.info
    assert (info.model, info.device) == ("scripted" if case.scripted else "tiny", "cpu")
    assert info.vocab_size == (276 if case.scripted else 320)
    assert info.context_length == (512 if case.scripted else 96)
    assert info.eos_ids == ([EOS] if case.scripted else [2, *range(40, 60)])
    assert len(info.tokenizer) == 64
    assert info == case.oracle.info
    assert bool(info.versions) != case.scripted
    assert info.sampling_defaults == {}
    known = {name for name, kind in calls.CALLS.items() if kind.__module__ == calls.__name__}
    assert set(info.answers) == known - ({"save"} if case.scripted else set())  # It has no weights.
    assert info.header().tokenizer == info.event(restarted=True).tokenizer == info.tokenizer


async def test_loading_says_how_far_it_is(case):
    assert bool(case.said) == (case.worker or not case.scripted)
    if not case.scripted:
        last = case.said[-1]
        assert (last.stage, last.done) == ("loading the weights", last.total) and last.total > 10


@pytest.mark.parametrize("text", ["Once upon a time", "옛날 옛적에 뷁", "", " ", "\x00\r\n\u2028", "👩‍👩‍👧"])
async def test_the_bytes_of_an_encoded_text_are_the_text(case, text):
    plain = await case.engine.encode(text, special_tokens=False)
    assert b"".join(token.bytes for token in plain) == text.encode()
    tokens = await case.engine.encode(text)
    assert [token.kind for token in tokens[:1]] == ["special"]
    assert [token.id for token in tokens[1:]] == [token.id for token in plain]
    assert await case.engine.describe([token.id for token in tokens]) == tokens


async def test_a_chat_is_rendered_by_the_template_and_encoded_once(case):
    assert case.info.chat_template
    talk = [Message("system", "Be kind."), Message("user", "옛날 <|end|>"), Message("assistant", "", {"x": [1]})]
    for generation in (True, False):
        chat = await case.engine.render_chat(talk, ChatOptions(generation, [{"name": "f"}], {"thinking": False}))
        end = "assistant:" if generation else ""
        assert chat.text == f"<|begin|>system: Be kind.<|end|>\nuser: 옛날 <|end|><|end|>\nassistant: <|end|>\n{end}"
        assert b"".join(token.bytes for token in chat.tokens).decode() == chat.text
        assert [token.piece for token in chat.tokens if token.kind == "special"] == ["<|begin|>"] + ["<|end|>"] * 4
        assert chat.tokens == await case.engine.encode(chat.text, special_tokens=False)
    with pytest.raises(UsageError, match="refuses these messages"):
        await case.engine.render_chat([Message("pirate", "Arr")], ChatOptions())


async def test_a_walk_begins_with_a_text_or_a_chat(case):
    for source in ("Once", Chat((Message("user", "Once"),))):
        tokens, event = await encode_source(case.engine, source)
        assert event.ids == [token.id for token in tokens]
        assert event.chat() == (None if source == "Once" else source)
        assert event.text == ("Once" if source == "Once" else "<|begin|>user: Once<|end|>\nassistant:")
    with pytest.raises(ContextFull, match="Shorten"):
        await encode_source(case.engine, Chat((Message("user", "뷁" * case.info.context_length),)))


async def test_an_id_without_an_entry_is_described_as_unused(case):
    tokens = await case.engine.describe([case.info.vocab_size - 1, 10**6, -1, *case.prompt])
    assert [token.kind for token in tokens[:3]] == ["text" if case.scripted else "unused", "unused", "unused"]
    assert tokens[1].id == 10**6
    assert await case.engine.describe([]) == []


async def test_a_table_is_in_the_order_of_ranks_and_its_masses_sum_to_one(case):
    for params in (ONE, SamplingParams(0.7, 0.8, 20), GREEDY):
        whole = await case.engine.next(case.prompt, params, case.info.vocab_size)
        assert [c.rank for c in whole.candidates] == list(range(1, case.info.vocab_size + 1))
        logits = [(-c.logit, c.token.id) for c in whole.candidates]
        assert logits == sorted(logits)
        assert whole.other_prob == pytest.approx(0, abs=1e-5)
        assert sum(c.sampling_prob for c in whole.candidates) == pytest.approx(1, abs=1e-5)
        assert sum(c.sampling_prob > 0 for c in whole.candidates) == whole.kept
        assert all((c.cut_by is None) == (c.sampling_prob > 0) for c in whole.candidates)
        part = await case.engine.next(case.prompt, params, 7)
        assert part.candidates == whole.candidates[:7]
        assert sum(c.prob for c in part.candidates) + part.other_prob == pytest.approx(1, abs=1e-5)
        assert (part.kept, part.entropy, part.vocab_size) == (whole.kept, whole.entropy, case.info.vocab_size)


async def test_a_table_is_in_the_order_after_bias_and_penalty_and_bans_keep_their_places(case):
    params = SamplingParams(logit_bias=((65, 30.0),), repetition_penalty=1.5, suppress_tokens=(66, 65), top_k=3)
    whole = await case.engine.next(case.prompt, params, case.info.vocab_size)
    assert [c.place for c in whole.candidates] == list(range(1, case.info.vocab_size + 1))
    first = whole.candidates[0]
    assert (first.token.id, first.adjusted_rank, first.cut_by) == (65, 1, "suppress_tokens")
    assert whole.find(66).cut_by == "suppress_tokens"
    plain = await case.engine.next(case.prompt, ONE, case.info.vocab_size)
    assert {c.token.id: c.rank for c in whole.candidates} == {c.token.id: c.rank for c in plain.candidates}
    assert whole.sampling_entropy < plain.sampling_entropy == pytest.approx(plain.entropy)
    assert plain.cut_mass == 0
    assert whole.cut_mass == pytest.approx(sum(c.prob for c in whole.candidates if c.cut_by), abs=1e-5)
    part = await case.engine.next(case.prompt, params, 4, [66])
    assert part.candidates == (*whole.candidates[:4], whole.find(66))


async def test_the_end_is_banned_until_enough_tokens_stand_after_the_prompt(case):
    params, end = SamplingParams(min_new_tokens=2), case.info.eos_ids[0]
    cuts = []
    for length in (None, 4, 3, 2, 1):
        table = await case.engine.next(case.prompt, params, 1, [end], prompt_length=length)
        cuts.append(table.find(end).cut_by)
    assert cuts == ["min_new_tokens"] * 3 + [None] * 2
    first = SamplingParams(seed=1, logit_bias=((end, 100.0),), min_new_tokens=2)
    stream = case.engine.generate(
        [*case.prompt, 70], first, draws=0, max_new_tokens=5, top=1, prompt_length=len(case.prompt)
    )
    drawn = [step.drawn.token.id async for step in stream]
    assert [token_id == end for token_id in drawn] == [False, True]


async def test_a_setting_that_names_a_token_outside_the_vocabulary_is_refused(case):
    for params in (SamplingParams(suppress_tokens=(10**6,)), SamplingParams(logit_bias=((10**6, 1.0),))):
        with pytest.raises(UsageError, match="1000000"):
            await case.engine.next(case.prompt, params, 1)
        with pytest.raises(UsageError, match="1000000"):
            await steps(case.engine, case.prompt, params.replace(seed=1))


@pytest.mark.parametrize("temperature", [0.0, 1.0])
async def test_where_the_samplers_leave_no_token_a_draw_says_so(case, temperature):
    params = SamplingParams(temperature, seed=1, suppress_tokens=tuple(range(case.info.vocab_size)))
    assert (await case.engine.next(case.prompt, params, 5)).kept == 0
    with pytest.raises(EngineError, match="cut every token"):
        await steps(case.engine, case.prompt, params)


async def test_included_tokens_come_with_their_true_ranks(case):
    whole = await case.engine.next(case.prompt, ONE, case.info.vocab_size)
    wanted = [whole.candidates[i].token.id for i in (200, 2, 50)]
    seen = await case.engine.next(case.prompt, ONE, 5, [*wanted, wanted[0], -1, 10**6])
    assert seen.candidates == (*whole.candidates[:5], whole.candidates[50], whole.candidates[200])


async def test_a_table_is_the_oracles_and_the_same_again(case):
    for ids in (case.prompt, case.prompt[:1], [*case.prompt, 70, 71], [*case.prompt[:-1], 99, 5]):
        seen = await case.engine.next(ids, SamplingParams(0.7, 0.9), 20)
        expected = await case.oracle.next(ids, SamplingParams(0.7, 0.9), 20)
        assert [(c.token.id, c.rank, c.prob) for c in expected.candidates] == numbers(seen)
        assert seen.candidates[0].token == expected.candidates[0].token
        assert await case.engine.next(ids, SamplingParams(0.7, 0.9), 20) == seen


async def test_what_cannot_be_answered_is_said(case):
    limit = case.info.context_length
    for call in (lambda ids: case.engine.next(ids, ONE, 5), lambda ids: steps(case.engine, ids)):
        with pytest.raises(UsageError, match="no token to go on from"):
            await call([])
        for wrong in (case.info.vocab_size, -1):
            with pytest.raises(UsageError, match=f"no token {wrong}"):
                await call([*case.prompt, wrong])
        with pytest.raises(ContextFull, match=f"{limit + 1} tokens"):
            await call([case.prompt[0]] * (limit + 1))
    with pytest.raises(ContextFull, match="full"):
        await steps(case.engine, [case.prompt[0]] * limit)
    with pytest.raises(UsageError, match="seed"):
        await steps(case.engine, case.prompt, SamplingParams())
    assert len((await case.engine.next([case.prompt[0]] * limit, ONE, 5)).candidates) == 5


async def test_a_prompt_that_no_walk_can_begin_with_is_said(case):
    assert [t.kind for t in await encode_prompt(case.engine, "")] == ["special"]
    with pytest.raises(ContextFull, match="Shorten"):
        await encode_prompt(case.engine, "뷁" * case.info.context_length)


async def test_each_step_comes_with_its_table_and_its_draw(case):
    _, found = await finishing(case.engine, case.prompt, "length", 6)
    assert [step.draw for step in found] == list(range(6))
    assert [step.finish for step in found] == [None] * 5 + ["length"]
    ids = list(case.prompt)
    for step in found:
        whole = await case.engine.next(ids, ONE, case.info.vocab_size)
        assert step.drawn == whole.find(step.drawn.token.id)
        ids.append(step.drawn.token.id)
        assert step.distribution == await case.engine.next(ids, ONE, 5)


async def test_a_seed_draws_the_same_tokens_again_at_once_or_one_by_one(case):
    params, found = await finishing(case.engine, case.prompt, "length", 6)
    ids = [step.drawn.token.id for step in found]
    assert await steps(case.engine, case.prompt, params, count=6) == found
    assert [step.drawn.token.id for step in await steps(case.oracle, case.prompt, params, count=6)] == ids
    for index in (5, 0, 3):
        one = await steps(case.engine, case.prompt + ids[:index], params, draws=index, count=1)
        assert [(step.drawn.token.id, step.draw, step.finish) for step in one] == [(ids[index], index, "length")]
    walks = [await steps(case.engine, case.prompt, SamplingParams(seed=seed)) for seed in range(9)]
    assert len({tuple(step.drawn.token.id for step in walk) for walk in walks}) > 1


async def test_greedy_takes_the_first_rank_without_a_seed(case):
    found = await steps(case.engine, case.prompt, GREEDY)
    assert {step.drawn.rank for step in found} == {1}


async def test_an_end_token_is_the_last(case):
    _, found = await finishing(case.engine, case.near_the_end, "stop", 40)
    ends = [step.drawn.token.id in case.info.eos_ids for step in found]
    assert ends == [False] * (len(ends) - 1) + [True]
    assert [step.finish for step in found[:-1]] == [None] * (len(found) - 1)


async def test_the_last_position_of_the_context_is_the_last_token(case):
    begin = [case.prompt[-1]] * (case.info.context_length - 2)
    _, found = await finishing(case.engine, begin, "context", 10)
    assert [step.finish for step in found] == [None, "context"]


async def test_a_generation_that_is_closed_leaves_the_engine_right(case):
    params, seen = SamplingParams(seed=77), []
    stream = case.engine.generate(case.prompt, params, draws=0, max_new_tokens=80, top=5)
    async with contextlib.aclosing(stream):
        async for step in stream:
            seen.append(step.drawn.token.id)
            break
    for ids in (case.prompt + seen, [*case.prompt[:2], 66], [*case.prompt, *seen, 71, 72]):
        expected = await case.oracle.next(ids, ONE, 9)
        assert [(c.token.id, c.rank, c.prob) for c in expected.candidates] == numbers(
            await case.engine.next(ids, ONE, 9)
        )


async def test_a_call_that_is_cancelled_leaves_the_engine_right(case):
    started = asyncio.Event()

    async def watch():
        async for _ in case.engine.generate([*case.prompt, 75], ONE, draws=0, max_new_tokens=80, top=5):
            started.set()

    task = asyncio.create_task(watch())
    await asyncio.wait_for(started.wait(), 20)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.wait_for(task, 20)
    asked = [asyncio.create_task(case.engine.next([*case.prompt, 76, other], ONE, 5)) for other in range(20)]
    await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    for task in asked[::2]:
        task.cancel()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    for other, answer in enumerate(answers):
        if isinstance(answer, asyncio.CancelledError):
            answer = await case.engine.next([*case.prompt, 76, other], ONE, 5)
        expected = await case.oracle.next([*case.prompt, 76, other], ONE, 5)
        assert [(c.token.id, c.rank, c.prob) for c in expected.candidates] == numbers(answer)


async def test_many_calls_at_once_get_their_own_answers(case):
    prefixes = [[*case.prompt, *[70 + n] * (n % 3), n] for n in range(24)]
    answers = await asyncio.gather(*(case.engine.next(ids, ONE, 4, [n]) for n, ids in enumerate(prefixes)))
    for n, (ids, answer) in enumerate(zip(prefixes, answers, strict=True)):
        expected = await case.oracle.next(ids, ONE, 4, [n])
        assert [(c.token.id, c.rank, c.prob) for c in expected.candidates] == numbers(answer)


async def test_the_structure_of_the_model_is_told(case):
    structure, expected = await case.engine.structure(), await case.oracle.structure()
    assert structure.modules[0].name == ""
    assert structure.modules[0].kind == case.info.architecture
    assert msgspec.structs.replace(structure, cache=expected.cache) == expected


async def test_one_sequence_is_what_a_generation_draws(case):
    for reason, prompt, count in (("length", case.prompt, 6), ("stop", case.near_the_end, 40)):
        params, found = await finishing(case.engine, prompt, reason, count)
        [drawn] = await sequences(case.engine, [prompt], params, max_new_tokens=count)
        assert ids_of(drawn) == [step.drawn.token.id for step in found]
        assert [one.finish for one in drawn] == [step.finish for step in found]
    [greedy] = await sequences(case.engine, [case.prompt], GREEDY)
    assert {one.candidate.rank for one in greedy} == {1}


async def test_each_token_of_a_sequence_has_the_numbers_of_its_place(case):
    params = SamplingParams(temperature=1.3, top_k=9, seed=4)
    for drawn in await sequences(case.engine, [case.prompt, case.prompt[:2]], params, 2, eos=False):
        assert (len(drawn), drawn[-1].finish) == (8, "length")
        ids = case.prompt if drawn[0].sequence < 2 else case.prompt[:2]
        for one in drawn:
            token_id = one.candidate.token.id
            there = (await case.oracle.next(ids, params, 1, [token_id])).find(token_id)
            assert (one.candidate.token, one.candidate.rank, one.candidate.cut_by) == (there.token, there.rank, None)
            for field in ("logit", "logprob", "prob", "sampling_prob"):
                assert getattr(one.candidate, field) == pytest.approx(getattr(there, field), rel=1e-4, abs=1e-6)
            ids = [*ids, token_id]


async def test_sequences_after_one_prompt_differ_and_come_again(case):
    found = await sequences(case.engine, [case.prompt], count=5)
    assert [ids_of(drawn) for drawn in await sequences(case.engine, [case.prompt], count=5)] == list(map(ids_of, found))
    assert [ids_of(drawn) for drawn in await sequences(case.oracle, [case.prompt], count=5)] == list(map(ids_of, found))
    assert len({tuple(ids_of(drawn)) for drawn in found}) > 1


async def test_a_prompt_in_a_batch_draws_what_it_draws_alone(case):
    prompts = [case.prompt, case.prompt[:1], [*case.prompt, 70, 71, 72, 73, 74, 75, 76], case.near_the_end]
    params = SamplingParams(temperature=1.2, top_p=0.95, seed=30)
    for count in (1, 3):
        batch = await sequences(case.engine, prompts, params, count)
        alone = []
        for number, ids in enumerate(prompts):
            alone += await sequences(case.engine, [ids], params.replace(seed=30 + number), count)
        assert list(map(ids_of, batch)) == list(map(ids_of, alone))
        assert [drawn[-1].finish for drawn in batch] == [drawn[-1].finish for drawn in alone]
    assert await sequences(case.engine, []) == []


async def test_the_end_of_a_sequence_does_not_change_what_the_others_draw(case):
    for seed in range(60):
        params = SamplingParams(seed=seed)
        free = await sequences(case.engine, [case.near_the_end], params, 4, eos=False, max_new_tokens=16)
        ended = await sequences(case.engine, [case.near_the_end], params, 4, max_new_tokens=16)
        for all_of_it, drawn in zip(free, ended, strict=True):
            assert ids_of(all_of_it)[: len(drawn)] == ids_of(drawn)
            assert [one.finish for one in drawn[:-1]] == [None] * (len(drawn) - 1)
            last_is_end = drawn[-1].candidate.token.id in case.info.eos_ids
            assert drawn[-1].finish == ("stop" if last_is_end else "length")
        if len({len(drawn) for drawn in ended}) > 2:
            return
    raise AssertionError("no seed ends sequences at three places")


async def test_a_sequence_stops_for_what_it_is_told_to(case):
    [drawn] = await sequences(case.engine, [case.prompt], eos=False)
    third = drawn[2].candidate.token
    told: dict[str, dict[str, Any]] = {
        "stop_id": {"ids": (third.id,)},
        "unsure": {"prob_below": 1.0},
    }
    if text := third.bytes.decode(errors="ignore"):
        told["stop_string"] = {"strings": (text,)}
    for reason, rule in told.items():
        [found] = await sequences(case.engine, [case.prompt], eos=False, **rule)
        assert (reason, ids_of(found)) == (reason, ids_of(drawn)[: len(found)])
        assert found[-1].finish == reason
    full = [case.prompt[-1]] * (case.info.context_length - 2)
    found = await sequences(case.engine, [full, case.prompt], count=2, eos=False)
    assert [(len(one), one[-1].finish) for one in found] == [(2, "context")] * 2 + [(8, "length")] * 2


async def test_what_cannot_be_sampled_is_said(case):
    for wrong, said in (
        (([case.prompt], SamplingParams()), "seed"),
        (([case.prompt], GREEDY, 2), "temperature 0"),
        (([case.prompt], ONE, 0), "at least 1"),
        (([case.prompt, []],), "no token to go on from"),
        (([case.prompt, [case.info.vocab_size]],), "no token"),
    ):
        with pytest.raises(UsageError, match=said):
            await sequences(case.engine, *wrong)
    with pytest.raises(ContextFull, match="full"):
        await sequences(case.engine, [case.prompt, [case.prompt[0]] * case.info.context_length])


async def test_sequences_that_are_closed_or_cancelled_leave_the_engine_right(case):
    stop = StopRules(max_new_tokens=80, eos=False)
    prompts = [case.prompt, case.prompt[:2]]
    async with contextlib.aclosing(case.engine.sample(prompts, ONE, num_sequences=3, stop=stop)) as steps:
        async for drawn in steps:
            first = drawn
            break
    assert [one.sequence for one in first] == list(range(len(first)))
    started = asyncio.Event()

    async def watch():
        async for _ in case.engine.sample([case.prompt], ONE, num_sequences=3, stop=stop):
            started.set()

    task = asyncio.create_task(watch())
    await asyncio.wait_for(started.wait(), 20)
    # Another question in between is answered, and the sequences are not moved by it.
    answer = await case.engine.next([*case.prompt, 79], ONE, 5)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.wait_for(task, 20)
    expected = await case.oracle.next([*case.prompt, 79], ONE, 5)
    assert [(c.token.id, c.rank, c.prob) for c in expected.candidates] == numbers(answer)
    expected = await case.oracle.next([*case.prompt, 78], ONE, 5)
    assert [(c.token.id, c.rank, c.prob) for c in expected.candidates] == numbers(
        await case.engine.next([*case.prompt, 78], ONE, 5)
    )


async def scores(engine, ids, top=0, begin=0):
    return [scored async for part in engine.score(ids, top, begin) for scored in part]


def close_to(scored) -> list:
    return [
        (s.token, s.rank, pytest.approx(s.logprob, abs=1e-5), pytest.approx(s.entropy, abs=1e-4), pytest.approx(s.prob))
        for s in scored
    ]


def plain(scored) -> list:
    return [(s.token, s.rank, s.logprob, s.entropy, s.prob) for s in scored]


async def test_a_score_may_begin_anywhere_in_the_text(case):
    ids = [*case.prompt, 70, 71, 72, 73]
    whole = await scores(case.oracle, ids, 3)
    for begin in (0, 1, len(case.prompt), len(ids) - 1):
        tail = await scores(case.engine, ids, 3, begin)
        assert plain(tail) == close_to(whole[begin:])
        assert [[a.token.id for a in s.top] for s in tail] == [[a.token.id for a in s.top] for s in whole[begin:]]
    assert await scores(case.engine, ids, 3, len(ids)) == []


async def test_the_first_token_that_is_scored_has_the_digits_of_the_table_it_was_chosen_from(case):
    ids = [*case.prompt, 90, 91, 92]
    table = await case.engine.next(ids[:-2], ONE, 1, [91])
    first, *_ = await scores(case.engine, ids, 0, len(ids) - 2)
    assert (first.logprob, first.rank) == (table.find(91).logprob, table.find(91).rank)


async def test_continuations_side_by_side_have_the_numbers_of_each_alone(case):
    continuations = [[70, 71, 72, 73, 74], [75], [], [70, 71, 80], [76, 77, 78, 79], [75]]
    found = await case.engine.compare(case.prompt, continuations)
    for scored, continuation in zip(found, continuations, strict=True):
        alone = await scores(case.oracle, [*case.prompt, *continuation], 0, len(case.prompt))
        assert plain(scored) == close_to(alone)
        assert all(s.top == () for s in scored)
    assert await case.engine.compare(case.prompt, []) == []
    for ids in (case.prompt, [*case.prompt, 70, 71]):
        expected = await case.oracle.next(ids, ONE, 9)
        seen = await case.engine.next(ids, ONE, 9)
        assert [(c.token.id, c.rank, c.prob) for c in expected.candidates] == numbers(seen)


async def test_a_comparison_that_is_cancelled_leaves_the_engine_right(case):
    ids = [*case.prompt, 81]
    continuations = [[70 + n, *range(3, 60)] for n in range(12)]
    task = asyncio.create_task(case.engine.compare(ids, continuations))
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    [scored] = await case.engine.compare(ids, continuations[:1])
    assert plain(scored) == close_to(await scores(case.oracle, [*ids, *continuations[0]], 0, len(ids)))


QUERIES = (
    Query("text", ""),
    Query("text", "THE"),
    Query("text", "nothing has this"),
    Query("regex", "^[ a]"),
    Query("bytes", data=b" "),
    Query("bytes", data=b"\xec"),
    Query("id", id=70),
    Query("id", id=10**6),
)


@pytest.mark.parametrize("params", [ONE, SamplingParams(0.7, 0.9, logit_bias=((70, 9.0),), repetition_penalty=1.2)])
@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.text or query.kind)
async def test_a_search_finds_each_match_at_its_true_place(case, query, params):
    whole = await case.engine.next(case.prompt, params, case.info.vocab_size)
    there = [candidate for candidate in whole.candidates if candidate.token.kind != "unused"]
    data = {candidate.token.id: candidate.token.bytes for candidate in there}
    expected = {
        Query("text", "THE"): [i for i in data if b"the" in data[i].lower()],
        Query("regex", "^[ a]"): [i for i in data if data[i][:1] in (b" ", b"a")],
        Query("bytes", data=b" "): [i for i in data if data[i].startswith(b" ")],
        Query("bytes", data=b"\xec"): [i for i in data if data[i].startswith(b"\xec")],
        Query("id", id=70): [70],
        Query("text", ""): list(data),
    }.get(query, [])
    found = await case.engine.search(case.prompt, query, params, 10**6)
    assert [hit.token.id for hit in found.hits] == expected
    assert found.hits == tuple(whole.find(token_id) for token_id in expected)
    assert found.total == len(expected)
    few = await case.engine.search(case.prompt, query, params, 2)
    assert (few.hits, few.total) == (found.hits[:2], found.total)


async def test_a_search_looks_at_the_end_of_the_prompt_as_a_table_does(case):
    end = Query("id", id=case.info.eos_ids[0])
    params = SamplingParams(min_new_tokens=2)
    assert (await case.engine.search(case.prompt, end, params, 1)).hits[0].cut_by == "min_new_tokens"
    assert (await case.engine.search(case.prompt, end, params, 1, prompt_length=2)).hits[0].cut_by is None


async def test_a_regular_expression_that_is_none_is_said(case):
    for pattern, said in (("(", "not a regular expression"), ("[z-a]", "not a regular expression")):
        with pytest.raises(UsageError, match=said):
            await case.engine.search(case.prompt, Query("regex", pattern), ONE, 5)


async def test_the_logprobs_are_those_of_the_whole_table(case):
    table = await case.engine.next(case.prompt, ONE, case.info.vocab_size)
    found = await case.engine.logprobs(case.prompt)
    assert len(found) == case.info.vocab_size
    assert found == pytest.approx([table.find(token_id).logprob for token_id in range(len(found))], abs=1e-6)
    assert math.fsum(map(math.exp, found)) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("text", [" upon a time", "upon", "\nfox", "옛날 뷁", "", "👩‍👩‍👧", "\x00"])
async def test_the_bytes_of_a_text_that_goes_on_are_the_text(case, text):
    tokens = await case.engine.encode(text, special_tokens=False, first=False)
    assert b"".join(token.bytes for token in tokens) == text.encode()
    assert await case.engine.describe([0, *(token.id for token in tokens)]) == [
        *await case.engine.describe([0]),
        *tokens,
    ]


async def test_bytes_are_spelt_by_as_few_tokens_as_can_be(case):
    for data in (b"", b" the", b"\xec", b"the fox\xff\x00 \xec\x98", "안녕".encode(), b"<|end|>"):
        tokens = await case.engine.spell(data)
        assert b"".join(token.bytes for token in tokens) == data
        assert "special" not in [token.kind for token in tokens]
    entries = [t for t in await case.engine.describe(range(1, case.info.vocab_size)) if t.kind in ("text", "bytes")]
    longest = max(entries, key=lambda token: len(token.bytes))
    assert [token.bytes for token in await case.engine.spell(longest.bytes)] == [longest.bytes]


async def test_what_cannot_be_asked_is_said(case):
    limit = case.info.context_length
    full = [case.prompt[0]] * limit
    asked = (
        lambda ids: case.engine.compare(ids, [[70]]),
        lambda ids: case.engine.compare(case.prompt, [ids, [70]]) if ids else case.engine.compare([], []),
        lambda ids: case.engine.search(ids, QUERIES[0], ONE, 5),
        case.engine.logprobs,
        lambda ids: scores(case.engine, ids, begin=1),
    )
    for ask in asked:
        with pytest.raises(UsageError, match="no token to go on from"):
            await ask([])
        with pytest.raises(UsageError, match=f"no token {case.info.vocab_size}"):
            await ask([*case.prompt, case.info.vocab_size])
        with pytest.raises(ContextFull, match="tokens"):
            await ask([*full, 70])
    with pytest.raises(ContextFull, match=f"{limit + 1} tokens"):
        await case.engine.compare(full, [[70]])
