"""The Sampler pane: the settings that shape the draw, each with the keys that turn it."""

from collections.abc import Iterable, Sequence

from textual.content import Content
from textual.geometry import Size
from textual.reactive import var

from explorer.core.sampling.knobs import KNOB
from explorer.core.sampling.params import MODELS_OWN, Preset, preset_of
from explorer.core.walk.snapshot import Snapshot
from explorer.ui.drawing.cells import fit, width
from explorer.ui.drawing.numbers import UNKNOWN
from explorer.ui.drawing.styles import Part
from explorer.ui.view import View
from explorer.ui.widgets.pane import Pane, component_classes
from explorer.ui.widgets.said import titled
from explorer.wording import Wording

SHOWN = ("temperature", "top_p", "top_k", "seed")

KEY_CELLS = 4
"""Of the keys at the least."""


class SamplerPane(Pane):
    COMPONENT_CLASSES = component_classes("quiet", "generated", "bar", "track")

    presets: var[Sequence[Preset]] = var((), init=False)

    def __init__(self, words: Wording, id: str, keys: bool = True) -> None:
        super().__init__(id)
        self._words = words
        self._keys = {name: words(f"sampler.keys.{name}") for name in SHOWN} if keys else {}
        """Those that turn the settings here."""
        self.unknown: frozenset[str] = frozenset()
        """Names of the settings that only the model can tell, until there is a session."""
        self._key_cells = max(KEY_CELLS, *map(width, self._keys.values()), 0)
        self.border_title = words("sampler.title")

    def watch_snapshot(self, before: Snapshot, snapshot: Snapshot) -> None:
        if snapshot.path and self.unknown:
            self.unknown = frozenset()
            self._retitle()
            self.refresh()
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
        preset, words = preset_of(self.snapshot.params, self.presets), self._words
        if self.unknown:
            preset = Preset(MODELS_OWN, self.snapshot.params)
        title = words("sampler.preset", preset=preset.name) if preset else words("sampler.title")
        self.border_title = titled(words("sampler.drawing", title=title) if self.view.running else title)
        others = self.snapshot.params.replace(**{name: KNOB[name].off for name in SHOWN}).summary
        said = others
        if self._keys:
            said = words("sampler.others", others=others) if others else words("sampler.all")
        self.border_subtitle = Content(fit(said, max(self.size.width - 2, 1)).rstrip())

    def line(self, number: int) -> Iterable[Part]:
        if number >= len(SHOWN):
            return
        name = SHOWN[number]
        value, share = self._turned(name)
        yield fit(f" {KNOB[name].title}", 13), "quiet"
        room = max(self.cells - 13 - self._key_cells - 1, 4)
        if name != "seed" and room >= 20:
            yield fit(value, 10), "generated"
            yield from self._slider(share, room - 11)
        else:
            yield fit(value, room), "generated"
        yield fit(self._keys.get(name, ""), self._key_cells, "right") + " ", "quiet"

    def _turned(self, name: str) -> tuple[str, float | None]:
        """A setting's value, and how far it is turned."""
        params = self.snapshot.params
        if name in self.unknown:
            return UNKNOWN, None
        match name:
            case "temperature":
                greedy = params.temperature == 0
                tiny = params.temperature < 0.005
                value = f"{params.temperature:.2g}" if tiny else f"{params.temperature:.2f}"
                value = self._words("sampler.greedy") if greedy else value
                return value, min(params.temperature / 2, 1.0)
            case "top_p":
                return KNOB[name].text(params.top_p), params.top_p if params.top_p < 1 else None
            case "top_k":
                return KNOB[name].text(params.top_k), min(params.top_k / 200, 1.0) if params.top_k else None
        return UNKNOWN if params.seed is None else str(params.seed), None

    @staticmethod
    def _slider(share: float | None, cells: int) -> Iterable[Part]:
        """How far a setting is turned; the bare track where it is off."""
        filled = 0 if share is None else round(share * (cells - 1))
        yield "━" * filled, "bar"
        yield "" if share is None else "●", "bar"
        yield "─" * (cells - filled - (share is not None)), "track"
        yield " ", ""
