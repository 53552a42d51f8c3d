"""Adapter: one of PEFT on a loaded model, on or off, without a second copy of the model.

peft puts modules of its own in the place of some of the model's, so that the model is called as before. Off, every
number is that of the model alone, to the last bit: weights that an adapter overwrites, or embeddings that it
lengthens, are kept and put back. Both sides are tried when the adapter is put on: what peft would compute in another
way, or cannot take off again, is known then. Must not know files, nor what is asked of the model.
"""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.nn import Parameter
from transformers import PreTrainedModel

from explorer.core.token import visible
from explorer.engine.compute import memory
from explorer.engine.compute.forward.passes import FAILURES
from explorer.engine.compute.loading.adapter_faults import PREFIX, said_by, why_not_put_on, why_unfit
from explorer.engine.files.adapters import INSTALL, AdapterFiles
from explorer.errors import ModelError

if TYPE_CHECKING:
    from peft import PeftModel

INSIDE = re.compile(r"\.(base_layer|original_module|token_adapter|modules_to_save)(?=\.)")
"""What peft puts into the name of a weight of the model itself, where a module of its own is around it."""

ROUGHLY = 1e-3
"""How far two passes may differ off the CPU, as a share of the range of the logits."""

TEXT = 8
"""Tokens of the text that both sides are tried with."""


class Kept(NamedTuple):
    """A weight of the model that the adapter overwrites."""

    weight: Parameter
    alone: torch.Tensor
    adapted: torch.Tensor


class Adapter:
    """What `put_on` gives: on, until it is switched."""

    def __init__(self, tuned: "PeftModel", kept: list[Kept], sizes: tuple[int, int], parameters: int) -> None:
        self._tuner: Any = tuned.base_model
        model: PreTrainedModel = self._tuner.model
        self._config = model.config.get_text_config(decoder=True)
        self._kept, self._sizes = kept, sizes
        self.parameters = parameters
        """Numbers in its file."""
        self.fixed = ""
        """Why it cannot be switched off, in a sentence; empty where it can."""

    def switch(self, on: bool) -> None:
        """Put it on, or take it off. What was computed on the other side holds no more."""
        with quiet():
            if on:
                self._tuner.enable_adapter_layers()
            else:
                self._tuner.disable_adapter_layers()
        for weight, alone, adapted in self._kept:
            weight.data = adapted if on else alone
        self._config.vocab_size = self._sizes[on]


def put_on(model: PreTrainedModel, files: AdapterFiles, name: str) -> Adapter:
    """The adapter on a model, whose name it is. Raises ModelError where it does not fit, OutOfMemoryError."""
    if any(weight.device.type == "meta" for weight in model.parameters()):
        raise ModelError(
            f"{files.name} is an adapter, and weights of {name} are put aside on the disk or in the main memory. peft "
            "needs all of them in their places: give more with --max-memory, or a smaller model."
        )
    peft = _peft(files)
    config = _config(peft, files)
    weights = _weights(peft, files)
    _check_sizes(files, config.to_dict(), weights)
    try:
        alone = _logits(model, model)
        saved = _saved(model, weights)
        sizes, before = _lengthen(model, files, saved)
        before += [(weight, weight.data.clone()) for weight, _ in saved if all(weight is not one for one, _ in before)]
        tuned = _tuned(peft, model, files, name, config)
        kept = [Kept(weight, data, weight.data) for weight, data in before if not _same(weight.data, data)]
        adapter = Adapter(tuned, kept, sizes, sum(weight.numel() for weight in weights.values()))
        _check_plain(model, tuned, files)
        adapter.switch(on=False)
        off = _logits(model, model)
        adapter.switch(on=True)
    except (*FAILURES, ImportError, OSError, MemoryError) as error:
        if memory.ran_out(error):
            raise
        raise ModelError(why_not_put_on(files, name, error)) from error
    if not _same(off, alone):
        adapter.fixed = (
            f"The adapter changes weights of {name} for good, as its method does: without it the numbers would not be "
            f"those of {name} alone. Open that by itself: --model {name}"
        )
    return adapter


def _peft(files: AdapterFiles) -> Any:
    try:
        import peft
    except Exception as error:  # Of a version that does not go with the other libraries.
        raise ModelError(
            f"The package peft, which the adapter {files.name} needs, cannot be imported: {said_by(error)}. {INSTALL}"
        ) from error
    return peft


def _config(peft: Any, files: AdapterFiles) -> Any:
    """Its configuration, as peft understands it."""
    try:
        with quiet():
            config = peft.PeftConfig.from_pretrained(str(files.folder))
    except KeyError as error:
        raise ModelError(
            f"{files.name} is an adapter of a kind that peft {peft.__version__} does not know ({visible(files.kind)}). "
            "A newer one may: pip install -U peft"
        ) from error
    except Exception as error:  # Each kind checks its fields in its own way.
        raise ModelError(
            f"The adapter_config.json of {files.name} is broken: {said_by(error)}. Mend it, or download it again."
        ) from error
    config.inference_mode = True
    config.task_type = None  # It is one of a language model, or says nothing: then peft takes the class it is given.
    return config


def _weights(peft: Any, files: AdapterFiles) -> dict[str, torch.Tensor]:
    """The weights in its file, by their names there."""
    try:
        weights = peft.load_peft_weights(str(files.folder), device="cpu")
    except Exception as error:  # A broken file fails in as many ways as there are formats.
        raise ModelError(
            f"The weights of the adapter {files.name} cannot be read: {said_by(error)}. Download them again."
        ) from error
    if not weights or not all(isinstance(weight, torch.Tensor) for weight in weights.values()):
        raise ModelError(f"The adapter {files.name} has no weights in its file. Download it again.")
    for weight, tensor in weights.items():
        if not bool(tensor.isfinite().all()):
            raise ModelError(
                f"The weights of the adapter {files.name} hold what is no number (NaN or infinite), for example "
                f"{visible(weight)}: its training went wrong, or the file is damaged. Take another checkpoint of it."
            )
    return dict(weights)


def _check_sizes(files: AdapterFiles, config: Mapping[str, Any], weights: Mapping[str, torch.Tensor]) -> None:
    """Raises ModelError where the configuration asks for more than the weights have, before room is made for it."""
    largest = max((size for weight in weights.values() for size in weight.shape), default=0)
    ranks = config.get("rank_pattern")
    patterns = {f"rank_pattern of {module}": rank for module, rank in ranks.items()} if isinstance(ranks, dict) else {}
    for field, size in {**{name: config.get(name) for name in SIZES}, **patterns}.items():
        if isinstance(size, int) and size > max(largest, 1):
            raise ModelError(
                f"The adapter_config.json of {files.name} says {visible(field)}: {size}, and no weight of it has more "
                f"than {largest:,} rows or columns. Mend it, or download it again."
            )


SIZES = ("r", "init_r", "target_r", "rank", "n_frequency", "block_size", "oft_block_size", "boft_block_size")
"""Fields that say how large the modules of an adapter are."""


def _logits(model: PreTrainedModel, called: Any) -> torch.Tensor:
    """What a model says after each token of a short text, over low ids."""
    size = min(model.config.get_text_config(decoder=True).vocab_size, 1000)
    ids = torch.tensor([[(10 + 37 * index) % size for index in range(TEXT)]], device=model.device)
    with torch.inference_mode():
        logits: torch.Tensor = called(input_ids=ids, use_cache=False).logits
    return logits.float()


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two tensors are equal; off the CPU, where sums may come in another order, nearly so."""
    if one.shape != other.shape:
        return False
    one, other = one.nan_to_num(), other.nan_to_num()
    if one.device.type == "cpu":
        return torch.equal(one, other)
    return bool((one.float() - other.float()).abs().max() <= ROUGHLY * (other.max() - other.min()).float())


def _saved(model: PreTrainedModel, weights: Mapping[str, torch.Tensor]) -> list[tuple[Parameter, int]]:
    """The weights of the model itself that the file of an adapter holds, each once, and how many rows it has there."""
    own = dict(model.named_parameters(remove_duplicate=False))
    found: dict[int, tuple[Parameter, int]] = {}
    for name, tensor in weights.items():
        weight = own.get(INSIDE.sub("", name.removeprefix(PREFIX)))
        if weight is not None and tensor.dim():
            found[id(weight)] = (weight, len(tensor))
    return list(found.values())


def _lengthen(
    model: PreTrainedModel, files: AdapterFiles, saved: list[tuple[Parameter, int]]
) -> tuple[tuple[int, int], list[tuple[Parameter, torch.Tensor]]]:
    """How many tokens the model has without the adapter and with it, and its embeddings as they were, beside new ones.

    Whoever trains with tokens of their own lengthens the embeddings first, and peft saves them whole.
    """
    text = model.config.get_text_config(decoder=True)
    before = _embeddings(model)
    rows = {count for weight, count in saved if any(weight is one for one in before)}
    size, length = text.vocab_size, len(model.get_input_embeddings().weight)
    if rows <= {length}:
        return (size, size), []
    if len(rows) > 1 or len(before) > sum(any(weight is one for one in before) for weight, _ in saved):
        raise ModelError(
            f"The adapter {files.name} was trained with other tokens than its base model has, and holds the rows of "
            "its embeddings only in part. Save it again with save_embedding_layers=True."
        )
    alone = [weight.data for weight in before]
    with quiet():
        model.resize_token_embeddings(rows.pop(), mean_resizing=False)
    after = _embeddings(model)
    if len(after) != len(alone):
        raise ModelError(
            f"The adapter {files.name} was trained with other tokens than its base model has, which has an output head "
            "of its own although its config.json ties it to the embeddings. Mend tie_word_embeddings there."
        )
    return (size, text.vocab_size), list(zip(after, alone, strict=True))


def _embeddings(model: PreTrainedModel) -> list[Parameter]:
    """The weights of the embeddings and of the output head; one, where they are the same."""
    found: dict[int, Parameter] = {}
    for module in (model.get_input_embeddings(), model.get_output_embeddings()):
        for weight in () if module is None else module.parameters():
            found[id(weight)] = weight
    return list(found.values())


def _tuned(peft: Any, model: PreTrainedModel, files: AdapterFiles, name: str, config: Any) -> "PeftModel":
    """The model with the adapter on it. Raises ModelError where weights have no place, or places no weights."""

    class Tuned(peft.PeftModelForCausalLM):  # type: ignore[misc]  # peft is imported where it is needed
        """Keeps what its loading tells: what had no place, and what was lacking."""

        def load_adapter(self, *arguments: Any, **named: Any) -> Any:
            self.told = super().load_adapter(*arguments, **named)
            return self.told

    placed = model.__dict__.pop("hf_device_map", None)  # peft would place a model anew that has parts on the CPU.
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            tuned: Any = Tuned.from_pretrained(model, str(files.folder), config=config, torch_device="cpu")
    finally:
        if placed is not None:
            model.hf_device_map = placed
    kind = peft.mapping.PEFT_TYPE_TO_PREFIX_MAPPING.get(config.peft_type, "")
    unused = [weight for weight in tuned.told.unexpected_keys if kind in weight]
    if unused:
        raise ModelError(why_unfit(files, name, f"{_counted(unused)} of its weights have no place there", unused[0]))
    # What is shared by modules lacks in each but one: peft alone tells which, and says so in a warning only.
    missing = tuned.told.missing_keys
    if missing and any("missing adapter keys" in str(one.message) for one in said):
        raise ModelError(
            f"The adapter {files.name} lacks {_counted(missing)} of the weights that its adapter_config.json asks for, "
            f"for example {visible(missing[0].removeprefix(PREFIX))}: its files are not whole, or {name} has more "
            "modules than the model that it was made on."
        )
    whole: PeftModel = tuned.eval()
    return whole


def _counted(names: Sequence[str]) -> str:
    return f"{len(names):,}"


def _check_plain(model: PreTrainedModel, tuned: "PeftModel", files: AdapterFiles) -> None:
    """Raises ModelError where peft does more on the way to the logits than the modules of the model do."""
    if not _same(_logits(model, model), _logits(model, tuned)):
        raise ModelError(
            f"{files.name} is an adapter ({files.kind}) that peft computes around the model, and not in its modules: "
            "one token after the other, it would give other numbers. Merge it into its base with peft "
            "(merge_and_unload(), then save_pretrained()), and give the merged folder."
        )


@contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings of peft, which speak to whoever trains."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
