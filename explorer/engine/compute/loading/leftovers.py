"""Leftovers: what a config.json still says of the run that wrote it, and that would stop an engine or mislead it.

Owns what is put right before a model is built. None of it decides on a number: which kernel computes the attention,
ids of tokens that the model does not have, and in which shape a forward pass gives its answer. Must not load anything.
"""

from collections.abc import Iterator
from typing import Any

KERNELS = ("eager", "sdpa", "flex_attention")
"""Implementations of attention that torch itself brings. Others need a package and a GPU, or are fetched as code."""


def put_right(config: Any) -> None:
    """Leave out of a config what cannot hold here, so that transformers chooses by itself."""
    for part in _parts(config):
        if getattr(part, "_attn_implementation", None) not in (None, *KERNELS):
            part._attn_implementation = None
        if not getattr(part, "return_dict", True):
            part.return_dict = True
        size = getattr(part, "vocab_size", None)
        for name in ("bos_token_id", "pad_token_id"):
            token_id = getattr(part, name, None)
            if isinstance(size, int) and isinstance(token_id, int) and not 0 <= token_id < size:
                setattr(part, name, None)


def _parts(config: Any) -> Iterator[Any]:
    """The config and those within it: of the text, of the images."""
    yield config
    for name in getattr(config, "sub_configs", {}):
        if (part := getattr(config, name, None)) is not None:
            yield from _parts(part)
