"""The table of commands: from one row follow the key, the palette's entry, the help screen and docs/keys.md.

Owns the keys, and what each command needs. What a command does is a function of a desk, in `ui/actions`.
`python -m explorer.ui.commands` prints docs/keys.md.
"""

import sys
from functools import partial
from typing import Any

from explorer.ui.actions import (
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
from explorer.wording import WORDS

SESSION: tuple[Need, ...] = ("session",)
ENGINE: tuple[Need, ...] = ("engine",)
SELECTION: tuple[Need, ...] = ("session", "selection")

ROWS: tuple[Command[Desk], ...] = (
    Command("row_up", "up,k", "Walk", view.row_up, needs=SESSION),
    Command("row_down", "down,j", "Walk", view.row_down, needs=SESSION),
)

VIEW: tuple[Command[Desk], ...] = (
    Command("fewer_rows", "minus", "View", view.fewer_rows),
    Command("more_rows", "plus,equals_sign", "View", view.more_rows),
    Command("token_view", "v", "View", view.token_view),
    Command("cumulative", "V", "View", view.cumulative),
    Command("heat", "e", "View", view.heat),
    Command("scroll_up", "pageup", "View", view.scroll_up),
    Command("scroll_down", "pagedown", "View", view.scroll_down),
)

COMMANDS: tuple[Command[WalkDesk], ...] = (
    *ROWS,
    Command("add", "enter,right,l", "Walk", walking.add, footer=True, needs=SELECTION),
    Command("back", "left,h,backspace", "Walk", walking.back, footer=True, needs=SESSION),
    Command("sample", "space", "Walk", running.sample, footer=True, needs=SESSION, calls=("generate",)),
    Command("auto", "a", "Walk", running.auto, footer=True, needs=SESSION, calls=("generate",)),
    Command("draw_again", "r", "Walk", running.draw_again, needs=SESSION, calls=("generate",)),
    Command("sequences", "N", "Walk", running.sequences, needs=SESSION, calls=("sample",), exclusive="sequences"),
    Command("slower", "comma", "Walk", running.slower, needs=SESSION),
    Command("faster", "full_stop", "Walk", running.faster, needs=SESSION),
    Command("run_settings", "A", "Walk", running.run_settings, needs=SESSION),
    Command("token_left", "ctrl+left", "Walk", editing.token_left, needs=SESSION),
    Command("token_right", "ctrl+right", "Walk", editing.token_right, needs=SESSION),
    Command("jump", "right_square_bracket", "Walk", partial(editing.jump, 1), needs=SESSION),
    Command("jump_back", "left_square_bracket", "Walk", partial(editing.jump, -1), needs=SESSION),
    Command("jump_settings", "J", "Walk", editing.jump_settings, needs=SESSION),
    Command("exchange", "E", "Walk", editing.exchange, needs=SESSION, calls=("score",)),
    Command("undo", "u", "Walk", editing.undo, needs=SESSION),
    Command("redo", "ctrl+r", "Walk", editing.redo, needs=SESSION),
    Command("stop", "escape", "Walk", stopping.stop),
    Command("force", "f", "Walk", asking.force, needs=SESSION, calls=("score",), exclusive="ask"),
    Command("search", "slash", "Walk", asking.search, needs=SESSION, calls=("search",), exclusive="ask"),
    Command("options", "o", "Walk", asking.options, needs=SESSION, calls=("compare",), exclusive="ask"),
    Command("prompt", "i", "Walk", walking.prompt, footer=True, needs=ENGINE),
    Command("temperature_down", "t", "Sampler", partial(knobs.turn, "temperature", -1), needs=SESSION),
    Command("temperature_up", "T", "Sampler", partial(knobs.turn, "temperature", 1), needs=SESSION),
    Command("top_p_down", "p", "Sampler", partial(knobs.turn, "top_p", -1), needs=SESSION),
    Command("top_p_up", "P", "Sampler", partial(knobs.turn, "top_p", 1), needs=SESSION),
    Command("top_k_down", "g", "Sampler", partial(knobs.turn, "top_k", -1), needs=SESSION),
    Command("top_k_up", "G", "Sampler", partial(knobs.turn, "top_k", 1), needs=SESSION),
    Command("new_seed", "n", "Sampler", knobs.draw_seed, needs=SESSION),
    Command("knobs", "c", "Sampler", knobs.toggle, needs=SESSION),
    Command("next_preset", "z", "Sampler", knobs.next_preset, needs=SESSION),
    Command("model_settings", "Z", "Sampler", knobs.model_settings, needs=SESSION),
    Command("ban", "b", "Sampler", knobs.ban, needs=SELECTION),
    Command("bias_up", "y", "Sampler", partial(knobs.bias, 1), needs=SELECTION),
    Command("bias_down", "Y", "Sampler", partial(knobs.bias, -1), needs=SELECTION),
    Command("tree", "B", "Tree", branches.toggle, needs=SESSION),
    Command("previous_sibling", "less_than_sign", "Tree", partial(branches.sibling, -1), needs=SESSION),
    Command("next_sibling", "greater_than_sign", "Tree", partial(branches.sibling, 1), needs=SESSION),
    Command("next_branch", "w", "Tree", partial(branches.branch, 1), needs=SESSION),
    Command("previous_branch", "s", "Tree", partial(branches.branch, -1), needs=SESSION),
    Command("keep_spot", "d", "Tree", branches.keep_spot, needs=SESSION),
    Command("name_spot", "D", "Tree", branches.name_spot, needs=SESSION, exclusive="name"),
    Command("delete", "delete", "Tree", branches.delete, needs=SESSION),
    *VIEW,
    Command("model", "m", "Session", loading.choose_model, footer=True),
    Command("save", "x", "Session", session.save, needs=SESSION),
    Command("restart", "R", "Session", loading.restart),
    Command("help", "question_mark,f1", "Session", session.show_help, footer=True),
    Command("palette", "ctrl+p", "Session", session.palette),
    Command("quit", "ctrl+q", "Session", session.leave, footer=True),
)

REPLAY_COMMANDS: tuple[Command[ReplayDesk], ...] = (
    Command("play", "space", "Replay", playing.play, footer=True),
    Command("next_act", "right,l", "Replay", playing.next_act, footer=True),
    Command("previous_act", "left,h", "Replay", playing.previous_act, footer=True),
    Command("play_slower", "comma", "Replay", partial(playing.set_pace, -1), footer=True),
    Command("play_faster", "full_stop", "Replay", partial(playing.set_pace, 1), footer=True),
    Command("first_act", "home", "Replay", playing.first_act),
    Command("last_act", "end", "Replay", playing.last_act),
    Command("go_to_act", "g", "Replay", playing.go_to_act, shown="25 g"),
    *ROWS,
    *VIEW,
    Command(
        "replay_help",
        "question_mark,f1",
        "Replay",
        playing.show_help,
        footer=True,
    ),
    Command("leave", "escape,ctrl+q", "Replay", playing.leave, shown="Esc", footer=True),
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
        "jamo (`A`, `B`, `D`, `G`, `J`, `N`, `V`, `Y`, `Z`): use the palette (Ctrl+P), or switch the input for them.",
    ]
    every: list[Command[Any]] = list(dict.fromkeys((*COMMANDS, *REPLAY_COMMANDS)))
    keymap = Keymap(every, {})
    for group in dict.fromkeys(command.group for command in every):
        lines += ["", f"## {group}", "", "| Key | Command | What it does |", "|---|---|---|"]
        lines += [
            f"| `{keymap.written(c.id)}` | {c.title(WORDS)} | {c.help(WORDS)} |" for c in every if c.group == group
        ]
    lines += [
        "",
        "A key can be changed by the command's id in the configuration file, under `[keys]`:",
        "",
        "| Command | Id |",
        "|---|---|",
        *(f"| {c.title(WORDS)} | `{c.id}` |" for c in every),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(markdown())
