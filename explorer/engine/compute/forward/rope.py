"""Rope: which prefixes of a text have the same factors in a model's rotary embedding, and so may share a state.

Owns the lengths at which the factors change, and the rotary modules that remember a longer text. In two types of
scaling the factors of every position follow the length of the whole text, so that the keys of a shorter or longer
prefix are not those of this one (`dynamic_rope_update` in transformers' modeling_rope_utils): `longrope` has short
factors up to `original_max_position_embeddings` and long ones beyond; `dynamic` has those of every length beyond
`max_position_embeddings`. All other types know a position alone. Must not know caches.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedModel

from explorer.engine.files.context import ORIGINAL, rope_parameters, rope_type

SWITCHING = ("longrope", "su")
"""The types whose factors are others beyond a length; "su" is what the first models of the kind called it."""

GROWING = "dynamic"
"""What stands in the name of a type whose factors are others at every length beyond one."""

FIXED = ("default", "linear", "yarn", "llama3", "proportional", "axial")
"""The types whose factors are the same for every length."""


@dataclass(frozen=True)
class Rope:
    """When a text changes the factors of all its positions. Lengths are in tokens."""

    switches: tuple[int, ...] = ()
    """The last lengths before other factors hold: one for each kind of layers that switches."""
    growing: int | None = None
    """The last length before every length has factors of its own."""

    def era(self, length: int) -> tuple[int, int]:
        """The same for all lengths with the same factors."""
        own = length if self.growing is not None and length > self.growing else 0
        return sum(length > switch for switch in self.switches), own

    def earliest(self, length: int) -> int:
        """The shortest length with the factors of this one; 0 where all shorter ones have them."""
        if self.growing is not None and length > self.growing:
            return length
        return max((switch + 1 for switch in self.switches if switch < length), default=0)

    def ends(self, begin: int, end: int) -> Iterator[int]:
        """Where the lengths from `begin` + 1 to `end` are cut, so that those of a piece have the same factors."""
        while begin < end:
            if self.growing is not None and begin >= self.growing:
                begin += 1
            else:
                limits = (*self.switches, *([] if self.growing is None else [self.growing]))
                begin = min((limit for limit in limits if limit > begin), default=end)
            yield (begin := min(begin, end))

    def together(self, lengths: Sequence[int], more: int) -> bool:
        """Whether texts of these lengths have the same factors as one another, while `more` tokens follow in each."""
        return min(lengths) == max(lengths) or self.era(min(lengths)) == self.era(max(lengths) + more)

    @property
    def notes(self) -> list[str]:
        """What this costs; sentences without a full stop."""
        notes = [
            f"beyond {switch} tokens every position has other rotary factors: where a text crosses that length, it is "
            "computed anew"
            for switch in self.switches
        ]
        if self.growing is not None:
            notes.append(
                f"beyond {self.growing} tokens every length has rotary factors of its own: each step computes the "
                "whole text"
            )
        return notes


def rope_of(config: Any) -> Rope:
    """What a config says, whose rotary embedding may be another for each type of layers."""
    text = config.get_text_config(decoder=True)
    longest = getattr(text, "max_position_embeddings", None)
    named = {name: getattr(text, name, None) for name in ("rope_parameters", "rope_scaling")}
    switches, growing = set(), None
    for parameters in rope_parameters(named):
        kind = rope_type(parameters)
        if kind in SWITCHING:
            switches.add(parameters.get(ORIGINAL, getattr(text, ORIGINAL, longest)))
        elif GROWING in kind:
            growing = longest
    numbers = sorted(int(length) for length in switches if isinstance(length, int | float))
    return Rope(tuple(numbers), int(growing) if isinstance(growing, int | float) else None)


class LongestSeen:
    """The rotary modules of one model that remember the longest text that they have met.

    Left alone, they give a shorter text the factors of that one, until a text is shorter than the limit. Code of a
    model's own never takes them back.
    """

    def __init__(self, model: PreTrainedModel, rope: Rope) -> None:
        modules = model.modules() if rope.growing is not None else ()
        self._kept = [
            (module, _attributes(module), dict(module._buffers))
            for module in modules
            if hasattr(module, "max_seq_len_cached")
        ]

    @contextlib.contextmanager
    def forgotten(self) -> Iterator[None]:
        """A pass inside sees no text but its own, and leaves nothing behind."""
        try:
            yield
        finally:
            for module, attributes, buffers in self._kept:
                for name in _attributes(module).keys() - attributes.keys():
                    delattr(module, name)
                vars(module).update(attributes)
                # The modules put new tensors in the place of these, and write into none.
                module._buffers.clear()
                module._buffers.update(buffers)


def _attributes(module: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(module).items() if not name.startswith("_")}
