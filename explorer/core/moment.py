"""Moment: the time of day, as far as a clock can be believed.

Owns which moments a record may name. A clock that is off by centuries is taken for the nearest of them.
"""

from datetime import UTC, datetime

EARLIEST = datetime(1971, 1, 1, tzinfo=UTC)
LATEST = datetime(9998, 12, 30, tzinfo=UTC)
"""A day before the last one, so that it is a moment in every time zone."""


def now() -> datetime:
    """The present moment, in UTC."""
    try:
        moment = datetime.now(UTC)
    except (OverflowError, ValueError, OSError):  # Beyond the year 9999.
        return LATEST
    return min(max(moment, EARLIEST), LATEST)
