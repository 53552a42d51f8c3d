import pytest

from explorer.core.sampling.pace import RunSettings, read, read_ids, read_strings, written
from explorer.core.sampling.stopping import StopRules
from explorer.errors import UsageError

EVERYTHING = RunSettings(
    rules=StopRules(
        max_new_tokens=9, eos=False, strings=("\n\n", 'a "b", c', "끝"), ids=(0, 7), entropy_above=2.5, prob_below=0.25
    ),
    tokens_per_second=2.5,
)


@pytest.mark.parametrize("settings", [RunSettings(), EVERYTHING])
def test_a_form_gives_back_what_was_written(settings):
    assert read(written(settings)) == settings


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("max_new_tokens", "", "max-new-tokens"),
        ("max_new_tokens", "1.5", "max new tokens must be a whole number"),
        ("tokens_per_second", "51", "1 to 50"),
        ("tokens_per_second", "nan", "1 to 50"),
        ("tokens_per_second", "fast", "must be a number"),
        ("eos", "perhaps", "yes or no"),
        ("stop", '"one" "two"', "stop strings"),
        ("stop", '"one", 2', "double quotes"),
        ("stop", '""', "must not be empty"),
        ("stop_id", "1, x", "stop ids"),
        ("wake_entropy", "-1", "entropy"),
        ("wake_prob", "2", "probability"),
    ],
)
def test_a_wrong_field_is_named(field, text, said):
    with pytest.raises(UsageError) as caught:
        read(written(RunSettings()) | {field: text})
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "strings"),
    [("", ()), ("User:", ("User:",)), (r"\n\n", ("\n\n",)), ('say "x"', ('say "x"',)), ('"a, b", "c"', ("a, b", "c"))],
)
def test_stop_strings_are_read_with_and_without_quotes(text, strings):
    assert read_strings(text) == strings


def test_stop_ids_are_read_with_commas_or_spaces():
    assert read_ids("1, 2  3,4") == (1, 2, 3, 4)


def test_speeds_are_walked_through_to_both_ends():
    settings, seen = RunSettings(), []
    for _ in range(7):
        settings = settings.at_speed(1)
        seen.append(settings.tokens_per_second)
    assert seen == [50, 20, 10, 5, 2, 1, 1]
    for _ in range(7):
        settings = settings.at_speed(-1)
    assert settings.tokens_per_second == 0
    between = RunSettings(tokens_per_second=7)
    assert (between.at_speed(1).tokens_per_second, between.at_speed(-1).tokens_per_second) == (5, 10)
