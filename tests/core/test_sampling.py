import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.core.sampling.defaults import LEFT_OUT, defaults
from explorer.core.sampling.knobs import KNOB, KNOBS, MAX_SEED
from explorer.core.sampling.params import PRESETS, Preset, SamplingParams, new_seed
from explorer.errors import UsageError

DIRECTIONS = st.sampled_from([-1, 1])


def on_grid(value: float, step: float) -> bool:
    return math.isclose(value / step, round(value / step), abs_tol=1e-6)


@pytest.mark.parametrize(
    ("setting", "word"),
    [
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": 101.0}, "temperature"),
        ({"temperature": math.nan}, "temperature"),
        ({"temperature": math.inf}, "temperature"),
        ({"top_p": 0.0}, "top-p"),
        ({"top_p": 1.01}, "top-p"),
        ({"top_p": math.nan}, "top-p"),
        ({"top_k": -1}, "top-k"),
        ({"min_p": 1.5}, "min-p"),
        ({"typical_p": 0.0}, "typical-p"),
        ({"epsilon_cutoff": 1.0}, "epsilon"),
        ({"eta_cutoff": -0.1}, "eta"),
        ({"top_h": 1.1}, "top-h"),
        ({"repetition_penalty": 0.0}, "repetition"),
        ({"no_repeat_ngram_size": -1}, "no-repeat"),
        ({"logit_bias": ((5, math.nan),)}, "logit bias"),
        ({"logit_bias": ((-5, 1.0),)}, "logit bias"),
        ({"suppress_tokens": (-1,)}, "banned"),
        ({"min_new_tokens": -1}, "min new"),
        ({"seed": -1}, "seed"),
        ({"seed": MAX_SEED + 1}, "seed"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(setting, word):
    with pytest.raises(UsageError, match=word):
        SamplingParams(**setting)
    with pytest.raises(UsageError, match=word):
        SamplingParams().replace(**setting)


NUMBERS = {
    "number": lambda knob: st.floats(knob.low, min(knob.high, 1e6)) | st.sampled_from(knob.steps),
    "count": lambda knob: st.integers(0, 10**6),
    "seed": lambda knob: st.none() | st.integers(0, MAX_SEED),
    "ids": lambda knob: st.sets(st.integers(0, 10**6)).map(lambda ids: tuple(sorted(ids))),
    "biases": lambda knob: st.dictionaries(st.integers(0, 10**6), st.floats(-100, 100)).map(
        lambda biases: tuple(sorted(biases.items()))
    ),
}
PARAMS = st.builds(SamplingParams, **{knob.name: NUMBERS[knob.kind](knob) for knob in KNOBS})


@given(PARAMS)
def test_settings_in_range_survive_json_and_their_texts(params):
    assert msgspec.json.decode(msgspec.json.encode(params), type=SamplingParams) == params
    read = {knob.name: knob.take(knob.text(getattr(params, knob.name))) for knob in KNOBS if knob.name != "seed"}
    assert SamplingParams(**read, seed=params.seed) == params


def test_there_is_a_knob_for_each_setting_and_its_off_value_is_the_default():
    assert {knob.name: knob.off for knob in KNOBS} == msgspec.structs.asdict(SamplingParams())
    assert SamplingParams().settings == {}
    assert SamplingParams(top_p=0.5, seed=0).settings == {"top_p": 0.5, "seed": 0}


@given(PARAMS, st.integers(0, MAX_SEED))
def test_the_seed_does_not_shape_the_table_and_everything_else_does(params, seed):
    assert params.shaping == params.replace(seed=seed).shaping
    assert hash(params.shaping) == hash(params.replace(seed=seed).shaping)
    for knob in KNOBS:
        if knob.name != "seed" and getattr(params, knob.name) != knob.off:
            assert params.replace(**{knob.name: knob.off}).shaping != params.shaping


@pytest.mark.parametrize(
    ("name", "said", "meant"),
    [
        ("temperature", 1, 1.0),
        ("top_p", "off", 1.0),
        ("top_k", " 40 ", 40),
        ("suppress_tokens", "13, 5 13", (5, 13)),
        ("suppress_tokens", [7], (7,)),
        ("logit_bias", {"13": -5, "2": 1.5}, ((2, 1.5), (13, -5.0))),
        ("logit_bias", "13=-5,2=1.5", ((2, 1.5), (13, -5.0))),
        ("logit_bias", [[13, -5]], ((13, -5.0),)),
        ("seed", "12", 12),
    ],
)
def test_a_value_is_understood_as_a_file_or_a_person_writes_it(name, said, meant):
    assert KNOB[name].take(said) == meant


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("temperature", "hot"),
        ("temperature", None),
        ("temperature", True),
        ("top_k", 1.5),
        ("top_k", "1.5"),
        ("top_k", False),
        ("suppress_tokens", "a"),
        ("suppress_tokens", 5),
        ("suppress_tokens", [[1]]),
        ("logit_bias", "13"),
        ("logit_bias", "13=x"),
        ("logit_bias", {"13": 1000}),
        ("logit_bias", [1]),
    ],
)
def test_what_cannot_be_understood_is_refused_by_the_title_of_the_setting(name, said):
    with pytest.raises(UsageError, match=f"^{KNOB[name].title} must be .*, not "):
        KNOB[name].take(said)


@given(st.floats(0, 5), DIRECTIONS)
def test_a_step_of_temperature_goes_to_the_next_tenth_and_stops_at_the_ends(value, direction):
    after = KNOB["temperature"].step(value, direction)
    assert isinstance(after, float)
    assert 0 <= after <= 5 and on_grid(after, 0.1)
    assert abs(after - value) <= 0.1 + 1e-6
    assert (after - value) * direction > 0 or after in (0.0, 5.0)


@given(st.integers(0, 400), DIRECTIONS)
def test_a_step_of_top_k_goes_to_the_neighbour_of_the_list_and_off_is_the_widest(value, direction):
    knob = KNOB["top_k"]
    after = knob.step(value, direction)
    width = {step: step or math.inf for step in (value, *knob.steps)}
    beyond = [step for step in knob.steps if (width[step] - width[value]) * direction > 0]
    assert after == min(beyond, key=lambda step: width[step] * direction, default=0 if direction > 0 else 1)


@pytest.mark.parametrize("knob", [knob for knob in KNOBS if knob.steps], ids=lambda knob: knob.name)
def test_every_step_is_allowed_and_can_be_walked_to_and_back_and_off_is_among_them(knob):
    low, high = knob.steps[0], knob.steps[-1]
    up, down = [low], [high]
    while up[-1] != high:
        up.append(knob.step(up[-1], 1))
    while down[-1] != low:
        down.append(knob.step(down[-1], -1))
    assert tuple(up) == tuple(down[::-1]) == knob.steps
    assert (knob.step(low, -1), knob.step(high, 1)) == (low, high)
    assert knob.off in knob.steps
    for value in knob.steps:
        SamplingParams(**{knob.name: value})


def test_a_turned_setting_leaves_the_others():
    assert SamplingParams(top_k=5, seed=1).step("top_p", -1) == SamplingParams(top_p=0.95, top_k=5, seed=1)
    assert SamplingParams(seed=1).step("seed", 1) == SamplingParams(seed=1)


def test_a_preset_sets_everything_but_the_seed():
    before = SamplingParams(temperature=2.0, suppress_tokens=(1,), seed=7)
    by_name = {preset.name: preset.apply(before) for preset in PRESETS}
    assert by_name["plain"] == SamplingParams(seed=7)
    assert by_name["greedy"] == SamplingParams(temperature=0.0, seed=7)
    assert len(set(by_name.values())) == len(PRESETS)
    own = Preset.of("own", {"temperature": 0.5, "logit_bias": {"3": 1}, "seed": 9})
    assert own.apply(before) == SamplingParams(temperature=0.5, logit_bias=((3, 1.0),), seed=9)


@pytest.mark.parametrize("settings", [{"heat": 1}, {"top_p": 2}, {"top_p": "much"}])
def test_a_preset_with_a_mistake_is_named(settings):
    with pytest.raises(UsageError, match=r"the preset “mine”"):
        Preset.of("mine", settings)


@pytest.mark.parametrize(
    ("generation", "settings"),
    [
        ({}, {}),
        ({"do_sample": True, "temperature": 1.0, "top_k": None, "eos_token_id": 2}, {}),
        ({"do_sample": True, "temperature": 0.6, "top_p": 0.9}, {"temperature": 0.6, "top_p": 0.9}),
        ({"top_k": 20, "min_p": 0, "repetition_penalty": 1.05}, {"top_k": 20, "repetition_penalty": 1.05}),
        (
            {"do_sample": False, "temperature": 0.6, "top_k": 50, "repetition_penalty": 1.1},
            {"repetition_penalty": 1.1, "temperature": 0.0},
        ),
        (
            {"suppress_tokens": [7, 3], "sequence_bias": [[[5], -2.0], [[1, 2], 9.0]]},
            {"suppress_tokens": [3, 7], "logit_bias": [[5, -2.0]]},
        ),
        ({"sequence_bias": {(5,): 1.0}, "top_h": 0.4}, {"logit_bias": [[5, 1.0]], "top_h": 0.4}),
        ({"top_p": 0, "typical_p": 2.0, "temperature": "x"}, {}),
        ({"do_sample": True, "temperature": 1e-6}, {"temperature": 1e-6}),
        ({"do_sample": 0, "temperature": 0.6}, {"temperature": 0.0}),
        ({"bad_words_ids": [[5], [1, 2]], "suppress_tokens": [3]}, {"suppress_tokens": [3, 5]}),
        ({"sequence_bias": [[[5], -math.inf], [[6], 1.0]]}, {"suppress_tokens": [5], "logit_bias": [[6, 1.0]]}),
    ],
)
def test_a_models_own_settings_are_what_its_generation_config_sets(generation, settings):
    found = defaults(generation, 100).settings
    assert found == settings
    Preset.of("model's own", found)


@pytest.mark.parametrize(
    ("generation", "sentences"),
    [
        ({"temperature": -1}, ["temperature -1 is left out: it must be 0 (greedy), or above 0 and at most 100."]),
        ({"top_k": -1}, ["top_k -1 is left out: it must be 0 (off) or a positive number."]),
        ({"top_p": 0.0, "min_p": "x"}, ["top_p 0.0 is left out: it must", 'min_p "x" is left out: it must']),
        ({"repetition_penalty": 0}, ["repetition_penalty 0 is left out: it must be from 0.01 to 100"]),
        ({"suppress_tokens": [7, 100]}, ["suppress_tokens 100 is left out: the model has the ids 0 to 99."]),
        ({"suppress_tokens": 7}, ["suppress_tokens 7 is left out: it names no tokens"]),
        ({"bad_words_ids": [[1, 2]]}, ["bad_words_ids [[1, 2]] is left out: what is about several tokens in a row"]),
        ({"bad_words_ids": [[]]}, ["bad_words_ids [[]] is left out: it names no tokens"]),
        ({"sequence_bias": [[[1], 1e9]]}, ["logit_bias"]),
        *(
            ({"sequence_bias": value}, ["sequence_bias"])
            for value in (
                5,
                "x",
                {"(5,)": 1.0},
                [5],
                [[5, 1.0]],
                [[[True], 1.0]],
                [[["a"], 1.0]],
                [[[1], "x"]],
                [[[1]]],
            )
        ),
        ({"stop_strings": ["\n\x1b[0m"]}, ["stop_strings"]),
        *(({name: [3]}, [name]) for name in LEFT_OUT),
        ({"do_sample": False, "temperature": -1, "top_p": 7}, []),
        ({name: off for name, (off, _) in LEFT_OUT.items()}, []),
        ({"max_new_tokens": 5, "use_cache": False, "eos_token_id": 5, "sequence_bias": [], "bad_words_ids": {}}, []),
    ],
)
def test_what_a_model_asks_for_and_does_not_get_is_said(generation, sentences):
    said = defaults(generation, 100).left_out
    assert len(said) == len(sentences)
    for sentence, part in zip(said, sentences, strict=True):
        assert sentence.startswith("The model's own ") and part in sentence and sentence.endswith(".")
        assert sentence.isprintable() and len(sentence) < 200


def test_a_new_seed_is_one_that_can_be_used():
    assert all(0 <= new_seed() < 10**6 for _ in range(100))
