"""NoCache: the logits after a prefix, computed anew every time.

The oracle of the tests, and the way of the models that keep no state. Must not know samplers, tokens or tables.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from transformers import PreTrainedModel

from explorer.engine.capabilities import NOTHING_KEPT, Capabilities
from explorer.engine.compute.forward.forward import Cancelled
from explorer.engine.compute.forward.passes import ForwardPass


class NoCache:
    """Recomputes the whole prefix, every time."""

    chunks_of_forks = False

    def __init__(self, model: PreTrainedModel, capabilities: Capabilities = NOTHING_KEPT) -> None:
        self.capabilities = capabilities
        self._pass = ForwardPass(model)
        self.rope = self._pass.rope
        self.forward_tokens = 0
        """Positions computed so far, for the tests and the benchmarks."""

    @torch.inference_mode()
    def logits(
        self,
        ids: Sequence[int],
        cancelled: Callable[[], bool] = lambda: False,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> torch.Tensor:
        if cancelled():
            raise Cancelled
        self.forward_tokens += len(ids)
        return self._pass(ids)[0][-1]

    @torch.inference_mode()
    def rows(
        self,
        ids: Sequence[int],
        begin: int = 0,
        cancelled: Callable[[], bool] = lambda: False,
        *,
        as_prefixes: bool = False,
    ) -> Iterator[torch.Tensor]:
        for end in self.rope.ends(begin, len(ids)) if as_prefixes else [len(ids)]:
            self.forward_tokens += end
            for part in self._pass.parts(ids[:end], first=begin)[0]:
                if cancelled():
                    raise Cancelled
                yield part
            begin = end

    def let_go(self) -> None:
        pass  # Nothing is held.

    def fork(self, ids: Sequence[int], rows: int, cancelled: Callable[[], bool] = lambda: False) -> None:
        return None

    def pad(self, prompts: Sequence[Sequence[int]], more: int, filler: int | None = None) -> None:
        return None
