import json
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from explorer.core.record import events
from explorer.core.record.event import ALWAYS
from explorer.core.record.journal import Journal
from explorer.core.record.schema import schema
from explorer.core.sampling.params import SamplingParams
from explorer.core.score import Scored
from explorer.core.walk.session import Session

ROOT = Path(__file__).parents[2]
OLD = sorted((ROOT / "tests" / "data").glob("record-v*.jsonl"))
SCHEMA = schema()
KINDS = (
    *("prompt", "seen", "inside", "pick", "sample", "force", "back", "move", "params", "end"),
    *("delete", "bookmark", "undo", "redo", "engine"),
)
TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}
ANNOTATIONS = {"title", "description", "default", "$defs", "$schema", "properties", "required", "items"}


def fits(value: Any, rule: dict[str, Any]) -> bool:
    """Whether a value is as the schema says; knows the words that it uses, and no others."""
    assert rule.keys() <= ANNOTATIONS | {
        "type",
        "anyOf",
        "enum",
        "const",
        "$ref",
        "additionalProperties",
        "prefixItems",
        "minItems",
        "maxItems",
        "minimum",
        "maximum",
    }
    if "$ref" in rule and not fits(value, SCHEMA["$defs"][rule["$ref"].rpartition("/")[2]]):
        return False
    if "anyOf" in rule and not any(fits(value, one) for one in rule["anyOf"]):
        return False
    if value not in rule.get("enum", [value]) or value != rule.get("const", value):
        return False
    kind = rule.get("type")
    if kind == "null":
        return value is None
    if kind and (not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        return False
    if kind == "number" and not rule.get("minimum", value) <= value <= rule.get("maximum", value):
        return False
    if isinstance(value, dict):
        known, more = rule.get("properties", {}), rule.get("additionalProperties", {})
        return rule.get("required", []) == [n for n in rule.get("required", []) if n in value] and all(
            fits(one, known.get(name, more)) for name, one in value.items()
        )
    if isinstance(value, list):
        first = rule.get("prefixItems", [])
        rest = rule.get("items", {})
        if not rule.get("minItems", 0) <= len(value) <= rule.get("maxItems", len(value)):
            return False
        return all(fits(one, first[i] if i < len(first) else rest) for i, one in enumerate(value))
    return True


def test_the_schema_of_the_documents_is_that_of_the_types():
    assert json.loads((ROOT / "docs" / "session-schema.json").read_text()) == json.loads(json.dumps(SCHEMA))


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.name)
def test_every_line_of_an_older_record_fits_the_schema(path):
    for line in path.read_text().splitlines():
        assert fits(json.loads(line), SCHEMA), line


def test_every_line_of_a_new_record_fits_the_schema(header, walker, tmp_path):
    path = tmp_path / "walk.jsonl"
    session = Session(header, Journal.create(path, header))
    walker.teach(session)
    walker.walk(session, [(kind, n) for n in range(7) for kind in KINDS])
    session.apply(events.Score.of([Scored(token) for token in session.tree.prompt]))
    session.journal.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert {line.get("event") for line in lines[1:]} == {kind.__name__.lower() for kind in get_args(events.AnyEvent)}
    for line in lines:
        assert fits(line, SCHEMA), line


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ('"event":"add"', '"event":"jump"'),
        ('"node":', '"node":"0","knot":'),
        ('"source":"picked"', '"source":"stolen"'),
        ('"version":1', '"version":9'),
        ('"format":"token', '"format":"token!'),
        ('"dtype":', '"type":'),
        ('"rank":1,"id":', '"rank":null,"id":'),
        ('"logprob":-', '"logprob":'),
    ],
)
def test_a_line_that_is_none_does_not_fit(line, changed):
    lines = [one for one in OLD[-1].read_text().splitlines() if line in one]
    assert lines
    assert not any(fits(json.loads(one.replace(line, changed)), SCHEMA) for one in lines)


def test_every_event_says_what_it_is_and_every_field_that_a_docstring_explains_is_explained():
    assert all(SCHEMA["$defs"][kind.__name__]["description"] for kind in get_args(events.AnyEvent))
    seconds = SCHEMA["$defs"]["Add"]["properties"]["t"]["description"]
    assert seconds == "Seconds since the start of the record."
    assert SCHEMA["$defs"]["CandidateRow"]["properties"]["bytes"]["description"] == "In hexadecimal."


def test_a_record_keeps_every_setting_as_the_samplers_declare_it():
    declared = {field.name: (field.type, field.default) for field in msgspec.structs.fields(SamplingParams)}
    recorded = {field.name: (field.type, field.default) for field in msgspec.structs.fields(events.Params)}
    assert list(recorded) == ["t", *declared]
    for name, (kind, default) in declared.items():
        assert recorded[name] == (kind, msgspec.NODEFAULT if name in ALWAYS else default)
