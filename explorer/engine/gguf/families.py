"""The families of GGUF that the explorer reads, by the name of their architecture in a file."""

from collections.abc import Mapping

from explorer.engine.gguf.dense import DENSE
from explorer.engine.gguf.family import Family

FAMILIES: Mapping[str, Family] = {**DENSE}
