"""The rows of the sampler panel: every setting of the samplers in a row, turned beside the live table.

Owns the selected row. Posts what a person wants of a setting; what comes of it arrives with the next snapshot. Must not
know the session.
"""

from collections.abc import Iterable, Sequence
from typing import ClassVar

import msgspec
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import var

from explorer.core.sampling.knob import Knob
from explorer.core.sampling.knobs import KNOB, KNOBS
from explorer.core.sampling.params import Preset, preset_of
from explorer.core.token import Token, label
from explorer.core.walk.snapshot import Snapshot
from explorer.ui.drawing.cells import fit
from explorer.ui.drawing.styles import Part, Style
from explorer.ui.widgets.list import ListPane
from explorer.ui.widgets.pane import component_classes
from explorer.wording import Wording

PRESET = "preset"
"""Stands in the place of a setting's name for the first row."""

NAME_CELLS, VALUE_CELLS, BUTTON_CELLS = 13, 9, 5


class Row(msgspec.Struct, frozen=True):
    """A setting, or one token of a setting that is about tokens."""

    name: str
    token: Token | None = None

    @property
    def knob(self) -> Knob | None:
        """None for the row of the presets."""
        return KNOB.get(self.name)

    @property
    def token_id(self) -> int | None:
        return self.token.id if self.token else None


class KnobsPane(ListPane, can_focus=True):
    """The rows of the panel."""

    COMPONENT_CLASSES = component_classes("quiet", "generated", "bar", "track")

    HEAD = 0
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("left", "turn(-1)", show=False),
        Binding("right", "turn(1)", show=False),
        Binding("enter", "choose", show=False),
        Binding("backspace,delete", "reset", show=False),
        Binding("escape", "close", show=False),
    ]

    presets: var[Sequence[Preset]] = var((), init=False)

    class Turned(Message):
        """One step of a setting is wanted, in a direction, 1 or -1."""

        def __init__(self, name: str, direction: int, token_id: int | None) -> None:
            super().__init__()
            self.name, self.direction, self.token_id = name, direction, token_id

    class Reset(Message):
        """A setting is wanted off, or one of its tokens removed."""

        def __init__(self, name: str, token_id: int | None) -> None:
            super().__init__()
            self.name, self.token_id = name, token_id

    class Opened(Message):
        """A value is to be typed."""

    class Closed(Message):
        """Nothing more is wanted of the panel."""

    def __init__(self, words: Wording, id: str) -> None:
        super().__init__(id)
        self._words = words
        self.rows: tuple[Row, ...] = (Row(PRESET), *(Row(knob.name) for knob in KNOBS))
        self.count = len(self.rows)

    @property
    def selected(self) -> Row:
        return self.rows[min(self.row, len(self.rows) - 1)]

    def watch_snapshot(self, before: Snapshot, snapshot: Snapshot) -> None:
        if (snapshot.params, snapshot.named) == (before.params, before.named):
            return
        selected = self.selected
        self.rows = tuple(self._rows(snapshot))
        found = (number for number, row in enumerate(self.rows) if (row.name, row.token_id) == _key(selected))
        self.count = len(self.rows)
        self.row = next(found, min(self.row, self.count - 1))
        self.lay_out()

    @staticmethod
    def _rows(snapshot: Snapshot) -> Iterable[Row]:
        known = {token.id: token for token in snapshot.named}
        yield Row(PRESET)
        for knob in KNOBS:
            yield Row(knob.name)
            if knob.kind == "biases":
                yield from (Row(knob.name, known[token_id]) for token_id, _ in snapshot.params.logit_bias)
            elif knob.kind == "ids":
                yield from (Row(knob.name, known[token_id]) for token_id in snapshot.params.suppress_tokens)

    def watch_presets(self) -> None:
        self.refresh()

    def select(self, name: str, token_id: int | None = None) -> None:
        """Go to a setting, or to a token of it."""
        found = (number for number, row in enumerate(self.rows) if (row.name, row.token_id) == (name, token_id))
        self.row = next(found, self.row)

    # Drawing.

    def row_parts(self, number: int) -> Iterable[Part]:
        row, cells = self.rows[number], self.cells
        yield "▸" if number == self.row else " ", "bar"
        if row.token:
            name = f"  {row.token.id} {label(row.token)}"
            yield fit(name, max(cells - 1 - VALUE_CELLS - BUTTON_CELLS, 4)), "quiet"
        else:
            yield fit(row.knob.title if row.knob else self._words("panel.preset"), NAME_CELLS), "quiet"
        value, off = self._value(row)
        style: Style = "quiet" if off else "generated"
        room = max(cells - 1 - NAME_CELLS - BUTTON_CELLS, 4)
        share = None if row.token or row.knob is None else row.knob.share(getattr(self.snapshot.params, row.name))
        if row.token:
            yield fit(value, VALUE_CELLS), style
        elif share is None or room < VALUE_CELLS + 8:
            yield fit(value, room), style
        else:
            yield fit(value, VALUE_CELLS), style
            filled = round(share * (room - VALUE_CELLS - 1))
            yield "━" * filled + "●", "bar"
            yield "─" * (room - VALUE_CELLS - 1 - filled), "track"
        yield "  − +" if self._turns(row) else "    ×" if row.token else "     ", "quiet"

    def _value(self, row: Row) -> tuple[str, bool]:
        """A row's value in words, and whether it leaves everything as it is."""
        params = self.snapshot.params
        if row.knob is None:
            preset = preset_of(params, self.presets)
            return preset.name if preset else "–", preset is None
        if row.token:
            bias = dict(params.logit_bias).get(row.token.id, 0.0)
            return f"{bias:+g}" if row.name == "logit_bias" else self._words("panel.never"), False
        value = getattr(params, row.name)
        if row.knob.kind in ("ids", "biases") and value:
            return self._words("panel.tokens", n=len(value)), False
        if row.knob.kind == "seed":
            return "–" if value is None else str(value), False
        greedy = row.name == "temperature" and not value
        return (self._words("sampler.greedy") if greedy else row.knob.text(value)), value == row.knob.off

    def typed(self) -> str | None:
        """The selected row's value as it is typed; None where nothing can be."""
        row, params = self.selected, self.snapshot.params
        if row.knob is None:
            preset = preset_of(params, self.presets)
            return preset.name if preset else ""
        if row.token:
            return f"{dict(params.logit_bias)[row.token.id]:g}" if row.name == "logit_bias" else None
        return row.knob.text(getattr(params, row.name))

    @staticmethod
    def _turns(row: Row) -> bool:
        """Whether a key turns it by steps."""
        knob = row.knob
        return knob is None or bool(knob.steps) or knob.kind == "seed" or (knob.kind == "biases" and bool(row.token))

    # The keys and the mouse.

    def action_turn(self, direction: int) -> None:
        if self._turns(self.selected):
            self.post_message(self.Turned(self.selected.name, direction, self.selected.token_id))

    def action_choose(self) -> None:
        self.post_message(self.Opened())

    def action_reset(self) -> None:
        self.post_message(self.Reset(self.selected.name, self.selected.token_id))

    def action_close(self) -> None:
        self.post_message(self.Closed())

    def pressed(self, cell: int) -> bool:
        """The signs at the end of a row turn its setting, or take a token away."""
        from_right = self.cells - cell
        if from_right in (1, 3) and self._turns(self.selected):
            self.action_turn(1 if from_right == 1 else -1)
        elif from_right == 1 and self.selected.token:
            self.action_reset()
        else:
            return False
        return True

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, -1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._wheel(event, 1)

    def _wheel(self, event: events.MouseScrollDown | events.MouseScrollUp, direction: int) -> None:
        """Over the selected row the wheel turns it; elsewhere it scrolls, as it does everywhere."""
        if self.row_at(event) == self.row:
            event.prevent_default()
            event.stop()
            self.action_turn(direction)


def _key(row: Row) -> tuple[str, int | None]:
    return row.name, row.token_id
