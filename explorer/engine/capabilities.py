"""Capabilities: what a model can do with what it remembers of a sequence; and the model types known to be special.

Owns the words for kinds of caches and ways back, and the table of quirks. Must not know torch: probe.py finds out, and
whoever shows it only reads.
"""

from typing import Literal

import msgspec

CacheKind = Literal["plain", "typed", "own", "none"]
"""`plain`: keys and values of every position in every layer; `typed`: each layer keeps what its type needs; `own`: an
object that the model makes; `none`: the model keeps nothing."""

WayBack = Literal["crop", "snapshot", "recompute"]
"""`crop`: positions are dropped from the end; `snapshot`: the nearest copy of the state, and the gap from there anew;
`recompute`: the whole prefix anew."""


class Capabilities(msgspec.Struct, frozen=True):
    """How a model goes on and back."""

    kind: CacheKind
    incremental: bool
    """A step costs one position."""
    chunk: bool
    """Several tokens at once can follow what is held; otherwise one at a time."""
    crop: WayBack
    """How the state of a shorter prefix is reached."""
    notes: tuple[str, ...] = ()
    """What was found that is not as it should be; sentences without a full stop."""


NOTHING_KEPT = Capabilities("none", incremental=False, chunk=False, crop="recompute")

# A probe of a dozen tokens is too short to see these; they were found with random weights in transformers 5.23.

NO_CHUNK = {
    "mamba": "the scan of several tokens begins from an empty state",
    "falcon_mamba": "the scan of several tokens begins from an empty state",
    "jamba": "the scan of several tokens begins from an empty state",
    "zamba": "the scan of several tokens begins from an empty state",
    "minimax": "the linear attention goes on by one token only",
}
"""Model types that go on by single tokens only, and why."""

NO_CROP = {"deepseek_v4": "its compressed layers crop without an error and are wrong afterwards"}
"""Model types whose caches say that they can be cropped and cannot."""

NO_CACHE = {"recurrent_gemma": "its state is hidden inside of the model"}
"""Model types that are recomputed, and why."""
