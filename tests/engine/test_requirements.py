import os
import subprocess
import sys

import pytest

from explorer.engine.compute.requirements import check_libraries
from explorer.errors import ExitCode, ModelError


def pretend(folder, library: str, version: str) -> None:
    """Put the metadata of another version into the folder, which comes first where it is on the path."""
    (folder / f"{library}-{version}.dist-info").mkdir()
    text = f"Metadata-Version: 2.1\nName: {library}\nVersion: {version}\n"
    (folder / f"{library}-{version}.dist-info" / "METADATA").write_text(text)


def test_the_versions_that_are_installed_here_are_known():
    check_libraries()


def test_every_version_out_of_range_is_named_with_its_range(tmp_path, monkeypatch):
    pretend(tmp_path, "transformers", "4.57.6")
    pretend(tmp_path, "huggingface_hub", "1.33.0")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModelError) as refused:
        check_libraries()
    sentence = str(refused.value)
    assert "transformers<6,>=" in sentence
    assert "(4.57.6 is installed)" in sentence
    assert "hub>=2.0 (1.33.0 is installed)" in sentence
    assert "torch" not in sentence


@pytest.mark.parametrize("version", ["5.99.0", "5.24.0.dev0", "5.23.0+local"])
def test_versions_in_range_are_known_though_they_are_no_releases(tmp_path, monkeypatch, version):
    pretend(tmp_path, "transformers", version)
    monkeypatch.syspath_prepend(tmp_path)
    check_libraries()


def test_a_command_that_needs_another_version_says_so_in_a_sentence(tmp_path):
    pretend(tmp_path, "torch", "1.13.1")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "explorer", "next", "Once"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path})
    assert done.returncode == ExitCode.MODEL
    assert done.stderr.startswith(
        "The explorer needs torch>=2.6 (1.13.1 is installed). Install: pip install 'torch>=2.6'"
    )
    assert not done.stdout
