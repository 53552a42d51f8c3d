import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.core.distribution import Candidate, Distribution
from explorer.core.record import events, journal
from explorer.core.record.record import Record
from explorer.core.token import Token
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.replay.comparison import (
    Compared,
    between_tables,
    compare,
    divergence,
    exact_divergence,
    shared_path,
)
from explorer.replay.prefixes import Trie

weights = st.lists(st.floats(1e-6, 1.0), min_size=6, max_size=6)


def normal(values):
    total = math.fsum(values)
    return [value / total for value in values]


@given(weights, weights, st.integers(0, 6))
def test_fewer_rows_tell_less_divergence_and_never_more(p, q, rows):
    p, q = normal(p), normal(q)
    whole = math.fsum(a * math.log2(a / b) for a, b in zip(p, q, strict=True))
    assert exact_divergence([*map(math.log, p)], [*map(math.log, q)]) == pytest.approx(max(whole, 0), abs=1e-9)
    assert divergence(p, q) == pytest.approx(max(whole, 0), abs=1e-6)
    assert divergence(p[:rows], q[:rows]) <= whole + 1e-9
    assert divergence(p[:rows], p[:rows]) == 0


def test_what_one_gives_no_probability_is_infinitely_far():
    assert divergence([0.5, 0.5], [1.0, 0.0]) == math.inf
    assert exact_divergence([math.log(0.5), math.log(0.5)], [0.0, -math.inf]) == math.inf
    assert exact_divergence([0.0, -math.inf], [math.log(0.5), math.log(0.5)]) == pytest.approx(1.0)


def table(**probs):
    rows = (
        Candidate(
            token=Token.from_bytes(ord(name), name.encode()),
            rank=rank,
            logit=0.0,
            logprob=math.log(prob),
            prob=prob,
            sampling_prob=prob,
        )
        for rank, (name, prob) in enumerate(probs.items(), 1)
    )
    return Distribution(tuple(rows), 99, 1.0, 0.1, 99)


def test_only_rows_of_both_tables_are_compared():
    found = between_tables(table(a=0.5, b=0.25, c=0.125), table(b=0.5, a=0.25, d=0.125))
    assert (found.rows, found.changed_ranks) == (2, 2)
    assert found.max_logprob_error == pytest.approx(math.log(2))
    assert found.kl == pytest.approx(0.25)
    assert between_tables(table(a=0.5), table(b=0.5)).kl is None


async def test_two_records_of_one_walk_have_everything_in_common(recorded):
    record = journal.read(await recorded(ScriptedEngine.demo()))
    trie = Trie()
    a, b = Compared(record, "a", trie), Compared(record, "b", trie)
    found = compare(a, b)
    assert found.same_vocabulary
    assert found.shared_tokens == found.a.tokens == len(a.ids) == len(shared_path(a, b))
    assert (found.a.next, found.b.next) == (None, None)
    assert (found.max_kl, found.max_logprob_error, found.changed_ranks, found.mean_entropy_error) == (0, 0, 0, 0)
    tables = {tuple(e.candidates) for e in record.events if isinstance(e, events.Seen)}
    assert 5 < sum(one.rows > 0 for one in found.positions) <= len(tables)
    assert [one.on_path for one in found.positions] == sorted((one.on_path for one in found.positions), reverse=True)
    assert found.a.bits_per_byte == found.b.bits_per_byte


async def test_where_two_walks_part_is_told_and_what_they_share_is_compared(recorded):
    record = journal.read(await recorded(ScriptedEngine.demo(), prompt="Once upon a time"))
    cut = next(index for index, event in enumerate(record.events) if isinstance(event, events.Add))
    added = record.events[cut]
    one = msgspec.structs.replace(record, events=record.events[: cut + 1])
    other = msgspec.structs.replace(
        record, events=[*record.events[:cut], msgspec.structs.replace(added, id=266, bytes=b" fox".hex())]
    )
    trie = Trie()
    found = compare(Compared(one, "a", trie), Compared(other, "b", trie))
    assert found.shared_tokens == 5
    assert found.a.tokens == found.b.tokens == 6
    assert (found.a.next, found.b.next) != (None, None)
    assert found.b.next == "␣fox"
    assert found.shared_text.startswith("<|begin|>Once upon a time") or found.shared_text.startswith("Once upon a time")
    assert [(p.length, p.on_path) for p in found.positions][-1] == (5, True)
    assert [p.token for p in found.positions][:2] == ["Once", "␣upon"]


async def test_other_vocabularies_are_compared_by_their_text(recorded, header):
    record = journal.read(await recorded(ScriptedEngine.demo()))
    text = record.events[1].text
    data = [b"O", b"nce", b" upon a"]
    assert b"".join(data).decode() == text
    prompt = events.Prompt(text=text, ids=[5, 6, 7], bytes=[one.hex() for one in data])
    score = events.Score(logprobs=[None, -1.0, -math.log(8)], ranks=[None, 1, 1], entropies=[None, 1.0, 1.0])
    trie = Trie()
    one = msgspec.structs.replace(record, events=record.events[:3])
    other = Record(header, [prompt, score])
    found = compare(Compared(one, "a", trie), Compared(other, "b", trie))
    assert (found.same_vocabulary, found.shared_tokens, found.positions) == (False, None, [])
    assert found.shared_text == text
    assert found.b.bytes == 10
    assert found.b.bits == pytest.approx(1 / math.log(2) + 3)
    assert found.a.bytes == len(text)
    assert found.b.bits_per_byte == pytest.approx(found.b.bits / 10)
