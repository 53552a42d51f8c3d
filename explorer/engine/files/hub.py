"""Where a model's files are: at a path, with another program, in the Hugging Face cache, or on the hub.

Owns the order (what is on the disk first, the network only when needed) and the sentences for everything that can go
wrong on the way. Afterwards the model is loaded from a folder or a GGUF file, without any network. Must not know torch.
"""

from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx2
import huggingface_hub
from huggingface_hub import constants
from huggingface_hub.errors import (
    DryRunError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.file_download import repo_folder_name

from explorer.core.token import visible
from explorer.engine.base import Reporter
from explorer.engine.files import adapters, checkpoint, disk, stores
from explorer.engine.files.address import split_file
from explorer.engine.files.catalogue import cached_revisions, repository_folder
from explorer.engine.files.download import download, download_adapter, download_gguf, download_tokenizer
from explorer.engine.files.fitness import read_in
from explorer.engine.files.fragments import is_gguf_alone, kind_of_fragment, why_no_model
from explorer.engine.files.selection import Place, matching, models_among, parts_in, select
from explorer.errors import ModelError

FAILURES = (httpx2.HTTPError, httpx2.InvalidURL, OSError, RuntimeError, ValueError)
"""What a download raises: a RuntimeError comes of the xet client, a ValueError of an address that makes no sense."""


def locate(
    model: str,
    report: Reporter,
    *,
    revision: str | None = None,
    allow_pickle: bool = False,
    remote_code: bool = False,
) -> tuple[Path, str | None]:
    """The folder or the GGUF file of a model, and its commit where it is one of the hub; what is missing is downloaded.

    `model`: a path, a name of another program's, an id of the hub, or `ID:FILE` and `ID:QUANTISATION` for one GGUF file
    of it. `revision`: a branch, a tag or a commit of the hub; `main` unless given. `allow_pickle`: pickled weights are
    taken where there are no others. `remote_code`: the model's own Python files are needed too. `report` gets the bytes
    of a download, also from other threads. A download is stopped by ending the process. Raises ModelError.
    """
    here = stores.here(model)
    if here is not None:
        return here, None
    repository, wanted = split_file(model)
    allowed = {"allow_pickle": allow_pickle, "remote_code": remote_code}
    cached, lacks = _cached(repository, revision, allowed)
    if wanted:
        return _locate_gguf(repository, wanted, report, revision, cached)
    if cached is not None and not lacks:
        return cached, cached.name
    if cached is not None and lacks == checkpoint.NO_CONFIG and kind_of_fragment(names := checkpoint.names_in(cached)):
        raise ModelError(why_no_model(model, names, partial(read_in, cached)))
    try:
        downloaded = download(model, report, revision=revision, **allowed)
    except FAILURES as error:
        if cached is not None and (file := _only_gguf(cached)):
            return file, cached.name
        raise ModelError(_why_not_downloaded(model, revision, lacks, error)) from error
    if downloaded.is_file():
        return downloaded, _commit(model, downloaded)
    lacks = checkpoint.lacking(downloaded, **allowed)
    if (
        lacks
    ):  # The repository itself lacks it, or the hub's library took the end of the network for the end of the files.
        raise ModelError(
            f"{model} was downloaded from the hub with {lacks}, so it cannot be loaded. Try again, or another model."
        )
    return downloaded, downloaded.name


def locate_tokenizer(
    model: str, report: Reporter, *, revision: str | None = None, remote_code: bool = False
) -> tuple[Path, str | None]:
    """The folder or the GGUF file of a model's tokenizer, and its commit where it is one of the hub.

    Nothing else needs to be there: what is not here is downloaded, and the weights never are, except those in the same
    GGUF file. Otherwise as `locate`. Raises ModelError.
    """
    here = stores.here(model, whole=False)
    if here is not None:
        return here, None
    repository, wanted = split_file(model)
    cached, lacks = _cached(repository, revision, {"remote_code": remote_code})
    if wanted:
        return _locate_gguf(repository, wanted, report, revision, cached)
    if cached is not None and checkpoint.has_tokenizer(cached):
        return cached, cached.name
    try:
        downloaded = download_tokenizer(model, report, revision=revision, remote_code=remote_code)
    except FAILURES as error:
        if cached is not None and (file := _only_gguf(cached)):
            return file, cached.name
        raise ModelError(_why_not_downloaded(model, revision, lacks and "no tokenizer", error)) from error
    return downloaded, downloaded.name if downloaded.is_dir() else _commit(model, downloaded)


def locate_adapter(
    model: str, report: Reporter, *, revision: str | None = None, allow_pickle: bool = False
) -> tuple[Path, str]:
    """The folder of an adapter of the hub, and its commit; otherwise as `locate`. Raises ModelError."""
    cached, _ = _cached(model, revision, {})
    lacks = ""
    if cached is not None and (cached / adapters.CONFIG).exists():
        lacks = adapters.lacking(cached, allow_pickle)
        if lacks in ("", checkpoint.PICKLED):
            return cached, cached.name
    try:
        folder = download_adapter(model, report, revision=revision, allow_pickle=allow_pickle)
    except FAILURES as error:
        raise ModelError(_why_not_downloaded(model, revision, lacks, error)) from error
    return folder, folder.name


def holds_adapter(model: str, revision: str | None) -> bool:
    """Whether the cache has this revision of an id of the hub, and it is an adapter alone. Raises ModelError."""
    repository, wanted = split_file(model)
    cached, _ = _cached(repository, revision, {})
    return cached is not None and not wanted and adapters.is_adapter(cached)


def _locate_gguf(
    model: str, wanted: str, report: Reporter, revision: str | None, cached: Path | None
) -> tuple[Path, str | None]:
    """One GGUF file of a repository, from the cache where it is there."""
    sizes = {name: None for name in checkpoint.names_in(cached) if (cached / name).exists()} if cached else {}
    if cached is not None and matching(list(sizes), wanted):
        return cached / select(Place(f"{model} in the local cache", model), sizes, wanted), cached.name
    try:
        file = download_gguf(model, report, revision=revision, wanted=wanted)
    except FAILURES as error:
        lacks = f"no {visible(wanted)}" if models_among(list(sizes)) else ""
        raise ModelError(_why_not_downloaded(model, revision, lacks, error)) from error
    return file, _commit(model, file)


def _only_gguf(cached: Path) -> Path | None:
    """The one GGUF file that a snapshot of the cache has, where there is one and nothing else to load."""
    names = [name for name in checkpoint.names_in(cached) if (cached / name).exists()]
    found = models_among(names) if is_gguf_alone(names) else []
    return cached / found[0] if len(found) == 1 and parts_in(found[0]) == 1 else None


def _commit(model: str, file: Path) -> str:
    """The commit of a file in a snapshot of the cache."""
    return file.relative_to(repository_folder(model) / "snapshots").parts[0]


def _cached(model: str, revision: str | None, allowed: dict[str, bool]) -> tuple[Path | None, str]:
    """The cached snapshot of a revision, if there is one, and what it lacks."""
    try:
        folder = _snapshot(model, revision)
        return folder, checkpoint.lacking(folder, **allowed) if folder is not None else ""
    except HFValidationError as error:
        raise ModelError(f"“{model}” is neither a folder nor the id of a model on the hub (owner/name).") from error
    except PermissionError as error:
        raise ModelError(checkpoint.denied(model, error)) from error
    except OSError as error:
        raise ModelError(f"{model} in the local cache cannot be read: {error.strerror or error}.") from error


def _snapshot(model: str, revision: str | None) -> Path | None:
    try:
        return Path(huggingface_hub.snapshot_download(model, revision=revision, local_files_only=True))
    except LocalEntryNotFoundError as error:
        # The library calls a snapshot incomplete where a file is missing that no model needs, and tells where it is.
        folder = getattr(error, "snapshot_path", None) or _named_loosely(model, revision or "main")
        return Path(folder) if folder else None


def _named_loosely(model: str, revision: str) -> Path | None:
    """The snapshot that a reference of the cache names, where an editor has put a line break behind it."""
    home = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=model, repo_type="model")
    try:
        commit = (home / "refs" / revision).read_text("utf-8").strip()
    except (OSError, ValueError):
        return None
    folder = home / "snapshots" / commit
    return folder if commit.isalnum() and folder.is_dir() else None


def _why_not_downloaded(model: str, revision: str | None, lacks: str, error: BaseException) -> str:
    """The sentence for what stopped a download. `lacks`: what the snapshot in the cache lacks, if there is one."""
    if isinstance(error, DryRunError | LocalEntryNotFoundError) and error.__cause__ is not None:
        return _why_not_downloaded(model, revision, lacks, error.__cause__)  # What these two wrap is the reason.
    if disk.is_full(error):
        return (
            f"The disk of the local cache {constants.HF_HUB_CACHE} is full, and {model} is not whole. Make room and "
            "try again: what is there already is kept."
        )
    if isinstance(error, GatedRepoError):
        return f"{model} is gated: accept its terms on https://huggingface.co/{model}, then log in with: hf auth login"
    if isinstance(error, RepositoryNotFoundError):
        return f"The hub has no model {model}, or it is private. Check the name; for a private one: hf auth login"
    if isinstance(error, RevisionNotFoundError):
        return f"{model} has no revision {revision} on the hub. Give a branch, a tag or a commit that it has."
    if isinstance(error, HfHubHTTPError) and error.response.status_code in (401, 403):
        return (
            f"The hub refuses {model} (HTTP {error.response.status_code}). Log in again with hf auth login, or unset "
            "HF_TOKEN if it is an old one."
        )
    if isinstance(error, OfflineModeIsEnabled):
        reason, way_out = "HF_HUB_OFFLINE forbids to download it", "Unset it"
    elif isinstance(error, HfHubHTTPError):
        reason, way_out = f"the hub answers with HTTP {error.response.status_code}", "Try again later"
    elif isinstance(error, httpx2.UnsupportedProtocol | httpx2.InvalidURL) or not _is_address(constants.ENDPOINT):
        reason, way_out = f"{constants.ENDPOINT} is no address of a hub", "Write HF_ENDPOINT as https://…, or unset it"
    elif isinstance(error, httpx2.ProxyError):
        reason, way_out = "the proxy does not let the explorer reach the hub", "Check HTTPS_PROXY"
    elif isinstance(error, httpx2.HTTPError | ConnectionError | TimeoutError | DryRunError | LocalEntryNotFoundError):
        reason = f"the hub cannot be reached ({type(error).__name__})"
        way_out = "Check the network and its proxy" if getproxies() else "Check the network"
    else:
        return f"{model} could not be downloaded: {getattr(error, 'strerror', None) or error}."
    return f"{_held(model, revision, lacks)}, and {reason}. {way_out}{_instead(model, lacks)}."


def _held(model: str, revision: str | None, lacks: str) -> str:
    """What of a model is in the cache."""
    if lacks:
        return f"{model} is only partly in the local cache (with {lacks})"
    if _whole_revisions(model):
        return f"{model} is in the local cache, but not its revision {revision or 'main'}"
    return f"{model} is not in the local cache"


def _instead(model: str, lacks: str) -> str:
    """What can be done without the hub; goes after a way out."""
    if lacks == checkpoint.PICKLED:
        return ", or open the pickles with --allow-pickle where you trust their author"
    whole = _whole_revisions(model)
    if whole:
        return f", or take a revision that is there: --revision {whole[0]}"
    return "; what is there already is kept" if lacks else ", or give a local folder with --model"


def _whole_revisions(model: str) -> list[str]:
    return [entry.revision for entry in cached_revisions(model) if not entry.problem]


def _is_address(endpoint: str) -> bool:
    try:
        return bool(urlsplit(endpoint).hostname)
    except ValueError:
        return False
