"""A walk through tokens of probability 0, as a model with a masked head has them, from the screen to the page."""

import csv
import io
import json
import math
from functools import partial

import pytest

from explorer.core.heat import METRIC
from explorer.core.record import events, journal
from explorer.core.sampling.params import SamplingParams
from explorer.core.walk.runs import Runs
from explorer.engine.scripted.language import encode, story
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.export import csv as csv_format
from explorer.export import html, markdown
from explorer.export.document import Document
from explorer.replay.comparison import Compared, compare
from explorer.replay.prefixes import Trie
from explorer.walk import forcing, opening
from explorer.walk.walk import Walk
from explorer.wording import WORDS
from tests.replay.test_verification import verify

A, TIME, BEAR, FOX = (encode(word)[0] for word in (" a", " time", " bear", " fox"))
MASKED = story() | {A: {TIME: 9.0, BEAR: -math.inf}, BEAR: {TIME: 9.0, FOX: -math.inf}}


@pytest.fixture
async def walked(tmp_path):
    """The prompt has an impossible token, and so has what was forced after it."""
    path = tmp_path / "walk.jsonl"
    begin = partial(opening.begin, params=SamplingParams(seed=1), record=path)
    walk = Walk(ScriptedEngine(MASKED), begin, "Once upon a bear", 400)
    await walk.open()
    await walk.tables.fetch()
    await forcing.force(walk, " fox who")
    await walk.tables.fetch()
    told = forcing.told(WORDS, walk.snapshot.path)
    walk.close()
    return path, walk, told


async def test_an_impossible_token_is_infinitely_surprising_on_the_path(walked):
    _, walk, told = walked
    places = {place.token.id: place for place in walk.snapshot.path}
    for token_id in (BEAR, FOX):
        place = places[token_id]
        assert (place.prob, place.logprob, place.surprisal) == (0.0, -math.inf, math.inf)
        assert place.rank is not None
        assert METRIC["surprisal"].step(place) == 4
    assert told == "2 forced tokens, ∞ bits in all"
    runs = Runs(0, walk.session.tree)
    runs.update()
    total = runs.total(runs.of[-1])
    assert (total.logprob, total.mean, total.known, total.unknown) == (-math.inf, -math.inf, 2, 0)


async def test_the_record_tells_an_impossible_token_from_one_that_is_not_known(walked):
    path, walk, _ = walked
    assert "Infinity" not in path.read_text()
    record = journal.read(path)
    score = next(event for event in record.events if isinstance(event, events.Score))
    assert score.logprobs[-1] is None and score.ranks[-1] is not None
    assert score.told == [one.logprob for one in walk.session.tree.scores]
    assert (score.told[0], score.told[-1]) == (None, -math.inf)


async def test_the_numbers_of_impossible_tokens_hold_and_differ_from_those_that_are_likely(walked):
    record = journal.read(walked[0])
    report = await verify(record, ScriptedEngine(MASKED))
    assert (report.holds, report.max_logprob_error) == (True, 0)
    report = await verify(record, ScriptedEngine.demo())
    wrong = {(one.event, one.what) for one in report.deviations}
    assert {("score", "logprobs"), ("add", "prob"), ("seen", "prob")} <= wrong
    assert math.isfinite(report.max_logprob_error)


async def test_a_comparison_counts_what_only_one_side_has(walked):
    path, _, _ = walked
    trie = Trie()
    one, same = Compared(journal.read(path), "a", trie), Compared(journal.read(path), "b", trie)
    found = compare(one, same)
    assert found.max_logprob_error == 0
    assert found.a.bits == math.inf
    assert [position.logprob_a for position in found.positions if position.token == "␣bear"] == [-math.inf]


async def test_exports_tell_an_impossible_token(walked):
    document = Document.of(journal.read(walked[0]), "the record")
    page = markdown.page(document)
    assert "| 0.00% |" in page and "| ∞ |" in page and "logprob -∞" in page
    rows = list(csv.DictReader(io.StringIO(csv_format.table(document, "path"), newline="")))
    bear = next(row for row in rows if row["id"] == str(BEAR))
    assert (bear["prob"], bear["logprob"], bear["surprisal"]) == ("0.0", "-inf", "inf")
    said = json.loads(html._data(document, "surprisal"))["prompts"][0]
    assert said["prompt"]["heat"]["surprisal"][-1] == "4"
    assert said["prompt"]["logprob"][-1] is None and said["prompt"]["rank"][-1] is not None
