"""The table of commands: from one row follow the key, the palette's entry, the help screen and docs/keys.md.

Owns the keys, also under Hangul input, where a key gives a jamo of the two-set layout (KS X 5002) instead of its
Latin letter. Must not know what a command does: the screen has a method `action_ID` for each.
`python -m explorer.ui.commands` prints docs/keys.md.
"""

import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that a person can do."""

    id: str
    keys: str
    """Textual's names, separated by commas."""
    title: str
    help: str
    """One sentence."""
    group: str
    footer: str = ""
    """The word in the footer; empty where it is not shown there."""
    shown: str = ""
    """How the keys are written for a person, where Textual's names would not do."""


COMMANDS = (
    Command("row_up", "up,k", "Previous row", "Select the row above.", "Walk", shown="↑ k"),
    Command("row_down", "down,j", "Next row", "Select the row below.", "Walk", shown="↓ j"),
    Command("add", "enter,right,l", "Add the token", "Add the selected token.", "Walk", "add", "Enter → l"),
    Command("back", "left,h,backspace", "Go back", "Go one token back; nothing is lost.", "Walk", "back", "← h ⌫"),
    Command(
        "sample",
        "space",
        "Sample one token",
        "Let the sampler draw the next token; 5 Space draws five.",
        "Walk",
        "sample",
        "Space",
    ),
    Command("auto", "a", "Auto-sampling", "Draw token after token, or stop it; 5 a draws five.", "Walk", "auto", "a"),
    Command("draw_again", "r", "Draw again", "Draw another token in place of the one that was drawn.", "Walk"),
    Command("sequences", "N", "Several sequences", "Draw 4 sequences from here, or as many as a count says.", "Walk"),
    Command("slower", "comma", "Slower", "Auto-sampling goes slower, down to one token a second.", "Walk", shown=","),
    Command(
        "faster", "full_stop", "Faster", "Auto-sampling goes faster; after 50 a second, no limit.", "Walk", shown="."
    ),
    Command("run_settings", "A", "Auto-sampling: settings", "What stops auto-sampling, and how fast it goes.", "Walk"),
    Command(
        "token_left",
        "ctrl+left",
        "Token cursor left",
        "Look at the token before, and at the table it was chosen from.",
        "Walk",
        shown="Ctrl+←",
    ),
    Command(
        "token_right",
        "ctrl+right",
        "Token cursor right",
        "Look at the token after; at the end, the next one is chosen.",
        "Walk",
        shown="Ctrl+→",
    ),
    Command(
        "jump",
        "right_square_bracket",
        "Jump ahead",
        "To the next surprise, fork or bookmark of the path; 42 ] goes to token 42.",
        "Walk",
        shown="]",
    ),
    Command(
        "jump_back", "left_square_bracket", "Jump back", "To the surprise, fork or bookmark before.", "Walk", shown="["
    ),
    Command(
        "jump_settings", "J", "Jump: settings", "What a jump stops at: surprisal, entropy, forks, bookmarks.", "Walk"
    ),
    Command(
        "exchange",
        "E",
        "Exchange the token",
        "Put the selected token under the token cursor, and carry over what comes after it.",
        "Walk",
    ),
    Command("undo", "u", "Undo", "Undo the last act: a token, a whole run, an edit.", "Walk"),
    Command("redo", "ctrl+r", "Redo", "Do again what was undone.", "Walk", shown="Ctrl+R"),
    Command("stop", "escape", "Stop", "Stop what is under way.", "Walk", shown="Esc"),
    Command("force", "f", "Force a text", "Add what you write: a text, a token by #id, or bytes by 0x.", "Walk"),
    Command(
        "search", "slash", "Search the vocabulary", "Find any token by text, regex, id or bytes.", "Walk", shown="/"
    ),
    Command("options", "o", "Compare options", "Rank several texts by how likely they would be next.", "Walk"),
    Command("prompt", "i", "Edit the prompt", "Write another prompt; the walk so far is kept.", "Walk", "prompt", "i"),
    Command("temperature_down", "t", "Temperature down", "Lower the temperature by 0.1; 0 is greedy.", "Sampler"),
    Command("temperature_up", "T", "Temperature up", "Raise the temperature by 0.1, up to 5.", "Sampler"),
    Command("top_p_down", "p", "Top-p down", "Lower top-p by 0.05, down to 0.05.", "Sampler"),
    Command("top_p_up", "P", "Top-p up", "Raise top-p by 0.05; 1 is off.", "Sampler"),
    Command("top_k_down", "g", "Top-k down", "Keep fewer tokens: 200, 100, 50, 20, 10, 5, 2, 1.", "Sampler"),
    Command("top_k_up", "G", "Top-k up", "Keep more tokens; after 200 it is off.", "Sampler"),
    Command("new_seed", "n", "New seed", "Draw with other random numbers.", "Sampler"),
    Command("knobs", "c", "All settings", "Open or close the panel with every setting.", "Sampler"),
    Command("next_preset", "z", "Next preset", "Plain, greedy, balanced, creative, the model's, yours.", "Sampler"),
    Command("model_settings", "Z", "The model's settings", "Sample as the model's own configuration says.", "Sampler"),
    Command("ban", "b", "Ban the token", "Never draw the selected token, or allow it again.", "Sampler"),
    Command("bias_up", "y", "Bias up", "Raise the logit of the selected token by 1.", "Sampler"),
    Command("bias_down", "Y", "Bias down", "Lower the logit of the selected token by 1.", "Sampler"),
    Command("tree", "B", "Branches", "Open the tree of all branches and go into it; from there, close it.", "Tree"),
    Command(
        "previous_sibling",
        "less_than_sign",
        "Previous sibling",
        "Go to the token that was tried before this one.",
        "Tree",
        shown="<",
    ),
    Command(
        "next_sibling",
        "greater_than_sign",
        "Next sibling",
        "Go to the token that was tried after this one.",
        "Tree",
        shown=">",
    ),
    Command("next_branch", "w", "Next branch", "Go to the next end of a branch, or spot with a name.", "Tree"),
    Command("previous_branch", "s", "Previous branch", "Go to the end, or the named spot, before this one.", "Tree"),
    Command("keep_spot", "d", "Keep this spot", "Give this spot a name, by which it is found again.", "Tree"),
    Command("name_spot", "D", "Name this spot", "Give this spot a name, change it, or take it away.", "Tree"),
    Command(
        "delete", "delete", "Delete the branch", "Delete this token and all that comes after it.", "Tree", shown="Del"
    ),
    Command("fewer_rows", "minus", "Fewer rows", "List fewer tokens.", "View", shown="-"),
    Command("more_rows", "plus,equals_sign", "More rows", "List more tokens.", "View", shown="+ ="),
    Command("token_view", "v", "Text, piece or bytes", "Show tokens as text, pieces, or bytes.", "View"),
    Command("cumulative", "V", "Cumulative mass", "Show the mass of all tokens down to each row, or not.", "View"),
    Command(
        "heat", "e", "Heat of the text", "Colour the text by probability, entropy, surprisal or rank, or not.", "View"
    ),
    Command("scroll_up", "pageup", "Scroll up", "Scroll the text and the tokens up.", "View", shown="PgUp"),
    Command("scroll_down", "pagedown", "Scroll down", "Scroll the text and the tokens down.", "View", shown="PgDn"),
    Command(
        "model", "m", "Open another model", "Open another model and go on there with the text.", "Session", "model", "m"
    ),
    Command("save", "x", "Save a copy", "Save a copy of the record under another name.", "Session"),
    Command("restart", "R", "Restart the engine", "Start the engine again; the walk goes on.", "Session"),
    Command("help", "question_mark,f1", "Help", "Show what the keys and the marks mean.", "Session", "help", "? F1"),
    Command("palette", "ctrl+p", "Command palette", "Find a command or a theme by name.", "Session", shown="Ctrl+P"),
    Command("quit", "ctrl+q", "Quit", "Leave; the record is complete.", "Session", "quit", "Ctrl+Q"),
)

GROUPS = tuple(dict.fromkeys(command.group for command in COMMANDS))

REPLAYED = (
    "row_up",
    "row_down",
    "fewer_rows",
    "more_rows",
    "token_view",
    "cumulative",
    "heat",
    "scroll_up",
    "scroll_down",
)
"""Commands that a replay has too."""

REPLAY_COMMANDS = (
    Command("play", "space", "Play or pause", "Play the record, or pause it.", "Replay", "play", "Space"),
    Command("next_act", "right,l", "Next", "Show what happened next; 10 → goes ten on.", "Replay", "next", "→ l"),
    Command("previous_act", "left,h", "Previous", "Show what was before; 10 ← goes ten back.", "Replay", "back", "← h"),
    Command("play_slower", "comma", "Slower", "Play at half the pace, down to a quarter.", "Replay", "slower", ","),
    Command("play_faster", "full_stop", "Faster", "Play at twice the pace, up to 16 times.", "Replay", "faster", "."),
    Command("first_act", "home", "Beginning", "Go to the beginning.", "Replay", shown="Home"),
    Command("last_act", "end", "End", "Go to the end.", "Replay", shown="End"),
    Command("go_to_act", "g", "Go there", "Go to the number that was typed: 25 g.", "Replay", shown="25 g"),
    *(command for command in COMMANDS if command.id in REPLAYED),
    Command(
        "replay_help", "question_mark,f1", "Help", "Show what the keys and the marks mean.", "Replay", "help", "? F1"
    ),
    Command("leave", "escape,ctrl+q", "Quit", "Leave the replay.", "Replay", "quit", "Esc"),
)
"""Of `token-explorer replay`."""


def keys_of(command: Command) -> str:
    """The keys as they are written for a person."""
    return command.shown or command.keys


def bindings(commands: Sequence[Command] = COMMANDS) -> list[Binding]:
    """The bindings of a screen: the main one, where no others are named."""
    return [
        Binding(
            command.keys,
            command.id,
            command.footer or command.title,
            show=bool(command.footer),
            key_display=keys_of(command).split(" ")[0].replace("Ctrl+", "^") if command.footer else None,
            tooltip=command.help,
            id=command.id,
        )
        for command in commands
    ]


# Hangul. The jamo of each Latin key, and of the keys that have another one with Shift.

LATIN = "qwertyuiopasdfghjklzxcvbnmQWERTOP"
JAMO = "ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔㅁㄴㅇㄹㅎㅗㅓㅏㅣㅋㅌㅊㅍㅠㅜㅡㅃㅉㄸㄲㅆㅒㅖ"
JAMO_OF_KEY = dict(zip(LATIN, JAMO, strict=True))
KEY_OF_JAMO = {jamo: key for key, jamo in JAMO_OF_KEY.items()}
COMPOUNDS = {
    "ㅘ": "hk",
    "ㅙ": "ho",
    "ㅚ": "hl",
    "ㅝ": "nj",
    "ㅞ": "np",
    "ㅟ": "nl",
    "ㅢ": "ml",
    "ㄳ": "rt",
    "ㄵ": "sw",
    "ㄶ": "sg",
    "ㄺ": "fr",
    "ㄻ": "fa",
    "ㄼ": "fq",
    "ㄽ": "ft",
    "ㄾ": "fx",
    "ㄿ": "fv",
    "ㅀ": "fg",
    "ㅄ": "qt",
}
"""Jamo that an input method joins from two key presses."""


def latin_keys(text: str) -> str:
    """The Latin keys that were pressed to write Hangul: ㅁ is a, ㅖ is P, 메 is ap. Empty for any other text."""
    keys = ""
    for character in text:
        for jamo in unicodedata.normalize("NFD", character):
            # Conjoining jamo (U+1100 and on) to the ones of the keyboard (U+3130 and on), by their names.
            name = unicodedata.name(jamo, "")
            kind, _, sound = name.removeprefix("HANGUL ").partition(" ")
            if kind in ("CHOSEONG", "JUNGSEONG", "JONGSEONG"):
                try:
                    jamo = unicodedata.lookup(f"HANGUL LETTER {sound}")
                except KeyError:
                    return ""
            key = KEY_OF_JAMO.get(jamo) or COMPOUNDS.get(jamo)
            if key is None:
                return ""
            keys += key
    return keys


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
    every = list(dict.fromkeys((*COMMANDS, *REPLAY_COMMANDS)))
    for group in dict.fromkeys(command.group for command in every):
        lines += ["", f"## {group}", "", "| Key | Command | What it does |", "|---|---|---|"]
        lines += [f"| `{keys_of(c)}` | {c.title} | {c.help} |" for c in every if c.group == group]
    lines += [
        "",
        "A key can be changed by the command's id in the configuration file, under `[keys]`:",
        "",
        "| Command | Id |",
        "|---|---|",
        *(f"| {c.title} | `{c.id}` |" for c in every),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(markdown())
