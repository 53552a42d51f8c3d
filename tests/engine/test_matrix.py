import random

import pytest

from explorer.engine.compute.forward import cache
from explorer.engine.compute.forward.cache import forward_for
from explorer.engine.compute.forward.recompute import NoCache
from explorer.engine.compute.forward.rope import Rope
from explorer.engine.compute.loading.causality import check_causal
from tests.engine import architectures, matrix, ropes

pytestmark = pytest.mark.matrix


@pytest.mark.parametrize("kind", architectures.ARCHITECTURES)
@pytest.mark.filterwarnings("ignore")
def test_a_walk_equals_its_recompute_and_the_model_is_found_causal(kind, monkeypatch):
    monkeypatch.setattr(cache, "CHUNK", matrix.CHUNK)
    result = matrix.measure(kind)
    check_causal(architectures.build(kind), kind)
    architectures.build.cache_clear()
    assert result.error < matrix.TOLERANCE
    assert result.control > matrix.SENSITIVITY
    assert not result.log


def scalable() -> list[str]:
    kinds = [kind for kind in architectures.ARCHITECTURES if kind not in ropes.UNSCALED]
    return [
        kind
        for kind in kinds
        if architectures.config(kind).get_text_config(decoder=True).to_dict().get("rope_parameters")
    ]


@pytest.mark.parametrize("rope", ropes.OF_LENGTH)
@pytest.mark.parametrize("kind", scalable())
@pytest.mark.filterwarnings("ignore")
def test_a_walk_over_a_change_of_factors_equals_its_recompute(kind, rope, monkeypatch):
    monkeypatch.setattr(cache, "CHUNK", matrix.CHUNK)
    model = ropes.scaled(kind, rope)
    fast, oracle = forward_for(model), NoCache(model)
    ropes.scaled.cache_clear()
    assert fast.rope != Rope()
    for ids in matrix.walk(random.Random(kind), 25):
        assert matrix.difference(fast.logits(ids), oracle.logits(ids)) < matrix.TOLERANCE
