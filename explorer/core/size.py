"""Sizes in bytes, as people say them."""

import re

from explorer.errors import UsageError

MEMORY = re.compile(r"\s*(\d+|cpu|mps)\s*[:=]\s*(\d+(?:\.\d+)?\s*(?:[KMGT]i?B)?)\s*", re.IGNORECASE)


def size_in_words(size: float) -> str:
    """`11.6 MB`; by thousands, as the hub counts, in three digits."""
    unit = "B"
    for greater in ("kB", "MB", "GB", "TB"):
        if size < 999.5:
            break
        size, unit = size / 1000, greater
    return f"{size:,.0f} {unit}" if unit == "B" or size >= 99.5 else f"{size:.3g} {unit}"


def memory_by_device(text: str) -> dict[str, str]:
    """`0:20GiB,cpu:60GiB` as {"0": "20GiB", "cpu": "60GiB"}. Raises UsageError."""
    limits = {}
    for part in text.split(","):
        found = MEMORY.fullmatch(part)
        if found is None:
            raise UsageError(
                f"max-memory is written as 0:20GiB,cpu:60GiB (a device, a colon, an amount), not “{text}”."
            )
        limits[found[1].lower()] = found[2].replace(" ", "")
    return limits
