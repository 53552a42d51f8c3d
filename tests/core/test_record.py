import msgspec
import pytest

from explorer.core.record import events
from explorer.core.record.record import Record, same_engine

ENGINE = events.Engine(
    restarted=False, model="m", dtype="float32", device="cpu", tokenizer="0", versions={"torch": "2"}
)


@pytest.mark.parametrize(
    "other",
    [
        {"model": "n"},
        {"revision": "main"},
        {"dtype": "bfloat16"},
        {"device": "cuda:0"},
        {"tokenizer": "1"},
        {"loaded_with": {"quantize": "4bit"}},
        {"versions": {"torch": "3"}},
    ],
)
def test_what_numbers_depend_on_makes_another_engine(other):
    assert not same_engine(ENGINE, msgspec.structs.replace(ENGINE, **other))


def test_an_engine_that_was_started_again_is_the_same():
    header = events.Header(model="m", dtype="float32", device="cpu", tokenizer="0", versions={"torch": "2"})
    assert same_engine(header, msgspec.structs.replace(ENGINE, restarted=True, t=9.0, special_tokens=[1]))


def test_a_record_names_its_engines_from_the_first_to_the_last(header):
    record = Record(header, [ENGINE, events.End()])
    assert list(record.engines) == [header, ENGINE]
    assert record.last_engine == ENGINE
    assert Record(header, [events.End()]).last_engine == header
