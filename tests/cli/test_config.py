import pytest

from explorer.config import load
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
    assert (config.top_k, config.top_p, config.temperature, config.theme) == (3, 0.6, 0.1, "light")
    assert config.keys == {"sample": "z"}


def test_without_any_source_everything_is_off(tmp_path):
    config = load({}, {"TOKEN_EXPLORER_CONFIG": str(_empty(tmp_path))})
    assert config.params.shaping == (1.0, 1.0, 0)
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
        ("temperature = ", "cannot be read"),
        ('device = "cuda:x"', "device"),
        ("max_new_tokens = 0", "max-new-tokens"),
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
