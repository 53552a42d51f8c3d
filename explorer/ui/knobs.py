"""Knobs: the actions that turn a setting of the sampler by one step."""

from explorer.core.sampling import SamplingParams, new_seed
from explorer.ui.walk import Walk


class Knobs:
    """Mixed into the screen that has the walk."""

    walk: Walk

    def _set(self, params: SamplingParams) -> None:
        if self.walk.session is not None:
            self.walk.set_params(params)

    def _turn(self, name: str, direction: int) -> None:
        self._set(self.walk.snapshot.params.step(name, direction))

    def action_temperature_down(self) -> None:
        self._turn("temperature", -1)

    def action_temperature_up(self) -> None:
        self._turn("temperature", 1)

    def action_top_p_down(self) -> None:
        self._turn("top_p", -1)

    def action_top_p_up(self) -> None:
        self._turn("top_p", 1)

    def action_top_k_down(self) -> None:
        self._turn("top_k", -1)

    def action_top_k_up(self) -> None:
        self._turn("top_k", 1)

    def action_new_seed(self) -> None:
        self._set(self.walk.snapshot.params.replace(seed=new_seed()))
