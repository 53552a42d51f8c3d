"""Resuming: one large file of the hub, of which a stop costs nothing that is here.

Owns the part of the file that waits in the cache until it is whole: the hub's own library begins every file anew. What
it cannot do is left to that library. Must not know which file is wanted, or what for.
"""

import contextlib
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import huggingface_hub
from filelock import FileLock, Timeout
from huggingface_hub import constants
from huggingface_hub.file_download import HfFileMetadata, http_get
from huggingface_hub.utils._headers import build_hf_headers
from tqdm import tqdm

from explorer.engine.files import disk

ENDING = ".part"
SHA256 = re.compile(r"[0-9a-f]{64}")


def fetch(home: Path, url: str, bars: type[tqdm], already: Callable[[int], None]) -> bool:
    """Put a file among the blobs of a repository's folder, where the library finds it; from where a stop left it.

    `already` hears how many bytes are here before the first one comes. False where nothing was done, because the file
    is too large for that or another process is at it. Raises as downloads do.
    """
    about = huggingface_hub.get_hf_file_metadata(url)
    if not about.etag or not about.size or about.size > constants.MAX_HTTP_DOWNLOAD_SIZE:
        return False
    locks = home.parent / ".locks" / home.name
    # Timeout: another process downloads the file, and the library waits for it.
    # NotImplementedError: a disk without locks.
    with contextlib.suppress(Timeout, NotImplementedError):
        locks.mkdir(parents=True, exist_ok=True)
        with FileLock(locks / f"{about.etag}.lock", timeout=0, mode=0o664):
            blob = home / "blobs" / about.etag
            if not blob.exists():
                _fetch(blob, url, about, bars, already)
            return True
    return False


def waiting(home: Path) -> int:
    """Bytes of the parts that wait in a repository's folder."""
    return sum(part.stat().st_size for part in home.glob(f"blobs/*{ENDING}"))


def _fetch(blob: Path, url: str, about: HfFileMetadata, bars: type[tqdm], already: Callable[[int], None]) -> None:
    blob.parent.mkdir(parents=True, exist_ok=True)
    part = blob.with_name(blob.name + ENDING)
    here = part.stat().st_size if part.exists() else 0
    if about.size is not None and here > about.size:
        part.unlink()
        here = 0
    already(here)
    ours = urlsplit(about.location).netloc == urlsplit(url).netloc
    with part.open("ab", buffering=0) as file:
        http_get(
            about.location,
            file,
            resume_size=here,
            headers=build_hf_headers(token=None if ours else False),
            expected_size=about.size,
            tqdm_class=bars,
        )
    if SHA256.fullmatch(blob.name) and disk.sha256(part) != blob.name:
        part.unlink()
        raise RuntimeError("what came is not the file that the hub names. Try again")
    part.replace(blob)
