"""Places: where the files of a model and of the adapter on it are, by what a person asked for.

Owns that a name may be that of a model, or of an adapter, whose base model is found then. Must not know torch or peft.
"""

from pathlib import Path
from typing import NamedTuple

from explorer.engine.base import Reporter
from explorer.engine.description import ModelSettings
from explorer.engine.files import adapters, hub, stores
from explorer.engine.files.adapters import (
    AdapterAlone,
    AdapterFiles,
    base_folder,
    check_peft,
    is_adapter,
    lies_beside,
    read_adapter,
)
from explorer.errors import ModelError


class Places(NamedTuple):
    """A model, and the adapter that goes on it."""

    place: Path
    """The folder or the GGUF file of the model, without the adapter."""
    name: str
    """What that model is called in the record: a folder, or an id of the hub."""
    revision: str | None
    adapter: AdapterFiles | None
    warning: str = ""
    """Why an adapter that was asked for, to be off at first, is not to be had; the model is opened without it."""


def find(settings: ModelSettings, report: Reporter) -> Places:
    """Where everything is; what is not here is downloaded. Raises ModelError."""
    asked, alone = settings.adapter, _adapter_here(settings, settings.model, settings.name, settings.revision, report)
    if alone is not None:
        check_peft(alone)  # Before its base model is downloaded.
    else:
        try:
            folder, revision = _model(settings, settings.model, settings.revision, report)
        except AdapterAlone:
            alone = _of_hub(settings, settings.model, settings.revision, report)
            check_peft(alone)
        else:
            if not asked:
                beside = _beside(settings, folder, revision) if asked is None else None
                return Places(folder, settings.name, revision, beside)
            try:
                adapter = _named(settings, asked, report)
                check_peft(adapter)
            except ModelError as error:
                if settings.adapter_on:
                    raise
                return Places(folder, settings.name, revision, None, f"The adapter cannot be switched on: {error}")
            return Places(folder, settings.name, revision, adapter)
    if asked:
        raise ModelError(
            f"{settings.name} is an adapter itself, and not a model that {asked} can be put on. Give one of the two, "
            "or the base model: --model BASE --adapter ADAPTER"
        )
    folder, name, revision = _base(settings, alone, report)
    return Places(folder, name, revision, None if asked == "" else alone)


def find_tokenizer(settings: ModelSettings, report: Reporter) -> tuple[Path, str | None]:
    """The folder of the tokenizer that `find` would lead to, and its commit; the weights of a model are not downloaded.

    Raises ModelError.
    """
    adapter = _adapter_here(settings, settings.model, settings.name, settings.revision, report)
    model, revision = settings.model, settings.revision
    if settings.adapter:
        adapter = _named(settings, settings.adapter, report)
    elif adapter is not None:
        model, revision = str(base_folder(adapter) or adapter.base), adapter.base_revision
    if adapter is not None and settings.adapter != "" and adapter.has_tokenizer:
        return adapter.folder, adapter.revision
    return hub.locate_tokenizer(model, report, revision=revision, remote_code=settings.trust_remote_code)


def _model(settings: ModelSettings, model: str, revision: str | None, report: Reporter) -> tuple[Path, str | None]:
    return hub.locate(
        model,
        report,
        revision=revision,
        allow_pickle=settings.allow_pickle,
        remote_code=settings.trust_remote_code,
    )


def _beside(settings: ModelSettings, folder: Path, revision: str | None) -> AdapterFiles | None:
    """The adapter that lies beside whole weights, where it can be put on them."""
    if not lies_beside(folder) or adapters.unused_beside(folder, settings.allow_pickle):
        return None
    return read_adapter(folder, settings.name, settings.allow_pickle, revision)


def _adapter_here(
    settings: ModelSettings, model: str, name: str, revision: str | None, report: Reporter
) -> AdapterFiles | None:
    """The adapter of this name, where it is one alone; None also for what only the hub can tell."""
    folder = stores.here(model, whole=False)
    if folder is not None:
        return read_adapter(folder, name, settings.allow_pickle) if is_adapter(folder) else None  # No GGUF file is one.
    return _of_hub(settings, model, revision, report) if hub.holds_adapter(model, revision) else None


def _of_hub(settings: ModelSettings, model: str, revision: str | None, report: Reporter) -> AdapterFiles:
    folder, commit = hub.locate_adapter(model, report, revision=revision, allow_pickle=settings.allow_pickle)
    return read_adapter(folder, model, settings.allow_pickle, commit)


def _named(settings: ModelSettings, model: str, report: Reporter) -> AdapterFiles:
    """The adapter that a person put beside a model."""
    folder = stores.here(model, whole=False)
    if folder is None:
        return _of_hub(settings, model, settings.adapter_revision, report)
    if not (folder / adapters.CONFIG).is_file():
        raise ModelError(f"{model} is no adapter of PEFT: it has no {adapters.CONFIG}.")
    return read_adapter(folder, model, settings.allow_pickle)


def _base(settings: ModelSettings, adapter: AdapterFiles, report: Reporter) -> tuple[Path, str, str | None]:
    """The base model that an adapter names: its folder, its name, its commit."""
    local = base_folder(adapter)
    name = str(local or adapter.base)
    if hub.holds_adapter(name, adapter.base_revision) if local is None else is_adapter(local):
        raise ModelError(_why_chain(adapter, name))
    try:
        folder, commit = _model(settings, name, adapter.base_revision, report)
    except AdapterAlone as error:
        raise ModelError(_why_chain(adapter, name)) from error
    except ModelError as error:
        raise ModelError(
            f"{adapter.name} is an adapter ({adapter.kind}) for {name}, which cannot be opened. {error}"
        ) from error
    return folder, name, commit


def _why_chain(adapter: AdapterFiles, base: str) -> str:
    return (
        f"{adapter.name} is an adapter for {base}, which is an adapter itself: one goes on a model, and not on "
        "another. Merge the first one into its base with peft (merge_and_unload(), then save_pretrained()), and name "
        f"the merged model: --model MERGED --adapter {adapter.name}"
    )
