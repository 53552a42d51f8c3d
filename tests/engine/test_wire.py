import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.core.chat import ChatOptions, Message
from explorer.core.distribution import Candidate, Distribution
from explorer.core.prefix import common_prefix
from explorer.core.query import Query
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.core.score import Alternative, Scored
from explorer.core.token import Token
from explorer.engine import calls
from explorer.engine.base import Progress
from explorer.engine.calls import Drawn, Floats, Found, RenderedChat, Step
from explorer.engine.capabilities import Capabilities
from explorer.engine.description import EngineInfo, ModelSettings, Module, Parameter, Structure
from explorer.engine.process import wire
from explorer.errors import ContextFull, EngineError, ModelError, UsageError

PARAMS = SamplingParams(0.7, 0.9, 40, 2**63 - 1, logit_bias=((5, -1.5),), suppress_tokens=(3, 4))
CANDIDATE = Candidate(
    token=Token(7, b"\xec\x98\n", "bytes", "ì"),
    rank=1,
    logit=None,
    logprob=-0.1,
    prob=0.9,
    sampling_prob=1.0,
    cut_by="top_p",
    adjusted_rank=3,
)
SCORED = [
    Scored(CANDIDATE.token),
    Scored(CANDIDATE.token, -0.5, 0.6, 2, 1.5, (Alternative(CANDIDATE.token, 1, -0.1, 0.9),)),
]
TABLE = Distribution((CANDIDATE,), 320, None, 0.1, 5, 0.2, 1.5)
INFO = EngineInfo(
    model="m", architecture="A", dtype="d", device="c", vocab_size=3, context_length=None, eos_ids=[1], tokenizer="f"
)
STRUCTURE = Structure(
    layers=1,
    heads=2,
    key_value_heads=None,
    head_dim=4,
    hidden_size=8,
    memory=10**12,
    quantization="gptq",
    devices={"": "cpu"},
    cache=Capabilities("plain", incremental=True, chunk=True, crop="crop", notes=("a note",)),
    modules=[Module("", "Llama", 7, "cpu, disk")],
    weights=[Parameter("lm_head.weight", (320, 8), "bfloat16", "disk")],
)
OPTIONS = ChatOptions(False, [{"name": "f"}], {"enable_thinking": False})
IDS = [1, 2, 3]
ASKED = [
    calls.Next(ids=IDS, params=PARAMS, top=30, include=[5]),
    calls.Next(ids=IDS, params=PARAMS, top=30, include=[5], prompt_length=3),
    calls.Generate(ids=IDS, params=PARAMS, draws=4, max_new_tokens=10, top=30, prompt_length=2),
    calls.Sample(
        prompts=[[1, 2], [3]],
        params=PARAMS,
        num_sequences=4,
        stop=StopRules(strings=("\n", "한"), ids=(7,), prob_below=0.5, max_length=9),
        padding="right",
    ),
    calls.Score(ids=IDS, top=3),
    calls.Score(ids=IDS, top=3, begin=7),
    calls.Compare(ids=IDS, continuations=[[1, 2], []]),
    calls.Search(ids=IDS, query=Query("bytes", data=b"\xec\x00"), params=PARAMS, limit=20, prompt_length=3),
    calls.Logprobs(ids=IDS),
    calls.Spell(data=b"\xec\n\x00"),
    calls.Encode(text="time", special_tokens=False, first=False),
    calls.Encode(text="한글\n\x00\u2028"),
    calls.RenderChat(
        messages=[Message("user", "한글"), Message("tool", None, {"calls": [{"a": None}]})], options=OPTIONS
    ),
    calls.Describe(ids=[0, 10**6]),
    calls.Inspect(),
    calls.Save(folder="/models/한", dtype="float16"),
    calls.Adapt(on=False),
]
ANSWERS = [
    (calls.Next, TABLE),
    (calls.Generate, Step(CANDIDATE, 0, TABLE, "stop")),
    (calls.Generate, Step(CANDIDATE, 0, None, None)),
    (calls.Sample, [Drawn(0, CANDIDATE, None), Drawn(3, CANDIDATE, "stop_string")]),
    (calls.Score, SCORED),
    (calls.Compare, [SCORED, []]),
    (calls.Search, Found((CANDIDATE,), 90_000)),
    (calls.Logprobs, Floats.of([-0.5, -math.inf])),
    (calls.Encode, [CANDIDATE.token]),
    (calls.Spell, []),
    (calls.RenderChat, RenderedChat("<s>옛", [CANDIDATE.token])),
    (calls.Describe, [CANDIDATE.token]),
    (calls.Inspect, STRUCTURE),
    (calls.Save, 2**40),
    (calls.Adapt, INFO),
]
REQUESTS = [
    wire.Load(ModelSettings(model="a/b", name="b")),
    wire.Ask(1, "next", msgspec.Raw(b'{"top":3}'), wire.Prefix(3, [1, 2], 2, 7)),
    wire.Ask(1, "inspect", msgspec.Raw(b"{}")),
    wire.Cancel(4),
]
REPLIES = [
    wire.Ready(INFO),
    wire.Progressed(3, Progress("loading", 1, 2)),
    wire.Told(1, msgspec.Raw(b'{"hits":[]}')),
    wire.Finished(2),
    wire.Failed(4, "UsageError", "no"),
]
LISTS = st.lists(st.integers(0, 3), max_size=12)


@pytest.mark.parametrize("message", REQUESTS, ids=lambda message: type(message).__name__)
def test_a_request_is_one_line_and_arrives_as_it_was_sent(message):
    line = wire.line(message)
    assert line.index(b"\n") == len(line) - 1
    assert wire.line(wire.decode_request(line)) == line


@pytest.mark.parametrize("message", REPLIES, ids=lambda message: type(message).__name__)
def test_a_reply_is_one_line_and_arrives_as_it_was_sent(message):
    line = wire.line(message)
    assert line.index(b"\n") == len(line) - 1
    assert wire.line(wire.decode_reply(line)) == line


@pytest.mark.parametrize("call", ASKED, ids=lambda call: call.name)
def test_a_call_arrives_as_it_was_asked(call):
    line = wire.line(wire.Ask.of(1, call, wire.PrefixWriter().write))
    assert wire.decode_request(line).read(wire.PrefixReader()) == call


@pytest.mark.parametrize(("kind", "answer"), ANSWERS, ids=lambda value: getattr(value, "name", ""))
def test_an_answer_arrives_as_it_was_given(kind, answer):
    line = wire.line(wire.Told.of(1, answer))
    assert line.index(b"\n") == len(line) - 1
    call = next(call for call in ASKED if type(call) is kind)
    assert wire.decode_reply(line).read(call) == answer


@given(st.lists(st.floats(width=32)))
def test_numbers_of_float32_arrive_as_they_were_sent_also_those_that_are_not_finite(numbers):
    sent = wire.line(wire.Told.of(1, Floats.of(numbers)))
    answer = wire.decode_reply(sent).read(calls.Logprobs(ids=IDS))
    assert list(map(repr, answer.numbers())) == list(map(repr, numbers))


def test_a_call_that_is_not_known_is_said():
    with pytest.raises(UsageError, match="knows no call “sing”"):
        wire.Ask(1, "sing", msgspec.Raw(b"{}")).read(wire.PrefixReader())


def test_a_line_that_is_too_long_is_said(monkeypatch):
    monkeypatch.setattr(wire, "LINE_LIMIT", 10_000)
    text = "a" * 20_000
    with pytest.raises(UsageError, match=r"request is 20\.1 kB long; the engine can take 10 kB at most\. Shorten"):
        wire.line(wire.Ask.of(1, calls.Encode(text=text), wire.PrefixWriter().write))
    with pytest.raises(UsageError, match=r"answer is 20 kB long; the engine can send 10 kB at most"):
        wire.line(wire.Told.of(1, text))


def test_every_message_is_tested_here():
    for union, examples in ((wire.Request, REQUESTS), (wire.Reply, REPLIES)):
        assert {type(example) for example in examples} == set(union.__args__)
    ours = {kind for kind in calls.CALLS.values() if kind.__module__ == calls.__name__}
    assert {type(call) for call in ASKED} == {kind for kind, _ in ANSWERS} == ours


@pytest.mark.parametrize("line", [b"", b"{}", b"hello", b'{"op":"jump"}', b'{"op":"cancel","id":"x"}', b"\xff"])
def test_a_line_that_is_no_message_is_refused(line):
    with pytest.raises(msgspec.MsgspecError):
        wire.decode_request(line)
    with pytest.raises(msgspec.MsgspecError):
        wire.decode_reply(line)


@pytest.mark.parametrize("kind", [UsageError, ModelError, EngineError, ContextFull, wire.UnknownBase])
def test_an_error_is_of_the_same_kind_at_the_other_end(kind):
    error = wire.Failed.of(1, kind("What happened.")).error()
    assert (type(error), str(error)) == (kind, "What happened.")


def test_an_error_of_an_unknown_kind_is_an_engine_error():
    error = wire.Failed(1, "SomethingNew", "What happened.").error()
    assert (type(error), str(error)) == (EngineError, "What happened.")


@given(st.lists(LISTS, max_size=30))
def test_each_prefix_arrives_as_the_ids_that_were_written(prefixes):
    writer, reader = wire.PrefixWriter(), wire.PrefixReader()
    for ids in prefixes:
        call = calls.Next(ids=ids, params=PARAMS, top=1)
        assert wire.decode_request(wire.line(wire.Ask.of(1, call, writer.write))).read(reader) == call


@given(st.lists(st.tuples(LISTS, st.booleans()), max_size=30))
def test_a_prefix_whose_base_was_lost_is_said_and_can_be_sent_whole(prefixes):
    writer, reader = wire.PrefixWriter(), wire.PrefixReader()
    for ids, arrives in prefixes:
        prefix = writer.write(ids)
        if not arrives:
            continue
        try:
            assert reader.read(prefix) == ids
        except wire.UnknownBase:
            assert reader.read(writer.write_whole(ids)) == ids


def test_a_prefix_is_never_read_from_a_base_that_was_forgotten():
    writer, reader = wire.PrefixWriter(), wire.PrefixReader()
    first = writer.write([1, 2, 3])
    reader.read(first)
    old = wire.Prefix(10**6, [4], first.handle, 2)
    assert reader.read(old) == [1, 2, 4]
    for count in range(wire.HANDLES_KEPT):
        reader.read(writer.write([1, 2, 3, count]))
    with pytest.raises(wire.UnknownBase):
        reader.read(old)


def test_a_step_does_not_grow_with_the_context():
    writer = wire.PrefixWriter()
    ids = list(range(10_000))
    writer.write(ids)
    for prefix in ([*ids, 5], ids[:-100]):
        call = calls.Next(ids=prefix, params=PARAMS, top=30)
        assert len(wire.line(wire.Ask.of(1, call, writer.write))) < 500


@given(LISTS, LISTS)
def test_the_common_prefix_is_the_longest_that_both_begin_with(left, right):
    length = common_prefix(left, right)
    assert left[:length] == right[:length]
    assert length == min(len(left), len(right)) or left[length] != right[length]
