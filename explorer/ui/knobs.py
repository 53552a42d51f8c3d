"""Knobs: the actions that turn a setting of the sampler by one step."""

from explorer.core.sampling import new_seed, step_temperature, step_top_k, step_top_p
from explorer.ui.walk import Walk


class Knobs:
    """Mixed into the screen that has the walk."""

    walk: Walk

    def _turn(self, **changes: float | int) -> None:
        if self.walk.session is not None:
            self.walk.set_params(self.walk.session.params.replace(**changes))

    def action_temperature_down(self) -> None:
        self._turn(temperature=step_temperature(self.walk.snapshot.params.temperature, -1))

    def action_temperature_up(self) -> None:
        self._turn(temperature=step_temperature(self.walk.snapshot.params.temperature, 1))

    def action_top_p_down(self) -> None:
        self._turn(top_p=step_top_p(self.walk.snapshot.params.top_p, -1))

    def action_top_p_up(self) -> None:
        self._turn(top_p=step_top_p(self.walk.snapshot.params.top_p, 1))

    def action_top_k_down(self) -> None:
        self._turn(top_k=step_top_k(self.walk.snapshot.params.top_k, -1))

    def action_top_k_up(self) -> None:
        self._turn(top_k=step_top_k(self.walk.snapshot.params.top_k, 1))

    def action_new_seed(self) -> None:
        self._turn(seed=new_seed())
