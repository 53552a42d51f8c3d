"""Rotary positions: what a GGUF file says of their base, their width and how they are scaled, as transformers says it.

Owns the factors that stand in tensors of their own. Must not know families.
"""

import math
from collections.abc import Sequence
from typing import Any

from explorer.engine.gguf.keys import Keys, floats

FREQUENCIES = "rope_freqs.weight"
LONG, SHORT = "rope_factors_long.weight", "rope_factors_short.weight"

LENGTHS = (8192, 4096, 16384, 2048, 32768, 1024, 65536, 131072)
"""Lengths before the scaling of Llama 3, of which the factors may have been made; the usual one first."""


def rope_of(keys: Keys, width: int, partial: bool = False, theta: float = 10_000.0) -> dict[str, Any]:
    """The rope_parameters of a config. `width` is that of a head; `partial` says whether a part of it may be turned.

    Raises ModelError for a scaling that transformers does not have.
    """
    keys.leave("rope.scaling.finetuned")
    turned = keys.count("rope.dimension_count", width)
    if turned != width and not partial:
        raise keys.refusal("rope.dimension_count", f"the whole width of a head, {width},")
    base = keys.positive("rope.freq_base", theta)
    parameters = {"rope_theta": base, **_scaling(keys, turned, base)}
    if partial:
        parameters["partial_rotary_factor"] = part_of(turned, width)
    return parameters


def part_of(turned: int, width: int) -> float:
    """The part of a head that is turned: just enough that the whole number below its product is what the file says."""
    part = turned / width
    return part if int(width * part) == turned else math.nextafter(part, math.inf)


def _scaling(keys: Keys, turned: int, base: float) -> dict[str, Any]:
    factor = keys.real("rope.scaling.factor", keys.real("rope.scale_linear", 0.0))
    kind = keys.text("rope.scaling.type", "linear" if factor not in (0.0, 1.0) else "none")
    context = keys.count("context_length")
    original = keys.count("rope.scaling.original_context_length", 0) or keys.size("context_length")
    if keys.shape(LONG) is not None or keys.shape(SHORT) is not None:
        return _long(keys, original)
    if keys.shape(FREQUENCIES) is not None:
        if kind != "none" and factor not in (0.0, 1.0):
            raise keys.refusal("rope.scaling.type", "no scaling beside the factors of its tensor rope_freqs")
        return _by_frequency(keys, turned, base, context)
    if kind == "linear" and factor not in (0.0, 1.0):
        return {"rope_type": "linear", "factor": factor}
    if kind == "yarn":
        return _yarn(keys, factor or 1.0, original)
    if kind in ("none", "linear"):
        return {"rope_type": "default"}
    raise keys.refusal("rope.scaling.type", "none, linear or yarn, or longrope with its tensors,")


def _yarn(keys: Keys, factor: float, original: int) -> dict[str, Any]:
    """YaRN (Peng et al., 2023): what the file does not say has the defaults of both programs."""
    if keys.real("rope.scaling.yarn_ext_factor", 1.0) != 1.0:
        raise keys.refusal("rope.scaling.yarn_ext_factor", "1")
    parameters: dict[str, Any] = {
        "rope_type": "yarn",
        "factor": factor,
        "original_max_position_embeddings": original,
        "beta_fast": keys.real("rope.scaling.yarn_beta_fast", 32.0),
        "beta_slow": keys.real("rope.scaling.yarn_beta_slow", 1.0),
    }
    if keys.has("rope.scaling.yarn_attn_factor"):
        parameters["attention_factor"] = keys.real("rope.scaling.yarn_attn_factor")
    return parameters


def _long(keys: Keys, original: int) -> dict[str, Any]:
    """LongRoPE (Ding et al., 2024): a factor for each frequency, of short texts and of long ones."""
    long = list(floats(keys.header, LONG)) if keys.shape(LONG) is not None else []
    short = list(floats(keys.header, SHORT)) if keys.shape(SHORT) is not None else []
    keys.leave("rope.scaling.attn_factor", "rope.scaling.type", "rope.scaling.factor")
    return {
        "rope_type": "longrope",
        "long_factor": long or short,
        "short_factor": short or long,
        "original_max_position_embeddings": original,
        "factor": keys.count("context_length") / original,
        "attention_factor": keys.real("rope.scaling.attn_factor", 1.0),
    }


def _by_frequency(keys: Keys, turned: int, base: float, context: int) -> dict[str, Any]:
    """What the factors of the frequencies mean: the scaling of Llama 3 where it gives just these, else themselves."""
    factors = floats(keys.header, FREQUENCIES)
    if len(factors) != turned // 2:
        raise keys.refusal("rope.dimension_count", f"twice the {len(factors)} factors of its tensor rope_freqs")
    if all(factor == 1.0 for factor in factors):
        return {"rope_type": "default"}
    largest = round(max(factors), 4)
    for original in LENGTHS if 1.0 < largest < math.inf else ():
        if _close(factors, llama3_factors(base, turned, largest, original)):
            return {
                "rope_type": "llama3",
                "factor": largest,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": original,
            }
    return {
        "rope_type": "longrope",
        "long_factor": list(factors),
        "short_factor": list(factors),
        "original_max_position_embeddings": context,
        "factor": 1.0,
        "attention_factor": 1.0,
    }


def llama3_factors(theta: float, turned: int, factor: float, original: int) -> list[float]:
    """By how much Llama 3 slows each frequency: not at all the fast ones, by the factor the slow ones."""
    found = []
    for place in range(0, turned, 2):
        turns = original / (2 * math.pi * theta ** (place / turned))  # How often it goes round in the original length.
        smooth = min(max((turns - 1.0) / (4.0 - 1.0), 0.0), 1.0)
        found.append(1 / ((1 - smooth) / factor + smooth))
    return found


def _close(left: Sequence[float], right: Sequence[float]) -> bool:
    return all(math.isclose(one, other, rel_tol=1e-4) for one, other in zip(left, right, strict=True))
