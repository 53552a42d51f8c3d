import pytest

from explorer.engine.libraries import importing
from explorer.errors import ModelError
from tests.cli.program import is_one_sentence, process


@pytest.mark.parametrize("arguments", [["tokens", "a"], ["models"], ["next", "a"]], ids=lambda arguments: arguments[0])
def test_a_variable_that_stops_a_library_is_named(arguments):
    done = process(*arguments, env={"HF_HUB_DOWNLOAD_TIMEOUT": "soon"})
    assert done.returncode == ModelError.exit_code
    assert "HF_HUB_DOWNLOAD_TIMEOUT=soon" in done.stderr and is_one_sentence(done.stderr)


def test_an_address_that_cannot_be_taken_apart_is_named():
    done = process("tokens", "a", env={"HF_ENDPOINT": "http://["})
    assert done.returncode == ModelError.exit_code
    assert "HF_ENDPOINT=http://[: Invalid IPv6 URL. Unset HF_ENDPOINT." in done.stderr


def test_the_variable_whose_value_the_error_quotes_is_blamed(monkeypatch):
    monkeypatch.setenv("TORCH_LOGS", "everything")
    monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "10")
    monkeypatch.setenv("HF_HOME", "every")
    with (
        pytest.raises(
            ModelError, match=r"TORCH_LOGS=everything: Invalid log settings: everything\. Unset TORCH_LOGS\."
        ),
        importing(),
    ):
        raise ValueError("Invalid log settings: everything, must be one of 10 names")


def test_an_error_that_quotes_no_variable_is_told_as_it_is(monkeypatch):
    monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "10")
    with pytest.raises(ModelError, match="cannot be imported: 10 is too much"), importing():
        raise RuntimeError("10 is too much.")


def test_a_package_that_lacks_is_no_matter_of_the_environment():
    with pytest.raises(ImportError), importing():
        raise ImportError("no torch")
