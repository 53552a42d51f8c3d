"""How a template becomes text: `[a|b]` is a choice, `{slot}` a word, and an article agrees with what follows."""

import random
import re
from collections.abc import Mapping

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_ARTICLE = re.compile(r"\b([Aa]) (?=[aeiouAEIOU])")


def expand(rng: random.Random, template: str, slots: Mapping[str, str]) -> str:
    """Settle every ``[a|b]`` of a template, innermost first, then fill its slots."""
    while hit := _CHOICE.search(template):
        template = template[: hit.start()] + rng.choice(hit[1].split("|")) + template[hit.end() :]
    return template.format_map(slots)


def articles(text: str) -> str:
    """Write "an" for "a" before a vowel."""
    return _ARTICLE.sub(r"\1n ", text)


def phrases(text: str) -> list[str]:
    """The phrases between commas."""
    return [" ".join(phrase.split()) for phrase in text.split(",")]
