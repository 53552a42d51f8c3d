"""What turns the settings of the sampler, by one key each or in the panel that has them all.

Owns the opening of the panel, and the steps from one preset to the next. Must not know what a setting does to a table.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from explorer.core.sampling.knobs import KNOB
from explorer.core.sampling.params import MODELS_OWN, Preset, SamplingParams, new_seed, preset_of
from explorer.errors import UsageError
from explorer.ui.widgets.knobs import PRESET, KnobsPane
from explorer.ui.widgets.panel import SamplerPanel

if TYPE_CHECKING:
    from explorer.ui.walk_desk import WalkDesk


def _change(desk: "WalkDesk", change: Callable[[SamplingParams], SamplingParams]) -> bool:
    """Change the settings; False where that is refused, which is then said."""
    if desk.walk.session is None:
        return False
    try:
        desk.walk.set_params(change(desk.walk.session.params))
        desk.loader.settings_chosen = True
    except UsageError as error:
        desk.panel.tell(str(error))
        if not _is_open(desk):
            desk.note(str(error), "warning")
        return False
    desk.panel.tell()
    return True


def turn(name: str, direction: int, desk: "WalkDesk") -> None:
    """One step of a setting, up (1) or down (-1)."""
    _change(desk, lambda params: params.step(name, direction))


def draw_seed(desk: "WalkDesk") -> None:
    _change(desk, lambda params: params.replace(seed=new_seed()))


# Presets.


def next_preset(desk: "WalkDesk") -> None:
    _step_preset(desk, 1)


def _step_preset(desk: "WalkDesk", direction: int) -> None:
    presets = desk.presets
    now = preset_of(desk.walk.snapshot.params, presets)
    here = presets.index(now) if now else -1 if direction > 0 else 0
    _use_preset(desk, presets[(here + direction) % len(presets)])


def model_settings(desk: "WalkDesk") -> None:
    defaults = desk.walk.info.sampling_defaults if desk.walk.info else {}
    if defaults:
        _use_preset(desk, Preset.of(MODELS_OWN, defaults))
    else:
        desk.note(desk.words("knobs.no_defaults"), "warning")
        _tell_left_out(desk)


def _use_preset(desk: "WalkDesk", preset: Preset) -> None:
    if _change(desk, preset.apply):
        summary = preset.params.summary or desk.words("knobs.all_off")
        desk.note(desk.words("knobs.preset", name=preset.name, summary=summary))
        if preset.name == MODELS_OWN:
            _tell_left_out(desk)


def _tell_left_out(desk: "WalkDesk") -> None:
    """What the model asks for beside its settings, and does not get."""
    for sentence in desk.walk.info.sampling_left_out if desk.walk.info else ():
        desk.warn(sentence)


def _named(desk: "WalkDesk", name: str) -> Preset:
    known = {preset.name: preset for preset in desk.presets}
    if name.strip() not in known:
        raise UsageError(desk.words("knobs.no_preset", name=name, known=", ".join(known)))
    return known[name.strip()]


# Tokens of the table.


def ban(desk: "WalkDesk") -> None:
    """Never draw the selected token, or allow it again."""
    chosen = desk.candidates.selected
    if chosen is not None:
        token_id = chosen.token.id
        _change(desk, lambda params: params.banning(token_id, token_id not in params.suppress_tokens))


def bias(direction: int, desk: "WalkDesk") -> None:
    """Raise (1) or lower (-1) the logit of the selected token."""
    chosen = desk.candidates.selected
    if chosen is not None:
        token_id = chosen.token.id
        _change(desk, lambda params: params.step_bias(token_id, direction))


# The panel.


def _is_open(desk: "WalkDesk") -> bool:
    return desk.panes.has_class("-knobs")


def toggle(desk: "WalkDesk") -> None:
    """Open or close the panel."""
    if _is_open(desk):
        close(desk)
    else:
        desk.panes.add_class("-knobs")
        desk.panel.open()


def close(desk: "WalkDesk") -> None:
    desk.panel.leave()
    desk.panes.remove_class("-knobs")
    desk.screen.set_focus(None)


def leave(desk: "WalkDesk") -> None:
    """Stop what runs; where nothing does, close the panel."""
    if desk.stop():
        desk.note(desk.words("running.by_hand"))
    else:
        close(desk)


def turned(desk: "WalkDesk", message: KnobsPane.Turned) -> None:
    """A row of the panel is turned by a step."""
    token_id = message.token_id
    if message.name == PRESET:
        _step_preset(desk, message.direction)
    elif message.name == "seed":
        draw_seed(desk)
    elif token_id is not None:
        _change(desk, lambda params: params.step_bias(token_id, message.direction))
    else:
        turn(message.name, message.direction, desk)


def reset(desk: "WalkDesk", message: KnobsPane.Reset) -> None:
    """A row of the panel is wanted off."""
    token_id = message.token_id
    if message.name == PRESET:
        _use_preset(desk, desk.presets[0])
    elif message.name == "seed":
        draw_seed(desk)
    elif token_id is None:
        _change(desk, lambda params: params.replace(**{message.name: KNOB[message.name].off}))
    elif message.name == "logit_bias":
        _change(desk, lambda params: params.biasing(token_id, 0.0))
    else:
        _change(desk, lambda params: params.banning(token_id, False))


def entered(desk: "WalkDesk", message: SamplerPanel.Entered) -> None:
    """A value was typed in a row of the panel."""
    if _change(desk, lambda params: _with_entry(desk, params, message)):
        desk.panel.leave()


def _with_entry(desk: "WalkDesk", params: SamplingParams, message: SamplerPanel.Entered) -> SamplingParams:
    """The settings with what was typed. Raises UsageError."""
    if message.name == PRESET:
        return _named(desk, message.text).apply(params)
    if message.token_id is not None:
        [(token_id, amount)] = KNOB[message.name].take(f"{message.token_id}={message.text}")
        return params.biasing(token_id, amount)
    value = KNOB[message.name].take(message.text)
    if message.name == "seed" and value is None:
        value = new_seed()
    wanted = params.replace(**{message.name: value})
    size = desk.walk.info.vocab_size if desk.walk.info else None
    outside = next((one for one in wanted.token_ids if size is not None and one >= size), None)
    if outside is not None:
        raise UsageError(desk.words("forcing.no_token", id=outside, last=size - 1 if size else 0))
    return wanted
