"""Sides: a model with its adapter on, and off; without an adapter there is one side alone.

Owns what differs between the two, and what is said of it: the tokenizer, which the adapter may bring along, and how the
engine is named in a record. Off, that is what the model alone would be. Must not know calls.
"""

import importlib.metadata
from functools import cached_property
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from explorer.engine.calls import NO_ADAPTER
from explorer.engine.compute.loading.adapter import Adapter, put_on
from explorer.engine.compute.loading.loading import load_vocabulary
from explorer.engine.description import AdapterInfo, ModelSettings
from explorer.engine.files.places import Places
from explorer.engine.vocabulary.reading import ReadTokenizer
from explorer.errors import UsageError


class Sides:
    """Those of one loaded model, whose small files are in `folder`. A tokenizer is read when it is first needed."""

    def __init__(self, places: Places, folder: Path, settings: ModelSettings) -> None:
        self.places, self._folder, self._settings = places, folder, settings
        self.on = places.adapter is not None and settings.adapter_on
        """Whether there is an adapter, and it is on."""
        self._adapter: Adapter | None = None

    def put_on(self, model: PreTrainedModel) -> None:
        """Put the adapter on the loaded model. Raises ModelError."""
        assert self.places.adapter is not None
        self._alone = int(model.num_parameters())
        self._adapter = put_on(model, self.places.adapter, self.places.name)
        if not self.on:
            self._check_fixed()
            self._adapter.switch(on=False)

    def switch(self, on: bool) -> None:
        """The adapter on, or off. Raises UsageError where that cannot be, ModelError for the tokenizer of that side."""
        if self._adapter is None:
            raise UsageError(NO_ADAPTER.format(model=self.places.name))
        self._check_fixed()
        _ = self.tokenizer(on)
        self._adapter.switch(on)
        self.on = on

    def _check_fixed(self) -> None:
        assert self._adapter is not None
        if self._adapter.fixed:
            raise UsageError(self._adapter.fixed)

    def tokenizer(self, on: bool) -> ReadTokenizer:
        """The vocabulary and the chat template of a side. Raises ModelError."""
        return self._of_adapter if on and self._brings_tokenizer else self._of_model

    @cached_property
    def _brings_tokenizer(self) -> bool:
        return self.places.adapter is not None and self.places.adapter.has_tokenizer

    @cached_property
    def _of_model(self) -> ReadTokenizer:
        return load_vocabulary(self._folder, self._settings)

    @cached_property
    def _of_adapter(self) -> ReadTokenizer:
        """Where the adapter brings no chat template, and has the same vocabulary, the template is the model's."""
        assert self.places.adapter is not None
        read = load_vocabulary(self.places.adapter.folder, self._settings)
        if not read.template.present:
            alone = self._of_model
            if alone.template.present and alone.vocabulary.fingerprint() == read.vocabulary.fingerprint():
                return read._replace(template=alone.template)
        return read

    def parameters(self, model: PreTrainedModel) -> int:
        """Numbers that are learned, of the model and of what is on it."""
        if self._adapter is None:
            return int(model.num_parameters())
        return self._alone + (self._adapter.parameters if self.on else 0)

    # What is said of the present side.

    @property
    def loaded_with(self) -> dict[str, Any]:
        """The adapter, for the record; empty while it is off, as then the model is as it is alone."""
        adapter = self.places.adapter if self.on else None
        if adapter is None:
            return {}
        return {"adapter": adapter.name} | ({"adapter_revision": adapter.revision} if adapter.revision else {})

    @property
    def versions(self) -> dict[str, str]:
        """Of peft, while it takes part."""
        return {"peft": importlib.metadata.version("peft")} if self.on else {}

    @property
    def warnings(self) -> list[str]:
        """What a person would not expect of the adapter."""
        adapter, name = self.places.adapter, self.places.name
        if self.places.warning:
            return [self.places.warning]
        if adapter is None or not self.on or not adapter.base or _last(adapter.base) == _last(name):
            return []
        return [f"The adapter {adapter.name} was made on {adapter.base}, and lies on {name}."]

    @property
    def info(self) -> AdapterInfo | None:
        """The adapter, be it on or off."""
        adapter = self.places.adapter
        if adapter is None or self._adapter is None:
            return None
        return AdapterInfo(
            name=adapter.name,
            revision=adapter.revision,
            kind=adapter.kind,
            base=adapter.base,
            parameters=self._adapter.parameters,
            tokenizer=self._brings_tokenizer,
            on=self.on,
            fixed=self._adapter.fixed,
        )


def _last(name: str) -> str:
    """The last part of a name, by which a copy of a model on the disk is still known."""
    return name.rstrip("/").rpartition("/")[2].casefold()
