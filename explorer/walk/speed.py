"""Speed: how fast a walk went last. Must not know who measures it."""

import msgspec


class Speed(msgspec.Struct, frozen=True):
    """Of the last step, and of the last run."""

    step_ms: float | None = None
    rate: float | None = None
    """Tokens per second of a run."""
