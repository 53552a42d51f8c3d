"""The JSON Schema of a line of a record, generated from the types of its events and what is written under their fields.

`python -m explorer.core.record.schema` prints it; docs/session-schema.json holds it. Must not know files.
"""

import ast
import inspect
import itertools
import json
import sys
import textwrap
from typing import Any, get_args

import msgspec

from explorer.core import chat, distribution
from explorer.core.record import event, events

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PLACE = "#/$defs/{name}"


def schema() -> dict[str, Any]:
    """A line is the header, which comes first, or an event; a field that is not named may be there, and is skipped."""
    types = [events.Header, *get_args(events.AnyEvent)]
    lines, components = msgspec.json.schema_components(types, ref_template=PLACE)
    for name, component in components.items():
        described = _described(name)
        for field, of_field in component.get("properties", {}).items():
            if field in described:
                of_field["description"] = described[field]
    components["Header"]["properties"]["format"]["const"] = events.FORMAT
    components["Header"]["properties"]["version"]["enum"] = list(events.READABLE)
    components["Header"]["required"] = ["format", "version", *components["Header"]["required"]]
    return {
        "$schema": DIALECT,
        "title": "A line of a record of the token explorer",
        "anyOf": list(lines),
        "$defs": components,
    }


def _described(name: str) -> dict[str, str]:
    """The docstrings under the fields of a struct and of what it inherits from."""
    struct = next(getattr(module, name) for module in (events, distribution, chat) if hasattr(module, name))
    descriptions: dict[str, str] = {}
    for kind in reversed(struct.__mro__):
        if kind.__module__.startswith("explorer.") and kind is not event.Settings:  # Which has no source of its own.
            body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
            assert isinstance(body, ast.ClassDef)
            descriptions |= _docstrings(body.body)
    return descriptions


def _docstrings(statements: list[ast.stmt]) -> dict[str, str]:
    """Each field with the string that stands after it."""
    found = {}
    for field, after in itertools.pairwise(statements):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            found[field.target.id] = inspect.cleandoc(str(after.value.value))
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(), ensure_ascii=False, indent=1) + "\n")
