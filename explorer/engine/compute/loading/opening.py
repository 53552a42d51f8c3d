"""Opening: from what a person asked for to a model that can answer, and what is said of it.

Owns the order: the files and whether they can be a model's, the tokenizer, the weights, the adapter. Must not know
what is asked of the model, nor the states that it keeps.
"""

from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import tokenizers
import torch
import transformers
from transformers import PreTrainedModel

from explorer.core.sampling.defaults import defaults
from explorer.engine.base import Progress, Reporter
from explorer.engine.compute import memory
from explorer.engine.compute.loading.causality import check_causal
from explorer.engine.compute.loading.generation import check_generation
from explorer.engine.compute.loading.loading import load_config, load_model, warnings
from explorer.engine.compute.loading.placement import devices_in_words
from explorer.engine.compute.loading.sides import Sides
from explorer.engine.compute.loading.slowness import Slowdown, slowness
from explorer.engine.description import EngineInfo, ModelSettings
from explorer.engine.files.fitness import check_fitness
from explorer.engine.files.places import find
from explorer.engine.files.provenance import Provenance
from explorer.engine.limits import Limits
from explorer.engine.vocabulary.gguf import unnamed_splitting
from explorer.engine.vocabulary.reading import ReadTokenizer
from explorer.engine.vocabulary.unfolding import unfolded


class Opened(NamedTuple):
    """A model on its devices, with the files that it is made of."""

    model: PreTrainedModel
    folder: Path
    """Of its configuration and its tokenizer; a GGUF file is unfolded into one."""
    sides: Sides
    name: str
    """What the model is called, without its adapter."""
    loaded_with: dict[str, Any]
    """What was asked for that is not as usual, and the file of the weights; for the record."""
    part: str
    """What of the model is used, where that is not the whole."""
    warnings: tuple[str, ...]
    advice: str

    def info(self, read: ReadTokenizer, limits: Limits, eos_ids: list[int], answers: tuple[str, ...]) -> EngineInfo:
        """What the model is on its present side, with the tokenizer of that, to whoever asks an engine."""
        model, sides, own = self.model, self.sides, defaults(self.model.generation_config.to_dict(), limits.vocab_size)
        libraries = {library.__name__: str(library.__version__) for library in (torch, transformers, tokenizers)}
        return EngineInfo(
            model=self.name,
            revision=sides.places.revision,
            architecture=type(model).__name__,
            parameters=sides.parameters(model),
            dtype=str(model.dtype).removeprefix("torch."),
            device=devices_in_words(model),
            vocab_size=limits.vocab_size,
            context_length=limits.context_length,
            eos_ids=eos_ids,
            tokenizer=read.vocabulary.fingerprint(),
            special_tokens=read.vocabulary.special_ids,
            chat_template=read.template.present,
            loaded_with=self.loaded_with | sides.loaded_with,
            versions=libraries | sides.versions,
            sampling_defaults=own.settings,
            sampling_left_out=own.left_out,
            part=self.part,
            warnings=(*self.warnings, *sides.warnings),
            advice=self.advice,
            adapter=sides.info,
            answers=answers,
        )


def open_model(asked: ModelSettings, report: Reporter, slowdown: Slowdown) -> Opened:
    """The model that was asked for; `slowdown` measures its dtype. Raises ModelError."""
    places = find(asked, report)
    settings = msgspec.structs.replace(asked, name=places.name)
    meant = check_fitness(places.place, settings.name, settings.allow_pickle)
    folder, header = unfolded(places.place)
    provenance = Provenance(header, places.place)
    config = load_config(folder, settings)
    check_generation(folder, settings.name)
    report(Progress("reading the tokenizer"))
    sides = Sides(places, folder, settings)
    _ = sides.tokenizer(settings.adapter_on)
    report(Progress("loading the weights"))
    model, unused = load_model(folder, config, settings, report, header)
    said = warnings(folder, settings.allow_pickle, unused)
    if header is not None and (splitting := unnamed_splitting(header)):
        said = (*said, splitting)
    with memory.fitting(settings.name, model.device):
        check_causal(model, settings.name)
        if places.adapter is not None:
            report(Progress("putting on the adapter"))
            sides.put_on(model)
    return Opened(
        model=model,
        folder=folder,
        sides=sides,
        name=settings.name,
        loaded_with=asked.special() | provenance.facts(),
        part=meant.note,
        warnings=said,
        advice=slowness(model, settings.dtype, slowdown),
    )
