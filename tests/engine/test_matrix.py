import pytest

from explorer.engine.compute.forward import cache
from tests.engine import architectures, matrix

pytestmark = pytest.mark.matrix


@pytest.mark.parametrize("kind", architectures.ARCHITECTURES)
@pytest.mark.filterwarnings("ignore")
def test_a_walk_equals_its_recompute(kind, monkeypatch):
    monkeypatch.setattr(cache, "CHUNK", matrix.CHUNK)
    result = matrix.measure(kind)
    architectures.build.cache_clear()
    assert result.error < matrix.TOLERANCE
    assert result.control > matrix.SENSITIVITY
    assert not result.log


def test_every_causal_language_model_of_transformers_is_measured_or_has_a_reason():
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    assert not set(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES) - {*architectures.ARCHITECTURES, *architectures.NOT_BUILT}
