"""Purpose: why a GGUF file is no language model that goes on with a text, as its metadata say.

Owns the architectures that are none, and the kinds of files that llama.cpp writes besides models. Must not know which
of the others can be opened.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from explorer.engine.gguf.cursor import ARCHITECTURE

BOTH_DIRECTIONS = "it reads a text in both directions, to fill its gaps or to understand it"
ONE_VECTOR = "it makes one vector of a whole text, as embedding models do"
PAIR = "its encoder reads one thing and its decoder writes another, as for a translation"
ANY_ORDER = "it fills a text in any order, and not one token after the other"
PICTURES = "it makes pictures"

OTHERS = {
    **dict.fromkeys(
        """bert modern-bert neo-bert nomic-bert nomic-bert-moe jina-bert-v2 jina-bert-v3 eurobert t5encoder""".split(),
        BOTH_DIRECTIONS,
    ),
    **dict.fromkeys(("gemma-embedding", "llama-embed"), ONE_VECTOR),
    **dict.fromkeys(("t5", "umt5", "whisper"), PAIR),
    **dict.fromkeys(("dream", "llada", "llada-moe", "rnd1"), ANY_ORDER),
    **dict.fromkeys(
        """aura cosmos flux hidream hyvid lumina2 ltxv pixart qwen_image sd1 sd3 sdxl wan z_image""".split(), PICTURES
    ),
    "wavtokenizer-dec": "its tokens are sound",
}
"""Architectures, as llama.cpp and programs beside it call them, whose models do not go on with a text."""

RANK = 4
"""The `pooling_type` of a model that tells how well a text fits; 1 to 3 make one vector of it, 0 means neither."""


class Unfit(NamedTuple):
    """Why a file is no language model."""

    short: str
    """In a few words, for a list."""
    sentence: str
    """Goes after the name of the file."""


def why_unfit(metadata: Mapping[str, Any], tensors: int) -> Unfit | None:
    """What a file is, with so many tensors, where it is no language model; None where nothing speaks against it."""
    kind, name = metadata.get("general.type"), str(metadata[ARCHITECTURE])
    if kind == "adapter":
        return Unfit(
            "a LoRA adapter, no whole model",
            "is a LoRA adapter in GGUF, and no whole model. Merge it into its base with llama-export-lora, or give the "
            "adapter as a folder of peft.",
        )
    if kind == "mmproj" or name == "clip":
        return Unfit(
            "the part of a model that sees or hears (mmproj)",
            "is the part of a model that sees or hears (mmproj), without the language model. Give the GGUF file of the "
            "model itself, which lies beside it.",
        )
    if name == "controlvector":
        return Unfit("a control vector, no model", "is a control vector of llama.cpp, and no model.")
    parts = metadata.get("split.count")
    if isinstance(parts, int) and parts > 1:
        return Unfit(f"one of {parts} parts of a model", split_sentence(parts))
    reason = OTHERS.get(name) or _by_pooling(metadata, name)
    if reason:
        return Unfit(f"not a causal language model ({name})", f"is not a causal language model ({name}): {reason}.")
    if not tensors:
        return Unfit(
            "a vocabulary without weights",
            "has a vocabulary and no weights, as files for testing tokenizers have. The command tokens reads it; for "
            "the rest, give the file of a whole model.",
        )
    return None


def split_sentence(parts: int) -> str:
    """What is said of one part of several; goes after its name."""
    return (
        f"is one of {parts} parts of a model, and transformers reads one file. Join them with: llama-gguf-split "
        "--merge FIRST-PART.gguf WHOLE.gguf, and give the whole one."
    )


def _by_pooling(metadata: Mapping[str, Any], name: str) -> str:
    """For an architecture that goes on with a text in other models."""
    pooling = metadata.get(f"{name}.pooling_type")
    if metadata.get(f"{name}.attention.causal") is False:
        return BOTH_DIRECTIONS
    if pooling == RANK:
        return "it tells how well a text fits a question, as models that rank do"
    return ONE_VECTOR if isinstance(pooling, int) and pooling in (1, 2, 3) else ""
