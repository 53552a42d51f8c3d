from typing import get_type_hints

import pytest

from explorer.config import KINDS, NAMES, Config, load
from explorer.core.sampling.knobs import KNOB
from explorer.core.sampling.pace import RunSettings
from explorer.core.sampling.params import Preset, SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.errors import UsageError


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "config.toml"

    def write(text: str):
        path.write_text(text)
        return path

    return write


def test_flags_win_over_the_environment_and_that_over_the_file(file):
    path = file('top_k = 1\ntop_p = 0.5\ntemperature = 0.1\ntheme = "light"\n[keys]\nsample = "z"')
    config = load({"top_k": 3}, {"TOKEN_EXPLORER_TOP_K": "2", "TOKEN_EXPLORER_TOP_P": "0.6", "OTHER": "x"}, path)
    assert (config.params, config.theme) == (SamplingParams(temperature=0.1, top_p=0.6, top_k=3), "light")
    assert config.keys == {"sample": "z"}


def test_without_any_source_everything_is_off(tmp_path):
    config = load({}, {"TOKEN_EXPLORER_CONFIG": str(_empty(tmp_path))})
    assert config.params == SamplingParams()
    assert (config.model, config.max_new_tokens) == ("embedded", 256)


def _empty(folder):
    path = folder / "empty.toml"
    path.touch()
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour = 1", "colour"),
        ('temperature = "hot"', "temperature"),
        ("top = 0", "top"),
        ("temperature = ", "is not TOML"),
        ('device = "cuda:x"', "device"),
        ("max_new_tokens = 0", "max-new-tokens"),
        ("tokens_per_second = 51", "tokens-per-second"),
        ("wake_prob = 2", "bound of the probability"),
        ('stop = [""]', "must not be empty"),
        ("top_k = true", "top-k"),
        ("params = {}", "params"),
        ("suppress_tokens = [-1]", "banned"),
        ("[presets.mine]\nheat = 1", "heat"),
        ("[presets.mine]\nmin_p = 2", "the preset “mine”: min-p"),
        ("[presets]\nmin_p = 1", "table of settings"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(file, text, said):
    with pytest.raises(UsageError) as caught:
        load({}, {}, file(text))
    assert said in str(caught.value)


def test_a_wrong_environment_is_named(file):
    with pytest.raises(UsageError, match=r"TOKEN_EXPLORER_"):
        load({}, {"TOKEN_EXPLORER_SEED": "many"}, file(""))


def test_a_missing_file_matters_only_where_it_was_named(tmp_path):
    with pytest.raises(UsageError, match="no configuration file"):
        load({}, {"TOKEN_EXPLORER_CONFIG": str(tmp_path / "no.toml")})


def test_a_flag_decides_against_its_counterpart_elsewhere(file):
    path = file('prompt = "p"\nno_record = true')
    config = load({"file": "f", "record": "r"}, {}, path)
    assert (config.prompt, config.file, config.no_record, config.record) == (None, "f", False, "r")


def test_every_setting_of_the_samplers_is_read_from_the_file_and_the_environment(file):
    text = """
        min_p = 0.05
        typical_p = 0.9
        epsilon_cutoff = 0.001
        eta_cutoff = 0.002
        top_h = 0.4
        repetition_penalty = 1.2
        no_repeat_ngram_size = 3
        min_new_tokens = 4
        suppress_tokens = [9, 5, 9]
        seed = 6
        [logit_bias]
        13 = -5
        7 = 2.5
    """
    expected = SamplingParams(
        min_p=0.05,
        typical_p=0.9,
        epsilon_cutoff=0.001,
        eta_cutoff=0.002,
        top_h=0.4,
        repetition_penalty=1.2,
        no_repeat_ngram_size=3,
        min_new_tokens=4,
        suppress_tokens=(5, 9),
        seed=6,
        logit_bias=((7, 2.5), (13, -5.0)),
    )
    assert load({}, {}, file(text)).params == expected
    said = {f"TOKEN_EXPLORER_{name.upper()}": KNOB[name].text(value) for name, value in expected.settings.items()}
    assert load({}, said, file("top_h = 0.1")).params == expected


def test_the_presets_of_a_person_are_read_from_the_file(file):
    config = load({}, {}, file("[presets.mine]\ntemperature = 1\nmin_p = 0.1\n[presets.other]\nlogit_bias = '7=1'"))
    assert config.presets == (
        Preset("mine", SamplingParams(min_p=0.1)),
        Preset("other", SamplingParams(logit_bias=((7, 1.0),))),
    )
    with pytest.raises(UsageError, match="configuration file only"):
        load({}, {"TOKEN_EXPLORER_PRESETS": "x"}, file(""))


def test_a_preset_is_the_ground_on_which_single_settings_stand(file):
    text = "temperature = 0.3\nseed = 4\n[presets.mine]\ntop_k = 7\n"
    assert load({"preset": "mine"}, {}, file(text)).params == SamplingParams(top_k=7, seed=4)
    assert load({"preset": "greedy", "top_p": "0.5"}, {}, file(text)).params == SamplingParams(
        temperature=0.0, top_p=0.5, seed=4
    )
    named = load({"top_k": 3}, {"TOKEN_EXPLORER_PRESET": "balanced"}, file(text)).params
    assert named == SamplingParams(temperature=0.7, top_p=0.9, top_k=3, seed=4)
    with pytest.raises(UsageError, match="plain, greedy, balanced, creative, mine"):
        load({"preset": "wild"}, {}, file(text))


def test_the_models_settings_give_way_to_what_is_said_beside_them(file):
    defaults = {"temperature": 0.8, "top_k": 40}
    config = load({"model_defaults": True, "top_k": "5"}, {}, file("temperature = 0.1\npreset = 'greedy'"))
    assert config.params_on(defaults) == SamplingParams(temperature=0.8, top_k=5)
    assert load({}, {}, file("top_p = 0.2")).params_on(defaults) == SamplingParams(top_p=0.2)
    with pytest.raises(UsageError, match="not both"):
        load({"model_defaults": True, "preset": "greedy"}, {}, file(""))


def test_how_auto_sampling_goes_is_read_from_the_file_the_environment_and_flags(file):
    path = file('stop = ["\\n\\n", "User:"]\nstop_id = [3]\ntokens_per_second = 10\nwake_entropy = 3')
    config = load({"wake_prob": 0.2, "ignore_eos": True}, {"TOKEN_EXPLORER_STOP_ID": "5, 7"}, path)
    rules = StopRules(
        max_new_tokens=256, eos=False, strings=("\n\n", "User:"), ids=(5, 7), entropy_above=3, prob_below=0.2
    )
    assert config.run_settings == RunSettings(rules=rules, tokens_per_second=10)
    assert load({}, {"TOKEN_EXPLORER_STOP": '"a", "b"'}, path).stop == ("a", "b")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("TOP", "many", "a whole number, not “many”"),
        ("NO_RECORD", "yes", "true or false, not “yes”"),
        ("BOS", "maybe", "true or false, not “maybe”"),
        ("WAKE_PROB", "x", "a number, not “x”"),
        ("MAX_NEW_TOKENS", "1.5", "a whole number, not “1.5”"),
    ],
)
def test_a_variable_of_another_kind_is_said_by_its_name(name, value, words):
    with pytest.raises(UsageError, match=f"^TOKEN_EXPLORER_{name} must be {words}\\.$"):
        load({}, {f"TOKEN_EXPLORER_{name}": value})


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('top = "5"', "top must be a whole number, not “5”"),
        ("no_record = 1", "no_record must be true or false, not “1”"),
        ("model = 5", "model must be a text, not “5”"),
        ('stop = "a"', "stop must be a list of texts, not “a”"),
        ('stop_id = ["1"]', "stop_id must be a list of whole numbers, not"),
        ("keys = 3", "keys must be a table of texts, not “3”"),
    ],
)
def test_a_setting_of_another_kind_is_said_with_its_file(tmp_path, line, words):
    file = tmp_path / "config.toml"
    file.write_text(line)
    with pytest.raises(UsageError) as caught:
        load({}, {}, file)
    assert str(caught.value).startswith(f"In {file}: {words}")


def test_every_setting_has_a_kind_in_words():
    hints = get_type_hints(Config)
    known = {kind for one, _ in KINDS for kind in (one, one | None)}
    assert {name for name in NAMES if name not in KNOB and hints[name] not in known} == {"presets"}


def test_an_empty_variable_is_as_none():
    names = ("TOP", "NO_RECORD", "MODEL", "DEVICE", "TEMPERATURE", "WAKE_PROB", "THEME", "RECORD")
    assert load({}, {f"TOKEN_EXPLORER_{name}": "" for name in names}) == load({}, {})
