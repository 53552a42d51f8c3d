import importlib.util
import random

import pytest
import torch
from transformers import cache_utils

from explorer.engine.compute.forward import batch, cache, probe, states
from explorer.engine.compute.forward.cache import forward_for
from explorer.engine.compute.forward.recompute import NoCache
from tests.engine.architectures import build
from tests.engine.matrix import TOLERANCE, difference, walk

LAYERS = [
    "DummyLayer",
    "DynamicLayer",
    "DynamicIndexedLayer",
    "DynamicSlidingWindowLayer",
    "LinearAttentionLayer",
    "LinearAttentionAndFullAttentionLayer",
    "LinearAttentionAndSlidingWindowAttentionLayer",
]
KINDS = {
    "llama": "DynamicLayer",
    "gemma3_text": "DynamicSlidingWindowLayer",
    "qwen3_next": "LinearAttentionLayer",
    "falcon_h1": "LinearAttentionAndFullAttentionLayer",
}
"""Model types, and a class of the layers of their caches."""


@pytest.fixture
def without(monkeypatch):
    """The modules that compute, on a transformers in which a class has another name."""

    def install(name: str) -> None:
        spec = importlib.util.spec_from_file_location("states_of_another_transformers", states.__file__)
        assert spec is not None and spec.loader is not None
        other = importlib.util.module_from_spec(spec)
        with monkeypatch.context() as renamed:
            renamed.delattr(cache_utils, name)
            spec.loader.exec_module(other)
        for module in (batch, cache, probe):
            for word in ("Snapshots", "forked", "layout", "new_cache", "unknown_layers"):
                if hasattr(module, word):
                    monkeypatch.setattr(module, word, getattr(other, word))

    torch.set_num_threads(1)
    return install


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_class_of_layers_that_transformers_has_renamed_costs_speed_at_most(kind, name, without):
    model, rng = build(kind), random.Random(kind)
    before = forward_for(model).capabilities
    without(name)
    fast, oracle = forward_for(model), NoCache(model)
    for ids in walk(rng, 10):
        assert difference(fast.logits(ids), oracle.logits(ids)) < TOLERANCE
    now = fast.capabilities
    assert now.incremental
    told = [note for note in now.notes if name in note]
    if KINDS[kind] == name:
        assert "not known here, and copied whole" in told[0]
    if not told:
        assert now.kind == before.kind


@pytest.mark.parametrize("kind", KINDS)
def test_every_layer_of_the_installed_transformers_is_known(kind):
    assert states.unknown_layers(build(kind)) == []
