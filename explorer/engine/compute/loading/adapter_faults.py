"""Why an adapter cannot be put on a model, in sentences: what does not fit, and where.

Owns what the errors of peft and torch mean to a person. Must not load anything.
"""

import re

from explorer.core.token import visible
from explorer.engine.files.adapters import AdapterFiles
from explorer.engine.vocabulary.faults import one_line

PREFIX = "base_model.model."
"""Before the name of a module, in the file of an adapter."""

SHOWN = 300
"""Characters of what a library says, in a sentence."""


def why_unfit(files: AdapterFiles, name: str, what: str, example: str) -> str:
    return (
        f"The adapter {files.name} does not fit {name}: {what}, for example {visible(example.removeprefix(PREFIX))}. "
        f"It was made for another model{f' ({visible(files.base)})' if files.base and files.base != name else ''}."
    )


def why_not_put_on(files: AdapterFiles, name: str, error: Exception) -> str:
    said = said_by(error)
    if found := re.search(r"size mismatch for (\S+): .*?\(?\[([\d, ]*)\].*?\(?\[([\d, ]*)\]", str(error), re.DOTALL):
        return why_unfit(files, name, f"it has [{found[2]}] where the model has [{found[3]}]", found[1])
    if "arget modules" in said and "not found" in said:
        return (
            f"The adapter {files.name} does not fit {name}: the model has none of the modules that it is for ({said}). "
            "It was made for another architecture."
        )
    if isinstance(error, KeyError):
        return (
            f"The adapter {files.name} lacks a weight that its adapter_config.json asks for: {said}. Its files are not "
            "whole: download them again."
        )
    if isinstance(error, ImportError):
        return f"The adapter {files.name} needs a package that is not installed: {said}."
    return f"The adapter {files.name} ({files.kind}) cannot be put on {name}: {said}."


def said_by(error: Exception) -> str:
    """What a library says, on one line, without its full stop."""
    return one_line(error).rstrip(". ")[:SHOWN]
