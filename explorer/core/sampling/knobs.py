"""Knobs: one row for each setting of the samplers, from which everything that offers settings is derived.

Owns a setting's title, the value that leaves the model alone, what is allowed, and the values that a key walks through.
Must not know what a sampler does with it, nor which key turns it.
"""

from collections.abc import Mapping
from typing import Any

from explorer.core.sampling.knob import ABOVE_ZERO, BELOW_ONE, Knob
from explorer.errors import UsageError

MAX_SEED = 2**63 - 1


def _grid(parts: int, first: int, last: int) -> tuple[float, ...]:
    return tuple(place / parts for place in range(first, last + 1))


KNOBS = (
    Knob(
        name="temperature",
        title="temperature",
        kind="number",
        help="Divides the logits: below 1 sharper, above 1 flatter; 0 is greedy.",
        allowed="0 (greedy), or above 0 and at most 100",
        off=1.0,
        low=ABOVE_ZERO,
        high=100,
        steps=_grid(10, 0, 50),
    ),
    Knob(
        name="top_p",
        title="top-p",
        kind="number",
        help="Keeps the smallest set of most likely tokens whose probability reaches it; 1 is off.",
        allowed="above 0 and at most 1 (off)",
        off=1.0,
        low=ABOVE_ZERO,
        high=1,
        steps=_grid(20, 1, 20),
    ),
    Knob(
        name="top_k",
        title="top-k",
        kind="count",
        help="Keeps that many of the most likely tokens; 0 is off.",
        allowed="0 (off) or a positive number",
        off=0,
        steps=(1, 2, 5, 10, 20, 50, 100, 200, 0),
    ),
    Knob(
        name="min_p",
        title="min-p",
        kind="number",
        help="Cuts tokens less likely than this share of the most likely one; 0 is off.",
        allowed="from 0 (off) to 1",
        off=0.0,
        high=1,
        steps=(0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0),
    ),
    Knob(
        name="typical_p",
        title="typical-p",
        kind="number",
        help="Keeps, up to this mass, the tokens whose surprisal is nearest to the entropy; 1 is off.",
        allowed="above 0 and at most 1 (off)",
        off=1.0,
        low=ABOVE_ZERO,
        high=1,
        steps=_grid(20, 1, 20),
    ),
    Knob(
        name="epsilon_cutoff",
        title="epsilon",
        kind="number",
        help="Cuts tokens less likely than this; 0 is off.",
        allowed="0 (off) or below 1",
        off=0.0,
        high=BELOW_ONE,
        steps=(0.0, 1e-4, 3e-4, 6e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1),
    ),
    Knob(
        name="eta_cutoff",
        title="eta",
        kind="number",
        help="Cuts tokens less likely than this, or than a bound that falls with the entropy; 0 is off.",
        allowed="0 (off) or below 1",
        off=0.0,
        high=BELOW_ONE,
        steps=(0.0, 1e-4, 3e-4, 6e-4, 1e-3, 2e-3, 4e-3, 0.01, 0.03, 0.1),
    ),
    Knob(
        name="top_h",
        title="top-h",
        kind="number",
        help="Keeps, of the 100 most likely tokens, the first that hold this share of their entropy; 0 is off.",
        allowed="0 (off), or above 0 and at most 1",
        off=0.0,
        high=1,
        # 1 is not off: it still keeps 100 tokens at the most.
        steps=(*_grid(20, 1, 20), 0.0),
    ),
    Knob(
        name="repetition_penalty",
        title="repetition",
        kind="number",
        help="Makes every token of the text so far less likely when above 1, more likely when below; 1 is off.",
        allowed="from 0.01 to 100 (1 is off)",
        off=1.0,
        low=0.01,
        high=100,
        steps=_grid(20, 10, 40),
    ),
    Knob(
        name="no_repeat_ngram_size",
        title="no-repeat",
        kind="count",
        help="Bans every token that would repeat a run of this many tokens of the text; 0 is off.",
        allowed="0 (off) or a positive number",
        off=0,
        steps=(0, *range(1, 11)),
    ),
    Knob(
        name="logit_bias",
        title="logit bias",
        kind="biases",
        help="Is added to the logits of some tokens, by their ids.",
        allowed="token ids with biases from -100 to 100, as in 13=-5, 42=2.5",
        off=(),
        low=-100,
        high=100,
    ),
    Knob(
        name="suppress_tokens",
        title="banned",
        kind="ids",
        help="Tokens that are never drawn, by their ids.",
        allowed="token ids, as in 13, 42",
        off=(),
    ),
    Knob(
        name="min_new_tokens",
        title="min new",
        kind="count",
        help="Bans the end of the text until that many tokens stand after the prompt; 0 is off.",
        allowed="0 (off) or a positive number",
        off=0,
        steps=(0, 1, 2, 5, 10, 20, 50, 100, 200),
    ),
    Knob(
        name="seed",
        title="seed",
        kind="seed",
        help="Of the random numbers that draw.",
        allowed=f"from 0 to {MAX_SEED}",
        off=None,
        high=MAX_SEED,
    ),
)
"""In the order in which they are shown."""

KNOB = {knob.name: knob for knob in KNOBS}

CUT_NAMES = {knob.name: knob.title for knob in KNOBS} | {"temperature": "greedy"}
"""What a token is said to be cut by, by the name of the sampler."""


def take_settings(settings: Mapping[str, object], source: str) -> dict[str, Any]:
    """The settings of a table in a file, or of a model, by their names.

    Raises UsageError, which names the source, for an unknown name or a value that is not allowed.
    """
    unknown = sorted(settings.keys() - KNOB.keys())
    if unknown:
        raise UsageError(f"{source} has an unknown setting “{unknown[0]}”. The settings are: {', '.join(KNOB)}.")
    try:
        return {name: KNOB[name].take(value) for name, value in settings.items()}
    except UsageError as error:
        raise UsageError(f"In {source}: {error}") from error
