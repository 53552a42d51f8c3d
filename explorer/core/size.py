"""Sizes in bytes, as people say them."""


def size_in_words(size: float) -> str:
    """`11.6 MB`; by thousands, as the hub counts."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
