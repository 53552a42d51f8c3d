"""From a folder to a model and a vocabulary that can answer, through transformers.

Owns what the configs say of the context, and the sentences for what cannot be loaded; devices are placement.py's
affair, packed weights quantization.py's. Must not know caches, samplers or the wire.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
import transformers
from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_MULTIMODAL_LM_MAPPING,
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForMultimodalLM,
    PreTrainedModel,
)

from explorer.engine.base import Progress, Reporter
from explorer.engine.compute import memory
from explorer.engine.compute.loading.faults import (
    why_missing,
    why_missing_of_gguf,
    why_no_config,
    why_not_loaded,
)
from explorer.engine.compute.loading.generation import eos_ids
from explorer.engine.compute.loading.gguf import load_gguf
from explorer.engine.compute.loading.leftovers import put_right
from explorer.engine.compute.loading.placement import first_device, placement
from explorer.engine.compute.loading.quantization import quantization
from explorer.engine.compute.loading.unused import unused_warning
from explorer.engine.description import ModelSettings
from explorer.engine.files.adapters import unused_beside
from explorer.engine.files.context import context_length
from explorer.engine.gguf.header import Header
from explorer.engine.vocabulary.reading import ReadTokenizer, read_tokenizer
from explorer.errors import ModelError


def load_config(folder: Path, settings: ModelSettings) -> Any:
    """The model's config, without what cannot hold here. Raises ModelError."""
    name = settings.name
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=settings.trust_remote_code)
    except Exception as error:  # A config is checked by its class, in as many ways as there are classes.
        raise ModelError(why_no_config(name, error)) from error
    put_right(config)
    for part in (config, config.get_text_config(decoder=True)):
        # What a config asks a forward pass to give beside the logits, nobody reads; what it gives must have names.
        part.return_dict, part.output_hidden_states, part.output_attentions = True, False, False
    return config


def load_vocabulary(folder: Path, settings: ModelSettings) -> ReadTokenizer:
    """The vocabulary and the chat template of a model folder, and the id that its tokenizer calls the end.

    Raises ModelError.
    """
    return read_tokenizer(folder, settings.name, trust_remote_code=settings.trust_remote_code, bos=settings.bos)


NO_ADAPTER = {"subfolder": "\0"}
"""Where transformers is to look for an adapter beside the weights, which it would load over them: nowhere."""


class Loaded(NamedTuple):
    """A model on its devices, ready to answer."""

    model: PreTrainedModel
    warning: str
    """A sentence about weights that have no place in it; "" where there are none."""


def load_model(
    folder: Path, config: Any, settings: ModelSettings, report: Reporter, header: Header | None = None
) -> Loaded:
    """The model of a config; `header` is that of the GGUF file that has its weights. Raises ModelError."""
    name = settings.name
    config = getattr(config, "thinker_config", config)  # Of a model that also speaks, what writes.
    placed = placement(settings)
    transformers.logging.set_verbosity_error()
    packed = quantization(settings.quantize, name, config, settings.dtype)
    transformers.logging.set_tqdm_hook(lambda factory, args, kwargs: _Bar(report, *args, **kwargs))
    if settings.packed and header is None:
        raise ModelError(f"{name} is no GGUF file, whose weights alone can be kept packed. Leave out --packed.")
    try:
        if header is not None:
            model, loaded = load_gguf(header, folder, config, settings, packed, placed, report)
        else:
            model, loaded = _family(config).from_pretrained(
                folder,
                config=config,
                dtype=settings.dtype,
                quantization_config=packed,
                local_files_only=True,
                use_safetensors=not settings.allow_pickle or any(folder.glob("*.safetensors")),
                trust_remote_code=settings.trust_remote_code,
                output_loading_info=True,
                adapter_kwargs=NO_ADAPTER,
                **placed,
            )
    except ModelError:
        raise
    except Exception as error:  # A broken folder fails in as many ways as there are model classes.
        if memory.ran_out(error):
            raise memory.does_not_fit(name, first_device(placed), error) from error
        raise ModelError(why_not_loaded(folder, settings, error, gguf=header is not None)) from error
    finally:
        transformers.logging.set_tqdm_hook(None)
    if missing := sorted(loaded["missing_keys"]):
        raise ModelError((why_missing_of_gguf if header else why_missing)(name, model, missing))
    if model.device.type == "cpu" and model.num_parameters() < SMALL:
        torch.set_num_threads(1)
    return Loaded(model.eval(), unused_warning(model, loaded["unexpected_keys"]))


def warnings(folder: Path, allow_pickle: bool, unused: str = "") -> tuple[str, ...]:
    """What is not as a person would expect of a folder; `unused` is what `load_model` says. Raises ModelError."""
    return tuple(sentence for sentence in (unused_beside(folder, allow_pickle), unused) if sentence)


def _family(config: Any) -> Any:
    """The class of transformers that loads a config with its head: of a language model, else of one that reads a text
    with something beside it."""
    if type(config) in MODEL_FOR_CAUSAL_LM_MAPPING or type(config) not in MODEL_FOR_MULTIMODAL_LM_MAPPING:
        return AutoModelForCausalLM
    return AutoModelForMultimodalLM


BAR_INTERVAL = 0.05

SMALL = 50_000_000
"""Parameters under which a second thread costs a step more than it gains, and stalls it on a busy machine."""


def text_context_length(config: Any) -> int | None:
    """How many positions the model of a config has; None where that names no limit, or one of training only."""
    return context_length(config.get_text_config(decoder=True).to_dict())


def pad_id(model: PreTrainedModel, name: str) -> int:
    """What a shorter prompt is filled with: the model's pad token, else its first end of a sequence, as people do."""
    for source in (getattr(model, "generation_config", None), model.config.get_text_config(decoder=True)):
        if isinstance(found := getattr(source, "pad_token_id", None), int) and found >= 0:
            return found
    return min(eos_ids(model, name), default=0)


class _Bar:
    """Stands in for tqdm: draws nothing, reports at most every BAR_INTERVAL seconds."""

    def __init__(self, report: Reporter, iterable: Iterable[Any] = (), total: int | None = None, **_: Any) -> None:
        self._report, self._iterable, self._done, self._reported = report, iterable, 0, 0.0
        self._total = total or getattr(iterable, "__len__", lambda: 0)()

    def __iter__(self) -> Iterator[Any]:
        for item in self._iterable:
            yield item
            self.update()

    def update(self, count: int = 1) -> None:
        self._done += count
        if self._done == self._total or time.monotonic() - self._reported > BAR_INTERVAL:
            self._reported = time.monotonic()
            self._report(Progress("loading the weights", self._done, self._total))

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __getattr__(self, name: str) -> Callable[..., None]:
        """Everything else that a bar can do, which is about drawing."""
        return lambda *args, **kwargs: None
