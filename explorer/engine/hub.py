"""Where a model's files are: a local folder, the Hugging Face cache, or the hub.

Owns the order (what is on the disk first, the network only when needed) and the sentences for everything that can go
wrong on the way. Afterwards the model is loaded from a folder, without any network. Must not know torch.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import huggingface_hub
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from tqdm import tqdm

from explorer.engine.base import Progress
from explorer.errors import ModelError

PATTERNS = ["*.json", "*.safetensors", "*.model", "*.jinja", "tokenizer*", "*.txt"]
"""What is downloaded: configuration, tokenizer and safetensors; no pickles, no copies for other frameworks."""

HUB_TIMEOUT = 10.0
"""Seconds to wait for the hub's first answer."""


def locate(model: str, on_progress: Callable[[Progress], None]) -> tuple[Path, str | None]:
    """The folder of a model, and its revision where it came from the hub. Raises ModelError."""
    try:
        folder = _folder(model)
    except (OSError, RuntimeError) as error:  # A folder that may not be read, a name too long, a home that is unknown.
        raise ModelError(f"{model} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    if folder is not None:
        return folder, None
    if looks_like_path(model):
        raise ModelError(f"There is no folder {model}.")
    cached = _cached(model)
    return cached if cached is not None else _download(model, on_progress)


def _folder(model: str) -> Path | None:
    """The local folder of this name, if there is one."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").exists():
            raise ModelError(f"The folder {model} has no config.json: it is not a model of Hugging Face transformers.")
        return folder
    if folder.exists():
        raise ModelError(f"{model} is a file. Give the folder that holds the model's config.json.")
    return None


def looks_like_path(model: str) -> bool:
    """Whether a name that is no folder was meant as one: hub ids have at most one slash, and begin with a letter."""
    return model.startswith((".", "~", os.sep)) or model.count("/") > 1 or "\\" in model


def _cached(model: str) -> tuple[Path, str | None] | None:
    """The cached snapshot, if it is whole enough to be loaded."""
    try:
        folder = Path(huggingface_hub.snapshot_download(model, local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    except HFValidationError as error:
        raise ModelError(f"“{model}” is neither a folder nor the id of a model on the hub (owner/name).") from error
    weights = any(folder.glob("*.safetensors")) or any(folder.glob("*.bin"))
    return (folder, folder.name) if weights and (folder / "config.json").exists() else None


def _download(model: str, on_progress: Callable[[Progress], None]) -> tuple[Path, str | None]:
    on_progress(Progress(f"asking the hub for {model}"))
    try:
        # One question with a timeout: without it, each missing file is retried for half a minute.
        info = huggingface_hub.HfApi().model_info(model, timeout=HUB_TIMEOUT)
        folder = huggingface_hub.snapshot_download(
            model, revision=info.sha, allow_patterns=PATTERNS, tqdm_class=_bars(model, on_progress)
        )
    except GatedRepoError as error:
        raise ModelError(
            f"{model} is gated: accept its terms on https://huggingface.co/{model}, then log in with: hf auth login"
        ) from error
    except RepositoryNotFoundError as error:
        raise ModelError(
            f"The hub has no model {model}, or it is private. Check the name; for a private one: hf auth login"
        ) from error
    except OfflineModeIsEnabled as error:
        raise ModelError(
            f"{model} is not in the local cache, and HF_HUB_OFFLINE forbids to download it. "
            "Unset it, or give a local folder."
        ) from error
    except (httpx2.HTTPError, HfHubHTTPError, ConnectionError, TimeoutError, LocalEntryNotFoundError) as error:
        raise ModelError(
            f"{model} is not in the local cache and the hub cannot be reached ({type(error).__name__}). "
            "Check the network, or give a local folder with --model."
        ) from error
    except OSError as error:
        raise ModelError(f"{model} could not be downloaded: {error.strerror or error}.") from error
    return Path(folder), info.sha


def _bars(model: str, on_progress: Callable[[Progress], None]) -> type[tqdm]:
    """A progress bar class that draws nothing and reports the bytes of the bar that counts them."""

    class Bar(tqdm):  # type: ignore[misc]  # tqdm has no types
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)
            super().__init__(*args, **{**kwargs, "file": open(os.devnull, "w")})  # noqa: SIM115  (lives as long as the bar)

        def update(self, n: float | None = 1) -> None:
            super().update(n)
            if self.unit == "B":
                on_progress(Progress(f"downloading {model}", int(self.n), int(self.total or 0)))

    return Bar
