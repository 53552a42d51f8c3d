import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.core.sampling import (
    MAX_SEED,
    TOP_K_STEPS,
    SamplingParams,
    new_seed,
    step_temperature,
    step_top_k,
    step_top_p,
)
from explorer.errors import UsageError

DIRECTIONS = st.sampled_from([-1, 1])


def on_grid(value: float, step: float) -> bool:
    return math.isclose(value / step, round(value / step), abs_tol=1e-6)


@pytest.mark.parametrize(
    ("setting", "word"),
    [
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": 5e-5}, "temperature"),
        ({"temperature": 101.0}, "temperature"),
        ({"temperature": math.nan}, "temperature"),
        ({"temperature": math.inf}, "temperature"),
        ({"top_p": 0.0}, "top-p"),
        ({"top_p": 1.01}, "top-p"),
        ({"top_p": math.nan}, "top-p"),
        ({"top_k": -1}, "top-k"),
        ({"seed": -1}, "seed"),
        ({"seed": MAX_SEED + 1}, "seed"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(setting, word):
    with pytest.raises(UsageError, match=word):
        SamplingParams(**setting)
    with pytest.raises(UsageError, match=word):
        SamplingParams().replace(**setting)


@given(st.floats(1e-4, 100), st.floats(0, 1, exclude_min=True), st.integers(0, 10**6), st.integers(0, MAX_SEED))
def test_settings_in_range_survive_json(temperature, top_p, top_k, seed):
    params = SamplingParams(temperature, top_p, top_k, seed)
    assert msgspec.json.decode(msgspec.json.encode(params), type=SamplingParams) == params


def test_the_seed_does_not_shape_the_table():
    assert SamplingParams(0.5, 0.9, 3, 1).shaping == SamplingParams(0.5, 0.9, 3, 2).shaping
    assert SamplingParams(0.5, 0.9, 3).shaping != SamplingParams(0.5, 0.9, 4).shaping


@given(st.floats(0, 5), DIRECTIONS)
def test_a_step_of_temperature_goes_to_the_next_tenth_and_stops_at_the_ends(value, direction):
    after = step_temperature(value, direction)
    assert 0 <= after <= 5 and on_grid(after, 0.1)
    assert abs(after - value) <= 0.1 + 1e-6
    assert (after - value) * direction > 0 or after in (0.0, 5.0)
    SamplingParams(temperature=after)


@given(st.floats(0.05, 1), DIRECTIONS)
def test_a_step_of_top_p_goes_to_the_next_twentieth_and_stops_at_the_ends(value, direction):
    after = step_top_p(value, direction)
    assert 0.05 <= after <= 1 and on_grid(after, 0.05)
    assert abs(after - value) <= 0.05 + 1e-6
    assert (after - value) * direction > 0 or after in (0.05, 1.0)
    SamplingParams(top_p=after)


@given(st.integers(0, 400), DIRECTIONS)
def test_a_step_of_top_k_goes_to_the_neighbour_of_the_list(value, direction):
    after = step_top_k(value, direction)
    width = {step: step or math.inf for step in (value, *TOP_K_STEPS)}
    beyond = (
        [step for step in TOP_K_STEPS if (width[step] - width[value]) * direction > 0]
        if value
        else [step for step in TOP_K_STEPS if step and direction < 0]
    )
    nearest = min(beyond, key=lambda step: width[step] * direction, default=None)
    assert after == (nearest if nearest is not None else (0 if direction > 0 else 1))


def test_every_value_can_be_walked_to_and_back():
    for step, low, high in ((step_temperature, 0.0, 5.0), (step_top_p, 0.05, 1.0)):
        up = [low]
        while up[-1] != high:
            up.append(step(up[-1], 1))
        down = [high]
        while down[-1] != low:
            down.append(step(down[-1], -1))
        assert up == down[::-1]
        assert (step(low, -1), step(high, 1)) == (low, high)
    assert [step_top_k(k, 1) for k in TOP_K_STEPS] == [*TOP_K_STEPS[1:], 0]
    assert [step_top_k(k, -1) for k in TOP_K_STEPS] == [1, *TOP_K_STEPS[:-1]]


def test_a_new_seed_is_one_that_can_be_used():
    assert all(0 <= new_seed() < 10**6 for _ in range(100))
