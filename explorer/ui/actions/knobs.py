"""Knobs: the actions that turn the settings of the sampler, by one key each or in the panel that has them all.

Owns the opening of the panel and the presets. Must not know what a setting does to a table.
"""

from collections.abc import Callable, Sequence

from textual import on
from textual.screen import Screen

from explorer.core.sampling.knobs import KNOB
from explorer.core.sampling.params import MODELS_OWN, Preset, SamplingParams, all_presets, new_seed, preset_of
from explorer.core.walk.snapshot import Snapshot
from explorer.errors import UsageError
from explorer.ui.widgets.candidates import CandidatesPane
from explorer.ui.widgets.panel import PRESET, KnobsPane, SamplerPanel
from explorer.ui.widgets.sampler import SamplerPane
from explorer.ui.widgets.status import Severity
from explorer.walk.walk import Walk


class Knobs(Screen[None]):
    """The part of the main screen that turns settings."""

    walk: Walk
    candidates: CandidatesPane
    sampler: SamplerPane
    panel: SamplerPanel
    own_presets: Sequence[Preset] = ()
    """The person's."""

    def note(self, sentence: str, severity: Severity = "note") -> None:
        raise NotImplementedError

    def stop_run(self) -> bool:
        raise NotImplementedError

    @property
    def presets(self) -> Sequence[Preset]:
        """Those that everybody has, the model's and the person's."""
        return all_presets(self.own_presets, self.walk.info.sampling_defaults if self.walk.info else {})

    def show_knobs(self, snapshot: Snapshot) -> None:
        """Hand the snapshot, and the presets, to the panes about settings."""
        self.sampler.presets = self.panel.knobs.presets = self.presets
        self.sampler.snapshot = self.panel.knobs.snapshot = snapshot

    def _change(self, change: Callable[[SamplingParams], SamplingParams]) -> bool:
        """Change the settings; False where that is refused, which is then said."""
        if self.walk.session is None:
            return False
        try:
            self.walk.set_params(change(self.walk.session.params))
        except UsageError as error:
            self.panel.tell(str(error))
            if not self._panel_is_open:
                self.note(str(error), "warning")
            return False
        self.panel.tell()
        return True

    def _turn(self, name: str, direction: int) -> None:
        self._change(lambda params: params.step(name, direction))

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
        self._change(lambda params: params.replace(seed=new_seed()))

    # Presets.

    def action_next_preset(self) -> None:
        self._step_preset(1)

    def _step_preset(self, direction: int) -> None:
        presets = self.presets
        now = preset_of(self.walk.snapshot.params, presets)
        here = presets.index(now) if now else -1 if direction > 0 else 0
        self._use_preset(presets[(here + direction) % len(presets)])

    def action_model_settings(self) -> None:
        defaults = self.walk.info.sampling_defaults if self.walk.info else {}
        if not defaults:
            self.note("the model has no settings of its own", "warning")
            return
        self._use_preset(Preset.of(MODELS_OWN, defaults))

    def _use_preset(self, preset: Preset) -> None:
        if self._change(preset.apply):
            self.note(f"{preset.name}: {preset.params.summary or 'everything is off'}")

    def _named(self, name: str) -> Preset:
        known = {preset.name: preset for preset in self.presets}
        if name.strip() not in known:
            raise UsageError(f"There is no preset “{name}”. The presets are: {', '.join(known)}.")
        return known[name.strip()]

    # Tokens of the table.

    def action_ban(self) -> None:
        chosen = self.candidates.selected
        if chosen is not None:
            token_id = chosen.token.id
            self._change(lambda params: params.banning(token_id, token_id not in params.suppress_tokens))

    def action_bias_up(self) -> None:
        self._bias(1)

    def action_bias_down(self) -> None:
        self._bias(-1)

    def _bias(self, direction: int) -> None:
        chosen = self.candidates.selected
        if chosen is not None:
            token_id = chosen.token.id
            self._change(lambda params: params.step_bias(token_id, direction))

    # The panel.

    @property
    def _panel_is_open(self) -> bool:
        return self.query_one("#panes").has_class("-knobs")

    def action_knobs(self) -> None:
        if self._panel_is_open:
            self.close_knobs()
        else:
            self.query_one("#panes").add_class("-knobs")
            self.panel.open()

    def close_knobs(self) -> None:
        self.panel.leave()
        self.query_one("#panes").remove_class("-knobs")
        self.set_focus(None)

    @on(KnobsPane.Closed)
    def knobs_closed(self) -> None:
        """Escape stops what runs; where nothing does, it closes."""
        if self.stop_run():
            self.note("stopped by hand")
        else:
            self.close_knobs()

    @on(KnobsPane.Turned)
    def knob_turned(self, message: KnobsPane.Turned) -> None:
        token_id = message.token_id
        if message.name == PRESET:
            self._step_preset(message.direction)
        elif message.name == "seed":
            self.action_new_seed()
        elif token_id is not None:
            self._change(lambda params: params.step_bias(token_id, message.direction))
        else:
            self._turn(message.name, message.direction)

    @on(KnobsPane.Reset)
    def knob_reset(self, message: KnobsPane.Reset) -> None:
        token_id = message.token_id
        if message.name == PRESET:
            self._use_preset(self.presets[0])
        elif message.name == "seed":
            self.action_new_seed()
        elif token_id is None:
            self._change(lambda params: params.replace(**{message.name: KNOB[message.name].off}))
        elif message.name == "logit_bias":
            self._change(lambda params: params.biasing(token_id, 0.0))
        else:
            self._change(lambda params: params.banning(token_id, False))

    @on(SamplerPanel.Entered)
    def knob_entered(self, message: SamplerPanel.Entered) -> None:
        if self._change(lambda params: self._entered(params, message)):
            self.panel.leave()

    def _entered(self, params: SamplingParams, message: SamplerPanel.Entered) -> SamplingParams:
        """The settings with what was typed. Raises UsageError."""
        if message.name == PRESET:
            return self._named(message.text).apply(params)
        if message.token_id is not None:
            [(token_id, bias)] = KNOB[message.name].take(f"{message.token_id}={message.text}")
            return params.biasing(token_id, bias)
        value = KNOB[message.name].take(message.text)
        if message.name == "seed" and value is None:
            value = new_seed()
        wanted = params.replace(**{message.name: value})
        size = self.walk.info.vocab_size if self.walk.info else None
        outside = next((one for one in wanted.token_ids if size is not None and one >= size), None)
        if outside is not None:
            raise UsageError(f"There is no token {outside}: the model has the ids 0 to {size - 1 if size else 0}.")
        return wanted
