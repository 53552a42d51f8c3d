"""The English stories of the template text: a cast is chosen, and a plot is told with it."""

from __future__ import annotations

import random

from training.synth_plots import PLOTS
from training.synth_text import articles, expand
from training.synth_words import (
    ANIMAL_PLACES,
    ANIMALS,
    BAKED,
    BEASTS,
    BIG,
    BOYS,
    CHILD_PLACES,
    COLOURS,
    DETAILS,
    ELDERS,
    ENDINGS,
    FEELINGS,
    FLOWERS,
    FRUITS,
    GIRLS,
    HOBBIES,
    LIGHT,
    OPENED,
    OPENINGS,
    SMALL,
    SPOTS,
    TIMES,
    TOYS,
    TRAITS,
    TREATS,
    WEATHER,
    YARDS,
)

PRONOUNS = (("she", "her", "her", "herself"), ("he", "him", "his", "himself"))


def _cast(rng: random.Random, kind: str, name: str) -> dict[str, str]:
    """Choose the hero, the friend and the things of one story; kind "" is a child."""
    girl = name in GIRLS if name else rng.random() < 0.5
    name = name or rng.choice(GIRLS if girl else BOYS)
    he, him, his, himself = PRONOUNS[0 if girl else 1]
    friend = rng.choice([n for n in GIRLS + BOYS if n != name])
    beast, beast2 = rng.sample([k for k in BEASTS if k != kind], 2)
    small = rng.choice([k for k in SMALL if k != kind])
    big = rng.choice([k for k in BIG if k not in (kind, beast)])
    friend_kind = rng.choice([k for k in ANIMALS if k not in (kind, beast, beast2, small, big)])
    animals = bool(kind) or rng.random() < 0.15
    time = rng.choice(TIMES)
    slots = {
        "n": name,
        "n_s": name + "'s",
        "kind": kind or ("girl" if girl else "boy"),
        "he": he,
        "him": him,
        "his": his,
        "him_self": himself,
        "He": he.title(),
        "His": his.title(),
        "place": rng.choice(ANIMAL_PLACES if kind else CHILD_PLACES),
        "f": friend,
        "fintro": f"{friend} the {friend_kind}" if animals else friend,
        "beast": beast,
        "beast2": beast2,
        "small": small,
        "big": big,
        "yard": rng.choice(YARDS),
        "light": rng.choice(LIGHT),
        "baked": rng.choice(BAKED),
        "time": time,
        "time_low": time[0].lower() + time[1:],
        "weather": rng.choice(WEATHER),
        "time_snow": rng.choice(("One winter morning", "One cold morning", "One day in winter")),
        "adj": rng.choice(TRAITS),
        "treat": rng.choice(TREATS),
        "fruit": rng.choice(FRUITS),
        "flower": rng.choice(FLOWERS),
        "glad": rng.choice(FEELINGS),
        "elder": rng.choice(ELDERS),
    }
    slots["opened"] = expand(rng, rng.choice(OPENED), {})
    slots["hobby"], slots["hobby2"] = rng.sample(HOBBIES, 2)
    slots["toy"], slots["colour"] = rng.choice(TOYS), rng.choice(COLOURS)
    slots["spot"], slots["spot2"], slots["spot3"] = rng.sample(SPOTS, 3)
    return slots


def story(rng: random.Random, *, kind: str = "", name: str = "", topic: str = "") -> str:
    """Write one story about a kind of animal, or a child, or on a topic, where one is given."""
    if not kind and not name and rng.random() < 0.45:
        kind = rng.choice(ANIMALS)
    hero = "animal" if kind else "child"
    plots = [p for p in PLOTS if p.heroes in ("any", hero) and topic in ("", p.topic)]
    if not plots:  # a topic for children only
        kind, plots = "", [p for p in PLOTS if p.topic == topic]
    slots = _cast(rng, kind, name)
    detail = rng.choice(DETAILS)
    first = f"{rng.choice(OPENINGS)} {detail}".strip()
    parts = [first, *rng.choice(plots).paragraphs]
    if rng.random() < 0.85:
        befriended = any("{f}" in part for part in parts)
        parts[-1] += " " + rng.choice([e for e in ENDINGS if befriended or "{f}" not in e])
    gap = rng.choice(("\n\n", "\n\n", "\n", " "))
    return articles(gap.join(expand(rng, part, slots) for part in parts))
