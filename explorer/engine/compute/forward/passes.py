"""ForwardPass: one call of a model over new tokens, of one sequence or of several, as `generate()` calls it.

Owns the names of arguments and the device of the inputs. Must not know what is kept between two calls, or why.
"""

import inspect
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import torch
from transformers import PreTrainedModel

from explorer.engine.compute.forward.rope import LongestSeen, rope_of

CACHE_ARGUMENTS = ("past_key_values", "cache_params", "state")
"""What models call the state that they take and give back."""

FAILURES = (RuntimeError, ValueError, LookupError, AttributeError, TypeError, AssertionError)
"""What a model raises where it cannot go on from a state."""

PART = 256
"""Positions whose logits are held together while a text is scored."""


class ForwardPass:
    """Calls one model. `cache_argument` is None where the model takes no state."""

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model
        self.rope = rope_of(model.config)
        self._longest_seen = LongestSeen(model, self.rope)
        self._first_position = _first_position(model)
        self._arguments = frozenset(inspect.signature(model.forward).parameters)
        self.cache_argument = next((name for name in CACHE_ARGUMENTS if name in self._arguments), None)

    def __call__(
        self, ids: Sequence[int], begin: int = 0, cache: Any = None, *, use_cache: bool = False, keep: int = 1
    ) -> tuple[torch.Tensor, Any]:
        """The logits [keep, V] of the last tokens, and the state afterwards.

        `begin` is the position of the first id: the number of tokens that `cache` holds. The state is usually the one
        given, changed; None where none was given and the model makes none.
        """
        tokens = torch.tensor([list(ids)], device=self.device)
        positions = torch.arange(begin, begin + len(ids), device=self.device)[None]
        logits, held = self.batch(tokens, positions, cache, use_cache=use_cache, keep=keep)
        return logits[0], held

    def batch(
        self,
        tokens: torch.Tensor,
        positions: torch.Tensor,
        cache: Any = None,
        mask: torch.Tensor | None = None,
        *,
        use_cache: bool = True,
        keep: int = 1,
    ) -> tuple[torch.Tensor, Any]:
        """The logits [R, keep, V] of the last of `tokens` [R, n] at `positions` [R, n], and the state of all rows.

        `mask` [R, T] is 0 where a row is padded, over what `cache` holds and the tokens.
        """
        inputs: dict[str, Any] = {"input_ids": tokens}
        if mask is not None:
            # A mask of ones is never given: some recurrent models go wrong with it.
            inputs["attention_mask"] = mask
        if "position_ids" in self._arguments:
            # Always, because some models ignore the length of the cache without them.
            inputs["position_ids"] = positions + self._first_position
        if "logits_to_keep" in self._arguments:
            inputs["logits_to_keep"] = keep
        if cache is not None and self.cache_argument:
            inputs[self.cache_argument] = cache
        with self._longest_seen.forgotten():
            output = self.model(**inputs, use_cache=use_cache, return_dict=True)
        logits: torch.Tensor = output.logits
        # Models without `logits_to_keep` give all rows.
        held = getattr(output, self.cache_argument or "", None)
        return logits[:, -keep:], cache if held is None else held

    def parts(
        self, ids: Sequence[int], begin: int = 0, cache: Any = None, *, use_cache: bool = False, first: int = 0
    ) -> tuple[Iterator[torch.Tensor], Any]:
        """One pass over all of the ids; the logits from the one of index `first` on, in parts [n, V] of PART rows.

        The output head is given a part of the hidden states at a time, so that [T, V] is never held, unless something
        follows the head.
        """
        if not self._head_is_last:
            logits, held = self(ids, begin, cache, use_cache=use_cache, keep=len(ids))
            return iter(torch.split(logits[first:], PART)), held
        head = self.model.get_output_embeddings()
        hidden: list[torch.Tensor] = []

        def take(_: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
            hidden.extend(torch.split(given[0][:, first:], PART, dim=1))
            return (given[0][:, -1:],)

        with head.register_forward_pre_hook(take):
            logits, held = self(ids, begin, cache, use_cache=use_cache, keep=len(ids))
        return (head(part)[0].to(logits.dtype) for part in hidden), held

    @cached_property
    def _head_is_last(self) -> bool:
        """Whether the output head gives the logits: in some models a softcapping or a factor follows it.

        Found by a pass in which other numbers are put in the place of what the head gives.
        """
        head = self.model.get_output_embeddings()
        given: list[torch.Tensor] = []

        def replace(_: torch.nn.Module, hidden: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
            if len(hidden) == 1 and hidden[0].shape[:-1] == output.shape[:-1] == (1, 1):
                numbers = torch.linspace(-99, 99, output.shape[-1], dtype=output.dtype, device=output.device)
                given.append(numbers)
                return numbers[None, None]
            return output

        if head is None:
            return False
        with head.register_forward_hook(replace):
            logits, _ = self([1])
        return len(given) == 1 and torch.equal(given[0].to(logits.dtype), logits[0])

    @property
    def device(self) -> torch.device:
        """Where the embeddings are; weights that are offloaded are on `meta`, and hooks move the inputs then."""
        device: torch.device = self.model.device
        return torch.device("cpu") if device.type == "meta" else device


def _first_position(model: PreTrainedModel) -> int:
    """What a model calls the position of the first token: some count on from the id of their padding."""
    for module in model.modules():
        padding = getattr(module, "padding_idx", None)
        if hasattr(module, "create_position_ids_from_input_ids") and isinstance(padding, int):
            return padding + 1
    return 0
