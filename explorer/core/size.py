"""Sizes in bytes, as people say them."""


def size_in_words(size: float) -> str:
    """`11.6 MB`; by thousands, as the hub counts, in three digits."""
    unit = "B"
    for greater in ("kB", "MB", "GB", "TB"):
        if size < 999.5:
            break
        size, unit = size / 1000, greater
    return f"{size:,.0f} {unit}" if unit == "B" or size >= 99.5 else f"{size:.3g} {unit}"
