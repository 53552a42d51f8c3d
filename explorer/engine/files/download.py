"""The download of a model from the hub into the local cache.

Owns what is fetched and in which order, the room that it needs, and the count of its bytes. Errors of the network and
of the hub go through as they are: `hub` has the sentences. Must not know torch.
"""

import contextlib
import glob
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import huggingface_hub
from filelock import FileLock
from huggingface_hub import constants
from huggingface_hub.errors import HfHubHTTPError
from tqdm import tqdm

from explorer.core.size import size_in_words
from explorer.engine.base import Progress, Reporter
from explorer.engine.files import adapters, checkpoint, resuming
from explorer.engine.files.adapters import AdapterAlone
from explorer.engine.files.catalogue import repository_folder
from explorer.engine.files.fragments import is_gguf_alone, why_no_model
from explorer.engine.files.purpose import refusal
from explorer.engine.files.selection import Place, select
from explorer.errors import ModelError

HUB_TIMEOUT = 10.0
"""Seconds to wait for the hub's first answer."""

ABANDONED = 30.0
"""A part of a file that grew no more for so many seconds, and that nobody has locked, is not being downloaded."""


def download(
    model: str,
    report: Reporter,
    *,
    revision: str | None,
    allow_pickle: bool,
    remote_code: bool,
) -> Path:
    """Fetch what the cache lacks of a model; the folder of its snapshot, or in it the GGUF file where it has no other.

    `report` is called from several threads. The weights come last, so that what was cut off never looks whole; whole
    files are kept and not fetched again. Raises ModelError for a repository that is no model to load, or that has no
    room on the disk; besides the errors of huggingface_hub and httpx2, OSError, and RuntimeError, which is what the xet
    client raises.
    """
    report(Progress(f"asking the hub for {model}"))
    commit, names = _listing(model, revision)
    small, weights = checkpoint.wanted(names, allow_pickle=allow_pickle, remote_code=remote_code)
    if checkpoint.CONFIG not in small or not weights:
        if is_gguf_alone(names) and adapters.CONFIG not in names:
            return _fetch_gguf(model, report, revision, commit, names, None)
        kind = AdapterAlone if adapters.CONFIG in names else ModelError
        raise kind(_why_not_a_model(model, commit, names))
    count = _prepared(model, report, commit, small + weights)
    # By its own name, so that the cache remembers which commit the revision is.
    folder = huggingface_hub.snapshot_download(
        model, revision=revision, allow_patterns=_exactly(small), tqdm_class=_bars(count)
    )
    config = checkpoint.read_config(Path(folder))
    meant = checkpoint.purpose_of(Path(folder), config)
    if meant.refusal:  # Before the weights, which are nearly all of it.
        raise ModelError(refusal(model, config, meant))
    return Path(
        huggingface_hub.snapshot_download(
            model, revision=Path(folder).name, allow_patterns=_exactly(weights), tqdm_class=_bars(count)
        )
    )


def download_gguf(model: str, report: Reporter, *, revision: str | None, wanted: str) -> Path:
    """Fetch one GGUF file where the cache lacks it: the one of this name or quantisation; its path in the snapshot.

    Raises as `download`.
    """
    report(Progress(f"asking the hub for {model}"))
    commit, names = _listing(model, revision)
    return _fetch_gguf(model, report, revision, commit, names, wanted)


def _fetch_gguf(
    model: str, report: Reporter, revision: str | None, commit: str, names: list[str], wanted: str | None
) -> Path:
    sizes = {**dict.fromkeys(names), **_sizes(model, commit)}
    file = select(Place(f"{model} on the hub", model), sizes, wanted)
    home = repository_folder(model)
    count = _prepared(model, report, commit, [file], resuming.waiting(home))
    here = (home / "snapshots" / commit / file).exists() or resuming.fetch(
        home, huggingface_hub.hf_hub_url(model, file, revision=commit), _bars(count), count
    )
    folder = huggingface_hub.snapshot_download(
        model,
        revision=revision,
        allow_patterns=_exactly([file]),
        tqdm_class=_bars(lambda n: None) if here else _bars(count),
    )
    return Path(folder) / file


def download_tokenizer(model: str, report: Reporter, *, revision: str | None, remote_code: bool) -> Path:
    """Fetch what the cache lacks of a model's tokenizer, and no weights; the folder of its snapshot.

    Of a repository that has its tokenizer in a GGUF file alone, that file. Raises ModelError for one without a
    tokenizer; besides as `download`.
    """
    report(Progress(f"asking the hub for {model}"))
    commit, names = _listing(model, revision)
    files = checkpoint.tokenizer_files(names, remote_code=remote_code)
    if not files and is_gguf_alone(names):
        return _fetch_gguf(model, report, revision, commit, names, None)
    if not files:
        raise ModelError(f"{model} has no tokenizer on the hub. Give the model that it was made of.")
    report(Progress(f"downloading the tokenizer of {model}"))
    return Path(
        huggingface_hub.snapshot_download(
            model, revision=revision, allow_patterns=_exactly(files), tqdm_class=_bars(lambda n: None)
        )
    )


def download_adapter(model: str, report: Reporter, *, revision: str | None, allow_pickle: bool) -> Path:
    """Fetch what the cache lacks of an adapter, and of the tokenizer that it brings; the folder of its snapshot.

    Raises ModelError for a repository without an adapter; besides as `download`.
    """
    report(Progress(f"asking the hub for {model}"))
    commit, names = _listing(model, revision)
    if adapters.CONFIG not in names:
        raise ModelError(f"{model} on the hub is no adapter of PEFT: it has no {adapters.CONFIG}.")
    files = adapters.wanted(names, allow_pickle)
    count = _prepared(model, report, commit, files)
    return Path(
        huggingface_hub.snapshot_download(
            model, revision=revision, allow_patterns=_exactly(files), tqdm_class=_bars(count)
        )
    )


def _listing(model: str, revision: str | None) -> tuple[str, list[str]]:
    """The commit of a revision, and the files that it has."""
    try:
        # One question with a timeout: without it, each missing file is retried for half a minute.
        info = huggingface_hub.HfApi().model_info(model, revision=revision, timeout=HUB_TIMEOUT)
        return str(info.sha), [file.rfilename for file in info.siblings or []]
    except HfHubHTTPError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{constants.ENDPOINT} does not answer as a model hub does. Check HF_ENDPOINT, the proxy and whether this "
            "network asks for a login."
        ) from error


def _sizes(model: str, commit: str) -> dict[str, int | None]:
    """Name -> bytes, of the files of a commit."""
    info = huggingface_hub.HfApi().model_info(model, revision=commit, files_metadata=True, timeout=HUB_TIMEOUT)
    return {file.rfilename: file.size for file in info.siblings or []}


def _prepared(model: str, report: Reporter, commit: str, files: list[str], waiting: int = 0) -> "_Count":
    """The count of the bytes of some files, once it is sure that they have room. Raises ModelError.

    `waiting`: bytes that are here already, of files that are not whole.
    """
    _sweep(model)
    plan = huggingface_hub.snapshot_download(
        model, revision=commit, allow_patterns=_exactly(files), tqdm_class=_bars(lambda n: None), dry_run=True
    )
    total = sum(file.file_size or 0 for file in plan)
    needed = sum(file.file_size or 0 for file in plan if file.will_download)
    _check_room(model, needed - waiting)
    return _Count(report, f"downloading {model} · {size_in_words(total)}", total - needed, total)


def _exactly(names: list[str]) -> list[str]:
    return [glob.escape(name) for name in names]


def _why_not_a_model(model: str, commit: str, names: list[str]) -> str:
    if checkpoint.wanted(names, allow_pickle=True, remote_code=False)[1] and checkpoint.CONFIG in names:
        return (
            f"{model} has pickled weights only, which can run code when they are opened. Where you trust their author: "
            "--allow-pickle"
        )

    def read(file: str) -> dict[str, Any]:
        try:
            return checkpoint.read_json(Path(huggingface_hub.hf_hub_download(model, file, revision=commit)))
        except (HfHubHTTPError, httpx2.HTTPError, OSError, RuntimeError, ModelError):
            return {}  # The sentence goes without what the file says.

    return why_no_model(f"{model} on the hub", names, read)


def _sweep(model: str) -> None:
    """Remove the parts of files that killed downloads left, which the hub's library neither goes on from nor drops."""
    home = repository_folder(model)
    locks = home.parent / ".locks" / home.name
    for part in home.glob("blobs/*.incomplete"):
        # A lock's Timeout is an OSError: somebody is downloading the file. NotImplementedError: a disk without locks.
        with contextlib.suppress(OSError, NotImplementedError):
            locks.mkdir(parents=True, exist_ok=True)
            with FileLock(locks / f"{part.name.split('.')[0]}.lock", timeout=0, mode=0o664):
                if time.time() - part.stat().st_mtime > ABANDONED:
                    part.unlink()


def _check_room(model: str, needed: int) -> None:
    cache = Path(constants.HF_HUB_CACHE).expanduser().absolute()
    disk = next(folder for folder in (cache, *cache.parents) if folder.exists())
    free = shutil.disk_usage(disk).free
    if free < needed:
        raise ModelError(
            f"{model} needs {size_in_words(needed)} more on the disk of the local cache {cache}, which has "
            f"{size_in_words(free)} free. Make room, or set HF_HUB_CACHE to a folder on another disk."
        )


class _Count:
    """Bytes that are here, of several files at once; each addition is reported."""

    def __init__(self, report: Reporter, stage: str, done: int, total: int) -> None:
        self._report, self._stage, self._done, self._total = report, stage, done, total
        self._lock = threading.Lock()
        self(0)

    def __call__(self, count: int) -> None:
        with self._lock:
            self._done += count
            self._report(Progress(self._stage, self._done, self._total))


def _bars(on_bytes: Callable[[int], None]) -> type[tqdm]:
    """A progress bar class that draws nothing, and passes on the bytes that are written to the disk."""

    class Bar(tqdm):  # type: ignore[misc]  # tqdm has no types
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            # A second bar of bytes counts what comes over the network, which may be less.
            self._counts = kwargs.get("unit") == "B" and kwargs.get("desc") != "Downloading bytes"
            super().__init__(*args, **{**kwargs, "disable": True})

        def update(self, n: float | None = 1) -> None:
            if self._counts:
                on_bytes(int(n or 0))

    return Bar
