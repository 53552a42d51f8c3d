"""Template: where the chat template of a folder lies, and in which form it reads the texts of messages.

Some templates read a content as one text, some as a list of parts, as those of models that also see; given the other
form they leave it out without a word, or fail. So it is tried with marks in the place of the texts. Must not know
tokenizers.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from explorer.core.chat import Message
from explorer.errors import ModelError

Run = Callable[[list[dict[str, Any]]], str]
"""Renders messages; raises whatever a template raises."""

PROCESSORS = ("chat_template.json", "processor_config.json")
"""Where models that also see or hear keep a template that their tokenizer does not know; the first holds."""


def template_beside(folder: Path, name: str) -> str | dict[str, str] | None:
    """The template of a folder that its tokenizer does not know: one, or several by their names. Raises ModelError."""
    for file in PROCESSORS:
        path = folder / file
        try:
            found = json.loads(path.read_bytes())
        except FileNotFoundError:
            continue
        except (OSError, ValueError, RecursionError) as error:
            raise ModelError(f"{file} of {name} cannot be read: its chat template is not known.") from error
        template = found.get("chat_template") if isinstance(found, dict) else None
        if isinstance(template, list):
            template = {one["name"]: one["template"] for one in template if {"name", "template"} <= one.keys()}
        if isinstance(template, str | dict) and template:
            return template
    return None


def given_to(messages: Sequence[Message], run: Run) -> tuple[list[dict[str, Any]], set[int]]:
    """The messages in the form that a template reads, and the places of those whose text it leaves out in both."""
    texts = {place for place, message in enumerate(messages) if message.content and message.content.strip()}
    parts = {place for place, message in enumerate(messages) if message.parts}
    shown = _shown(messages, texts, parts, run)
    if shown is None or texts - shown:
        # Those that were not shown, or all of them, in the other form.
        others = parts ^ (texts if shown is None else texts - shown)
        found = _shown(messages, texts, others, run)
        if found is not None:
            kept = shown or set()
            parts = {place for place in texts if place in (others if place in found - kept else parts)}
            shown = kept | found
    written = [message.in_parts() if place in parts else message.in_one() for place, message in enumerate(messages)]
    return written, set() if shown is None else texts - shown


def _shown(messages: Sequence[Message], texts: set[int], parts: set[int], run: Run) -> set[int] | None:
    """The places of the texts that are rendered as texts; None where the template fails."""
    if not texts:
        return set()
    marks = {place: f"mark{place}q" for place in texts}
    marked = [
        msgspec.structs.replace(message, content=marks[place], parts=()) if place in texts else message
        for place, message in enumerate(messages)
    ]
    written = [message.in_parts() if place in parts else message.in_one() for place, message in enumerate(marked)]
    try:
        text = run(written).lower()  # A template may write a text in another case.
    except Exception:  # A template is a program: it fails in as many ways. What it says of the real texts is told.
        return None
    # A list that is written out as Python or JSON writes it is not read as a text.
    return {place for place, mark in marks.items() if mark in text and not _written_out(text, mark)}


def _written_out(text: str, mark: str) -> bool:
    return f"'text': '{mark}" in text or f'"text": "{mark}' in text
