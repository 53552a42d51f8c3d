"""Opening: what a desk shows before its model is there, and how much it tells a person who is new.

Owns these values, which whoever puts the program together gives. Must not know where they come from.
"""

import msgspec

from explorer.core.sampling.params import SamplingParams


class Opening(msgspec.Struct, frozen=True):
    """What is shown before the model is there."""

    params: SamplingParams = SamplingParams()
    """The settings of the sampler that the session begins with."""
    unknown: frozenset[str] = frozenset()
    """Names of the settings that only the model can tell."""
    chosen: bool = True
    """Whether a person asked for settings, now or in the record; else each model brings those that suit it."""
    coached: bool = False
    """Whether the keys to begin with are told."""
