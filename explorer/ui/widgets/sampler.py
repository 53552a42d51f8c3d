"""The Sampler pane: the settings that shape the draw, each with the keys that turn it."""

from collections.abc import Iterable, Sequence

from textual.geometry import Size
from textual.reactive import var

from explorer.core.sampling.knobs import KNOB
from explorer.core.sampling.params import Preset, preset_of
from explorer.core.walk.snapshot import Snapshot
from explorer.ui.drawing.cells import fit
from explorer.ui.drawing.numbers import setting
from explorer.ui.drawing.styles import Part
from explorer.ui.view import View
from explorer.ui.widgets.pane import Pane

SHOWN = ("temperature", "top_p", "top_k", "seed")


class SamplerPane(Pane):
    BORDER_TITLE = "Sampler"

    presets: var[Sequence[Preset]] = var((), init=False)

    def __init__(self, id: str, keys: bool = True) -> None:
        super().__init__(id)
        self._keys = keys
        """Whether they turn the settings here."""

    def watch_snapshot(self, before: Snapshot, snapshot: Snapshot) -> None:
        if snapshot.params != before.params:
            self._retitle()
            self.refresh()

    def watch_presets(self) -> None:
        self._retitle()

    def watch_view(self, before: View, view: View) -> None:
        if view.running != before.running:
            self.set_class(view.running, "-auto")
            self._retitle()

    def on_resize(self) -> None:
        self.virtual_size = Size(self.cells, 4)
        self._retitle()

    def _retitle(self) -> None:
        """The preset that the settings are; and the settings that have no line here, where they are not off."""
        preset = preset_of(self.snapshot.params, self.presets)
        self.border_title = "Sampler" + (f" · {preset.name}" if preset else "") + " · drawing" * self.view.running
        others = self.snapshot.params.replace(**{name: KNOB[name].off for name in SHOWN}).summary
        said = f"{others} · c all" if others else "c all settings"
        said = said if self._keys else others
        self.border_subtitle = fit(said, max(self.size.width - 2, 1)).rstrip()

    def line(self, number: int) -> Iterable[Part]:
        params = self.snapshot.params
        seed = "–" if params.seed is None else str(params.seed)
        temperature = "0 greedy" if params.temperature == 0 else f"{params.temperature:.2f}"
        rows = (
            ("temperature", temperature, "t T", min(params.temperature / 2, 1.0)),
            ("top-p", setting(params.top_p, 1.0), "p P", params.top_p if params.top_p < 1 else None),
            ("top-k", setting(params.top_k, 0), "g G", min(params.top_k / 200, 1.0) if params.top_k else None),
            ("seed", seed, "n", None),
        )
        if number >= len(rows):
            return
        name, value, keys, share = rows[number]
        cells = self.cells
        yield fit(f" {name}", 13), "quiet"
        room = max(cells - 13 - 5, 4)
        if name != "seed" and room >= 20:
            yield fit(value, 10), "generated"
            yield from self._slider(share, room - 11)
        else:
            yield fit(value, room), "generated"
        yield fit(keys if self._keys else "", 4, "right") + " ", "quiet"

    @staticmethod
    def _slider(share: float | None, cells: int) -> Iterable[Part]:
        """How far a setting is turned; the bare track where it is off."""
        filled = 0 if share is None else round(share * (cells - 1))
        yield "━" * filled, "bar"
        yield "" if share is None else "●", "bar"
        yield "─" * (cells - filled - (share is not None)), "track"
        yield " ", ""
