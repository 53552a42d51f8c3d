import pytest

from explorer.core.sampling.knob import Knob
from explorer.core.sampling.knobs import KNOBS
from explorer.core.sampling.params import SamplingParams
from explorer.engine.scripted.plain_samplers import shape

EOS = 3
ROW = [10.0, 5.0, 0.0, -5.0]
IDS = [1, 0, 1]


def turned(knob: Knob) -> SamplingParams:
    """Settings of which one alone is not off."""
    values = {"ids": (2,), "biases": ((2, 1.5),)}
    value = values.get(knob.kind) or next(step for step in knob.steps if step not in (knob.off, 0))
    return SamplingParams().replace(**{knob.name: value})


@pytest.mark.parametrize("knob", [knob for knob in KNOBS if knob.name != "seed"], ids=lambda knob: knob.name)
def test_every_setting_has_its_place_in_the_chain_of_the_library_and_in_the_plain_one(knob):
    from explorer.engine.compute.tables.samplers import chain

    params = turned(knob)
    assert [name for name, _ in chain(params, prompt_length=3, eos_ids=[EOS])] == [knob.name]
    shaped = shape(ROW, IDS, params, prompt_length=3, eos_ids=[EOS])
    assert set(shaped.cuts.values()) <= {knob.name}
    assert shaped.cuts or shaped.scores != ROW
