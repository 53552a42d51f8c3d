"""What a model remembers of a sequence: how it is made, and how it is copied and put back.

Owns caches and the snapshots of states that cannot be cropped: recurrent and convolution states, and the objects that
some models make themselves. The classes of a cache's layers are looked up by their names, because transformers renames
them: a layer whose class is not known is copied whole. Must not know token ids or when to go back.
"""

import copy
from typing import Any, Literal

import torch
from transformers import DynamicCache, PreTrainedModel, cache_utils

from explorer.engine.capabilities import CacheKind

BUDGET = 1 << 30
"""Bytes of all snapshots of a sequence."""

MOST = 256
"""Snapshots of a sequence, however small they are: with more, choosing the one to forget costs more than it saves."""


class Missing:
    """Stands for a class that the installed transformers does not have: no layer is one."""


def _layer(name: str, *needed: Any) -> Any:
    """The layer class of that name; Missing where there is none, or none of those that are put in its place."""
    return Missing if Missing in needed else getattr(cache_utils, name, Missing)


DummyLayer = _layer("DummyLayer")
DynamicLayer = _layer("DynamicLayer")
DynamicIndexedLayer = _layer("DynamicIndexedLayer", DynamicLayer)
DynamicSlidingWindowLayer = _layer("DynamicSlidingWindowLayer", DynamicLayer)
LinearAttentionLayer = _layer("LinearAttentionLayer")
LinearAttentionAndFullAttentionLayer = _layer(
    "LinearAttentionAndFullAttentionLayer", LinearAttentionLayer, DynamicLayer
)
LinearAttentionAndSlidingWindowAttentionLayer = _layer(
    "LinearAttentionAndSlidingWindowAttentionLayer", LinearAttentionAndFullAttentionLayer
)

PLAIN_LAYERS = {DynamicLayer, DynamicSlidingWindowLayer, DummyLayer}
CROPPED_LAYERS = {*PLAIN_LAYERS, DynamicIndexedLayer}
KNOWN_LAYERS = {
    *CROPPED_LAYERS,
    LinearAttentionLayer,
    LinearAttentionAndFullAttentionLayer,
    LinearAttentionAndSlidingWindowAttentionLayer,
}

Layout = Literal["attention", "indexed", "states", "other"]
"""`attention`: keys and values alone; `indexed`: with an index beside them; `states`: also recurrent or convolution
states; `other`: layers of the model's own."""


def layout(model: PreTrainedModel) -> Layout:
    """What the layers of a model keep, as far as its config says."""
    kinds = _kinds(model)
    if kinds is None:
        return "other"
    if kinds <= PLAIN_LAYERS:
        return "attention"
    if kinds <= CROPPED_LAYERS:
        return "indexed"
    return "states" if kinds <= KNOWN_LAYERS else "other"


def unknown_layers(model: PreTrainedModel) -> list[str]:
    """The layer classes of transformers that a model's cache has and that are not known here, by their names."""
    unknown = (_kinds(model) or set()) - KNOWN_LAYERS
    return sorted(kind.__name__ for kind in unknown if kind.__module__ == cache_utils.__name__)


def _kinds(model: PreTrainedModel) -> set[type] | None:
    """The classes of the layers; None where the config is that of a model that never had such a cache."""
    try:
        return {type(layer) for layer in DynamicCache(config=model.config).layers}
    except (LookupError, AttributeError, TypeError, ValueError):
        return None


def new_cache(model: PreTrainedModel, kind: CacheKind) -> Any:
    """An empty cache; None where the model makes its own.

    Sliding layers keep every position, and the window comes from the mask alone, so that any prefix can be gone back
    to.
    """
    if kind == "plain":
        return DynamicCache()
    if kind != "typed":
        return None
    cache = DynamicCache(config=model.config)
    if layout(model) != "other":
        cache.layers = [_without_window(layer) for layer in cache.layers]
    return cache


def _without_window(layer: Any) -> Any:
    if type(layer) is DynamicSlidingWindowLayer:
        return DynamicLayer()
    if type(layer) is LinearAttentionAndSlidingWindowAttentionLayer:
        return LinearAttentionAndFullAttentionLayer(number_of_states=layer.number_of_states)
    return layer


def forked(model: PreTrainedModel, cache: Any, rows: int) -> Any:
    """The state of one sequence for each of `rows` sequences; `cache` itself stays as it is.

    Raises what FAILURES names, where the layers of a model cannot be copied.
    """
    if type(cache) is DynamicCache and layout(model) != "other":
        # Shallow, because the selection makes every tensor anew; a layer of states keeps its own in dictionaries.
        copied = copy.copy(cache)
        copied.layers = [copy.copy(layer) for layer in cache.layers]
        for layer in copied.layers:
            vars(layer).update({name: value.copy() for name, value in vars(layer).items() if isinstance(value, dict)})
    else:
        copied = copied_object(cache, model.config)[0]
    copied.reorder_cache(torch.zeros(rows, dtype=torch.long))
    return copied


def copied_object(cache: Any, config: Any) -> tuple[Any, int]:
    """A deep copy of a state object, and its bytes. The config that it refers to is shared."""
    memo: dict[int, Any] = {id(config): config}
    copied = copy.deepcopy(cache, memo)
    return copied, sum(value.nbytes for value in memo.values() if isinstance(value, torch.Tensor))


class Snapshots:
    """Copies of the states of one sequence at some of its lengths.

    Where all layers are known, only what a layer overwrites is copied, and its keys and values are cropped; otherwise
    the whole object is.
    """

    def __init__(self, model: PreTrainedModel, budget: int = BUDGET) -> None:
        self._config = model.config
        self._budget = budget
        self._whole = layout(model) == "other"
        self._copies: dict[int, Any] = {}
        self._sizes: dict[int, int] = {}

    @property
    def nbytes(self) -> int:
        """Bytes of all copies."""
        return sum(self._sizes.values())

    @property
    def lengths(self) -> list[int]:
        """The lengths of which there is a copy, ascending."""
        return sorted(self._copies)

    def take(self, cache: Any, length: int) -> None:
        """Copy the state after `length` tokens; forget others where the budget is full."""
        known = type(cache) is DynamicCache and not self._whole
        self._copies[length], self._sizes[length] = _layers(cache) if known else copied_object(cache, self._config)
        while (self.nbytes > self._budget or len(self._copies) > MOST) and len(self._copies) > 1:
            self._forget(self._least_useful())

    def nearest(self, length: int) -> int:
        """The greatest length with a copy that is not above `length`; 0 where there is none."""
        return max((held for held in self._copies if held <= length), default=0)

    def restore(self, cache: Any, held: int, length: int) -> Any:
        """The state after `length` tokens, of which there is a copy; `cache` holds `held` of them, and is used up."""
        saved = self._copies[length]
        for later in [taken for taken in self._copies if taken > length]:
            self._forget(later)
        if not isinstance(saved, _LayerStates):
            # The copy stays, because the model writes into what it is given.
            return copied_object(saved, self._config)[0]
        for layer, states in zip(cache.layers, saved, strict=True):
            if isinstance(layer, DynamicLayer) and held > length:
                # Not the layer's own `crop`, which refuses to go back with the states beside the keys.
                crop = DynamicIndexedLayer.crop if isinstance(layer, DynamicIndexedLayer) else DynamicLayer.crop
                crop(layer, length - held)
            for target, source in zip(_tensors(layer), states, strict=True):
                target.copy_(source)
        return cache

    def clear(self) -> None:
        self._copies.clear()
        self._sizes.clear()

    def _forget(self, length: int) -> None:
        del self._copies[length], self._sizes[length]

    def _least_useful(self) -> int:
        """The length whose loss leaves the smallest gap for its distance from the end: the spacing grows backwards."""
        lengths = self.lengths
        end = lengths[-1]
        between = zip([0, *lengths], lengths[:-1], lengths[1:], strict=False)
        return min(between, key=lambda three: (three[2] - three[0]) / (end - three[1]))[1]


class _LayerStates(list[list[torch.Tensor]]):
    """The states of each layer that it overwrites."""


def _layers(cache: Any) -> tuple[_LayerStates, int]:
    copied = _LayerStates([tensor.clone() for tensor in _tensors(layer)] for layer in cache.layers)
    return copied, sum(tensor.nbytes for states in copied for tensor in states)


def _tensors(layer: Any) -> list[torch.Tensor]:
    """The recurrent and convolution states of a layer; none of a layer of attention."""
    if not isinstance(layer, LinearAttentionLayer):
        return []
    states = [*layer.conv_states.values(), *layer.recurrent_states.values()]
    return [state for state in states if state is not None]
