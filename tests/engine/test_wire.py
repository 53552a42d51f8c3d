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
from explorer.engine.base import Drawn, Found, Progress, RenderedChat, Step
from explorer.engine.capabilities import Capabilities
from explorer.engine.description import EngineInfo, ModelSettings, Module, Parameter, Structure
from explorer.engine.process import wire
from explorer.errors import ContextFull, EngineError, ModelError, UsageError

PARAMS = SamplingParams(0.7, 0.9, 40, 2**63 - 1, logit_bias=((5, -1.5),), suppress_tokens=(3, 4))
PREFIX = wire.Prefix(3, [1, 2], 2, 7)
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
REQUESTS = [
    wire.Load(ModelSettings(model="a/b", name="b")),
    wire.Next(1, PREFIX, PARAMS, 30, [5]),
    wire.Next(1, PREFIX, PARAMS, 30, [5], 3),
    wire.Generate(2, PREFIX, PARAMS, 4, 10, 30, 2),
    wire.Sample(6, [[1, 2], [3]], PARAMS, 4, StopRules(strings=("\n", "한"), ids=(7,), prob_below=0.5)),
    wire.Score(5, PREFIX, 3),
    wire.Score(5, PREFIX, 3, 7),
    wire.Compare(5, PREFIX, [[1, 2], []]),
    wire.Search(7, PREFIX, Query("bytes", data=b"\xec\x00"), PARAMS, 20, 3),
    wire.Logprobs(8, PREFIX),
    wire.Spell(3, b"\xec\n\x00"),
    wire.Encode(3, "time", False, first=False),
    wire.Encode(3, "한글\n\x00\u2028", True),
    wire.RenderChat(3, [Message("user", "한글"), Message("tool", None, {"calls": [{"a": None}]})], OPTIONS),
    wire.Describe(4, [0, 10**6]),
    wire.Inspect(6),
    wire.Cancel(4),
]
REPLIES = [
    wire.ScoredPart(
        5,
        [
            Scored(CANDIDATE.token),
            Scored(CANDIDATE.token, -0.5, 0.6, 2, 1.5, (Alternative(CANDIDATE.token, 1, -0.1, 0.9),)),
        ],
    ),
    wire.Ready(INFO),
    wire.Progressed(Progress("loading", 1, 2)),
    wire.Table(1, TABLE),
    wire.Stepped(2, Step(CANDIDATE, 0, TABLE, "stop")),
    wire.Stepped(2, Step(CANDIDATE, 0, None, None)),
    wire.Sampled(6, [Drawn(0, CANDIDATE, None), Drawn(3, CANDIDATE, "stop_string")]),
    wire.Compared(5, [SCORED, []]),
    wire.Hits(7, Found((CANDIDATE,), 90_000)),
    wire.Floats.of(8, [-0.5, -math.inf]),
    wire.Finished(2),
    wire.Tokens(3, [CANDIDATE.token]),
    wire.Inspected(6, STRUCTURE),
    wire.Rendered(3, RenderedChat("<s>옛", [CANDIDATE.token])),
    wire.Failed(4, "UsageError", "no"),
]
LISTS = st.lists(st.integers(0, 3), max_size=12)


@pytest.mark.parametrize("message", REQUESTS, ids=lambda message: type(message).__name__)
def test_a_request_is_one_line_and_arrives_as_it_was_sent(message):
    line = wire.encode(message)
    assert b"\n" not in line
    assert wire.decode_request(line) == message


@pytest.mark.parametrize("message", REPLIES, ids=lambda message: type(message).__name__)
def test_a_reply_is_one_line_and_arrives_as_it_was_sent(message):
    line = wire.encode(message)
    assert b"\n" not in line
    assert wire.decode_reply(line) == message


@given(st.lists(st.floats(width=32)))
def test_numbers_of_float32_arrive_as_they_were_sent_also_those_that_are_not_finite(numbers):
    reply = wire.decode_reply(wire.encode(wire.Floats.of(1, numbers)))
    assert list(map(repr, reply.numbers())) == list(map(repr, numbers))


def test_every_message_is_tested_here():
    for union, examples in ((wire.Request, REQUESTS), (wire.Reply, REPLIES)):
        assert {type(example) for example in examples} == set(union.__args__)


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
        sent = wire.encode(wire.Next(1, writer.write(ids), PARAMS, 1, []))
        assert reader.read(wire.decode_request(sent).prefix) == ids


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
    assert len(wire.encode(wire.Next(1, writer.write([*ids, 5]), PARAMS, 30, []))) < 250
    assert len(wire.encode(wire.Next(1, writer.write(ids[:-100]), PARAMS, 30, []))) < 250


@given(LISTS, LISTS)
def test_the_common_prefix_is_the_longest_that_both_begin_with(left, right):
    length = common_prefix(left, right)
    assert left[:length] == right[:length]
    assert length == min(len(left), len(right)) or left[length] != right[length]
