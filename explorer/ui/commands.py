"""The table of commands: from one row follow the key, the palette's entry, the help screen and docs/keys.md.

Owns the keys, and what each command needs. What a command does is a function of a desk, in `ui/actions`.
`python -m explorer.ui.commands` prints docs/keys.md.
"""

import sys
from functools import partial
from typing import Any

from explorer.ui.actions import (
    adapting,
    asking,
    branches,
    editing,
    knobs,
    loading,
    playing,
    running,
    session,
    stopping,
    view,
    walking,
)
from explorer.ui.command import Command, Need
from explorer.ui.desk import Desk
from explorer.ui.keymap import Keymap
from explorer.ui.replay_desk import ReplayDesk
from explorer.ui.walk_desk import WalkDesk
from explorer.wording import Wording

SESSION: tuple[Need, ...] = ("session",)
ENGINE: tuple[Need, ...] = ("engine",)
SELECTION: tuple[Need, ...] = ("session", "selection")

ROWS: tuple[Command[Desk], ...] = (
    Command("row_up", "up,k", "walk", view.row_up, needs=SESSION),
    Command("row_down", "down,j", "walk", view.row_down, needs=SESSION),
)

VIEW: tuple[Command[Desk], ...] = (
    Command("fewer_rows", "minus", "view", view.fewer_rows),
    Command("more_rows", "plus,equals_sign", "view", view.more_rows),
    Command("token_view", "v", "view", view.token_view),
    Command("cumulative", "V", "view", view.cumulative),
    Command("heat", "e", "view", view.heat),
    Command("scroll_up", "pageup", "view", view.scroll_up),
    Command("scroll_down", "pagedown", "view", view.scroll_down),
)

SUSPEND: Command[Desk] = Command("suspend", "ctrl+z", "session", session.suspend)

COMMANDS: tuple[Command[WalkDesk], ...] = (
    *ROWS,
    Command("add", "enter,right,l", "walk", walking.add, footer=True, needs=SELECTION),
    Command("back", "left,h,backspace", "walk", walking.back, footer=True, needs=SESSION),
    Command("sample", "space", "walk", running.sample, footer=True, needs=SESSION, calls=("generate",)),
    Command("auto", "a", "walk", running.auto, footer=True, needs=SESSION, calls=("generate",)),
    Command("draw_again", "r", "walk", running.draw_again, needs=SESSION, calls=("generate",)),
    Command("sequences", "N", "walk", running.sequences, needs=SESSION, calls=("sample",), exclusive="sequences"),
    Command("slower", "comma", "walk", running.slower, needs=SESSION),
    Command("faster", "full_stop", "walk", running.faster, needs=SESSION),
    Command("run_settings", "A", "walk", running.run_settings, needs=SESSION),
    Command("token_left", "ctrl+left", "walk", editing.token_left, needs=SESSION),
    Command("token_right", "ctrl+right", "walk", editing.token_right, needs=SESSION),
    Command("jump", "right_square_bracket", "walk", partial(editing.jump, 1), needs=SESSION),
    Command("jump_back", "left_square_bracket", "walk", partial(editing.jump, -1), needs=SESSION),
    Command("jump_settings", "J", "walk", editing.jump_settings, needs=SESSION),
    Command("exchange", "E", "walk", editing.exchange, needs=SESSION, calls=("score",)),
    Command("undo", "u", "walk", editing.undo, needs=SESSION),
    Command("redo", "ctrl+r", "walk", editing.redo, needs=SESSION),
    Command("stop", "escape", "walk", stopping.stop),
    Command("force", "f", "walk", asking.force, needs=SESSION, calls=("score",), exclusive="ask"),
    Command("search", "slash", "walk", asking.search, needs=SESSION, calls=("search",), exclusive="ask"),
    Command("options", "o", "walk", asking.options, needs=SESSION, calls=("compare",), exclusive="ask"),
    Command("prompt", "i", "walk", walking.prompt, footer=True, needs=ENGINE),
    Command("temperature_down", "t", "sampler", partial(knobs.turn, "temperature", -1), needs=SESSION),
    Command("temperature_up", "T", "sampler", partial(knobs.turn, "temperature", 1), needs=SESSION),
    Command("top_p_down", "p", "sampler", partial(knobs.turn, "top_p", -1), needs=SESSION),
    Command("top_p_up", "P", "sampler", partial(knobs.turn, "top_p", 1), needs=SESSION),
    Command("top_k_down", "g", "sampler", partial(knobs.turn, "top_k", -1), needs=SESSION),
    Command("top_k_up", "G", "sampler", partial(knobs.turn, "top_k", 1), needs=SESSION),
    Command("new_seed", "n", "sampler", knobs.draw_seed, needs=SESSION),
    Command("knobs", "c", "sampler", knobs.toggle, needs=SESSION),
    Command("next_preset", "z", "sampler", knobs.next_preset, needs=SESSION),
    Command("model_settings", "Z", "sampler", knobs.model_settings, needs=SESSION),
    Command("ban", "b", "sampler", knobs.ban, needs=SELECTION),
    Command("bias_up", "y", "sampler", partial(knobs.bias, 1), needs=SELECTION),
    Command("bias_down", "Y", "sampler", partial(knobs.bias, -1), needs=SELECTION),
    Command("tree", "B", "tree", branches.toggle, needs=SESSION),
    Command("previous_sibling", "less_than_sign", "tree", partial(branches.sibling, -1), needs=SESSION),
    Command("next_sibling", "greater_than_sign", "tree", partial(branches.sibling, 1), needs=SESSION),
    Command("next_branch", "w", "tree", partial(branches.branch, 1), needs=SESSION),
    Command("previous_branch", "s", "tree", partial(branches.branch, -1), needs=SESSION),
    Command("keep_spot", "d", "tree", branches.keep_spot, needs=SESSION),
    Command("name_spot", "D", "tree", branches.name_spot, needs=SESSION, exclusive="name"),
    Command("delete", "delete", "tree", branches.delete, needs=SESSION),
    *VIEW,
    Command("model", "m", "session", loading.choose_model, footer=True),
    Command("adapter", "L", "session", adapting.switch_adapter, needs=("session", "engine")),
    Command("save", "x", "session", session.save, needs=SESSION),
    Command("restart", "R", "session", loading.restart),
    Command("help", "question_mark,f1", "session", session.show_help, footer=True),
    Command("palette", "ctrl+p", "session", session.palette),
    SUSPEND,
    Command("quit", "ctrl+q", "session", session.leave, footer=True),
)

REPLAY_COMMANDS: tuple[Command[ReplayDesk], ...] = (
    Command("play", "space", "replay", playing.play, footer=True),
    Command("next_act", "right,l", "replay", playing.next_act, footer=True),
    Command("previous_act", "left,h", "replay", playing.previous_act, footer=True),
    Command("play_slower", "comma", "replay", partial(playing.set_pace, -1), footer=True),
    Command("play_faster", "full_stop", "replay", partial(playing.set_pace, 1), footer=True),
    Command("first_act", "home", "replay", playing.first_act),
    Command("last_act", "end", "replay", playing.last_act),
    Command("go_to_act", "g", "replay", playing.go_to_act, shown="25 g"),
    *ROWS,
    *VIEW,
    Command(
        "replay_help",
        "question_mark,f1",
        "replay",
        playing.show_help,
        footer=True,
    ),
    SUSPEND,
    Command("leave", "escape,ctrl+q", "replay", playing.leave, shown="Esc", footer=True),
)
"""Of `token-explorer replay`."""


def markdown() -> str:
    """docs/keys.md."""
    lines = [
        "# Keys",
        "",
        "Generated from `explorer/ui/commands.py` by `make docs`; do not edit.",
        "",
        "With Hangul input on, a key does what its Latin letter does (ㅁ is `a`, ㅖ is `P`). Some capitals have no",
        "jamo (`A`, `B`, `D`, `G`, `J`, `L`, `N`, `V`, `Y`, `Z`): use the palette (Ctrl+P), or switch the input for",
        "them.",
    ]
    every: list[Command[Any]] = list(dict.fromkeys((*COMMANDS, *REPLAY_COMMANDS)))
    keymap = Keymap(every, {})
    words = Wording(keymap.first)
    for group in dict.fromkeys(command.group for command in every):
        lines += ["", f"## {words(f'groups.{group}')}", "", "| Key | Command | What it does |", "|---|---|---|"]
        lines += [
            f"| `{keymap.written(c.id)}` | {c.title(words)} | {c.help(words)} |" for c in every if c.group == group
        ]
    lines += [
        "",
        "A key can be changed by the command's id in the configuration file, under `[keys]`:",
        "",
        "| Command | Id |",
        "|---|---|",
        *(f"| {c.title(words)} | `{c.id}` |" for c in every),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(markdown())
