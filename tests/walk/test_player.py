from fractions import Fraction
from pathlib import Path

import pytest

from explorer.core.record import events, journal
from explorer.core.record.events import Header
from explorer.core.record.record import Record
from explorer.core.sampling.params import SamplingParams
from explorer.core.walk.recorded import recorded_session
from explorer.errors import RecordError, UsageError
from explorer.walk.player import LONGEST, Pace, Player
from explorer.wording import WORDS

V1 = Path("tests/data/record-v1.jsonl")


def letters(*times: float, header: Header) -> Record:
    """A prompt, and a token at each of some times."""
    happened: list[events.AnyEvent] = [events.Params.of(SamplingParams(seed=1))]
    happened += [events.Prompt(t=1.0, text="a", ids=[97], bytes=["61"])]
    happened += [
        events.Add(t=1.0 + t, parent=index, node=index + 1, id=98 + index, bytes=f"{98 + index:x}", source="picked")
        for index, t in enumerate(times)
    ]
    return Record(header, [*happened, events.End(t=99)])


def text(player):
    return "".join(place.text for place in player.snapshot.path)


def test_it_begins_with_the_prompt_and_goes_act_by_act(header):
    player = Player(letters(1, 2, 3, header=header), "walk")
    assert (player.act, player.acts, text(player), player.happened(WORDS)) == (0, 4, "a", "a prompt")
    player.go(2)
    assert (text(player), player.time, player.duration, player.happened(WORDS)) == ("abc", 2, 3, "picked")
    player.go(player.act - 1)
    assert text(player) == "ab"
    player.go(99)
    assert (text(player), player.at_end) == ("abcd", True)
    player.go(-5)
    assert text(player) == "a"


def test_the_end_is_where_the_record_stood():
    record = journal.read(V1)
    player = Player(record, "v1")
    player.go(player.acts)
    before, after = recorded_session(record, "v1").snapshot(), player.snapshot
    assert (after.ids, after.params, after.distribution) == (before.ids, before.params, before.distribution)


def test_time_passes_as_it_was_recorded_and_long_pauses_are_short(header):
    player = Player(letters(0.5, 0.6, 500, header=header), "walk")
    player.playing = True
    assert not player.pass_time(0.4)
    assert player.pass_time(0.15)
    assert text(player) == "ab"
    assert player.pass_time(0.06)
    assert text(player) == "abc"
    assert not player.pass_time(LONGEST - 0.1)
    assert player.pass_time(0.2)
    assert (text(player), player.playing) == ("abcd", False)


def test_several_acts_may_be_due_at_once(header):
    player = Player(letters(*(index / 100 for index in range(20)), header=header), "walk")
    player.pass_time(0.105)
    assert len(text(player)) == 1 + 11
    player.pass_time(0.01)
    assert len(text(player)) == 1 + 12


def test_a_rate_does_not_care_for_recorded_times(header):
    player = Player(letters(0.5, 0.6, 500, header=header), "walk", Pace.parse("4/s"))
    assert not player.pass_time(0.2)
    assert player.pass_time(0.3)
    assert text(player) == "abc"


def test_the_speed_goes_in_steps_and_stops_at_both_ends():
    pace, texts = Pace(), []
    for direction in (1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1):
        pace = pace.step(direction)
        texts.append(pace.text)
    assert texts == ["2x", "4x", "8x", "16x", "16x", "8x", "4x", "2x", "1x", "1/2x", "1/4x", "1/4x"]
    assert Pace.parse("10").step(1).text == "20/s"


@pytest.mark.parametrize(
    ("said", "meant"),
    [("2x", Pace(Fraction(2))), ("0.5x", Pace(Fraction(1, 2))), ("1/4x", Pace(Fraction(1, 4))), ("5/s", Pace(rate=5))],
)
def test_a_pace_is_read(said, meant):
    assert Pace.parse(said) == meant


@pytest.mark.parametrize("said", ["", "x", "17x", "0x", "1/0x", "-1", "0", "nan", "inf", "fast", "2000", "nanx"])
def test_a_pace_that_is_none_is_a_sentence(said):
    with pytest.raises(UsageError, match="--speed"):
        Pace.parse(said)


def test_it_ends_where_a_line_does_not_fit_and_goes_back_from_there(header):
    record = letters(1, 2, 3, header=header)
    record.events.insert(4, events.Move(t=2.5, node=77))
    player = Player(record, "walk")
    assert (player.acts, player.fault) == (5, "")
    player.go(99)
    assert (player.acts, text(player), player.at_end) == (3, "abc", True)
    assert "Line 6 of walk" in player.fault
    player.go(0)
    player.go(99)
    assert (player.acts, text(player)) == (3, "abc")


def test_a_record_of_nothing_is_refused(header):
    with pytest.raises(RecordError):
        Player(Record(header, []), "walk")
    score = events.Score(logprobs=[], ranks=[], entropies=[])
    with pytest.raises(RecordError, match="Line 2"):
        Player(Record(header, [score, *letters(1, header=header).events]), "walk")


def test_the_engine_is_the_one_of_the_act(header):
    record = letters(1, 2, header=header)
    other = events.Engine(restarted=False, model="other", dtype="bfloat16", device="cpu", tokenizer=header.tokenizer)
    record.events.insert(3, other)
    player = Player(record, "walk")
    found = []
    for act in range(player.acts):
        player.go(act)
        found.append(player.engine.model)
    assert found == ["tiny", "tiny", "other", "other"]


def test_a_long_way_is_gone_in_parts(header):
    player = Player(letters(*range(50), header=header), "walk")
    ways = 0
    while not player.go(50, events=10):
        ways += 1
    assert (ways, len(player.snapshot.path), player.at_end) == (5, 51, True)
