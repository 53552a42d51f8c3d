"""Formats: one row for each, with who makes it and which options it knows."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from explorer.core.heat import METRICS
from explorer.errors import UsageError
from explorer.export import csv, html, json, markdown, svg
from explorer.export.document import Document

HEATS = (*(metric.id for metric in METRICS), "none")


class Format(NamedTuple):
    """A kind of file."""

    name: str
    write: Callable[..., str]
    """Takes a Document, and the options by their names."""
    options: Mapping[str, tuple[str, ...]] = {}
    """What each may be; the first is what it is where nothing is given."""

    def make(self, document: Document, given: Mapping[str, str]) -> str:
        """The file's text, with options as they were checked."""
        return self.write(document, **{name: given.get(name, values[0]) for name, values in self.options.items()})

    def check(self, given: Mapping[str, str]) -> None:
        """Raises UsageError for an option that says nothing about this format, or that cannot be what it is."""
        for name, value in given.items():
            if name not in self.options:
                raise UsageError(f"--{name} says nothing about {self.name}; leave it out.")
            if value not in self.options[name]:
                raise UsageError(f"--{name} of {self.name} is {' or '.join(self.options[name])}, not “{value}”.")


FORMATS = (
    Format("html", html.page, {"heat": HEATS, "theme": ("auto", "light", "dark")}),
    Format("md", markdown.page),
    Format("csv", csv.table, {"branches": ("path", "all")}),
    Format("json", json.text),
    Format("svg", svg.picture, {"heat": HEATS, "theme": ("light", "dark")}),
)
NAMES = ", ".join(known.name for known in FORMATS)
SUFFIXES = {"htm": "html", "markdown": "md"}
"""How a file's name may end beside the name of its format."""


def format_of(name: str | None, out: Path | None) -> Format:
    """The format of a name, else of the end of a file's name. Raises UsageError."""
    if name is None and out is None:
        raise UsageError(f"In which format? Give --to, which is one of {NAMES}.")
    suffix = "" if out is None else out.suffix[1:].lower()
    wanted = SUFFIXES.get(suffix, suffix) if name is None else name
    found = next((known for known in FORMATS if known.name == wanted), None)
    if found is not None:
        return found
    if name is None:
        raise UsageError(f"The name {out} does not say in which format. Give --to, which is one of {NAMES}.")
    raise UsageError(f"There is no format “{name}”. There are {NAMES}.")
