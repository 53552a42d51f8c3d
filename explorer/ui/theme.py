"""Themes from TOML files: Textual's colours, and variables for what a colour means here.

Owns the reading and checking of `themes/*.toml`, those that ship and those of the person's own folder. Must not know
widgets.
"""

from pathlib import Path

from textual.color import Color, ColorParseError
from textual.theme import Theme as Theme

from explorer.core.reading import read_text, read_toml
from explorer.errors import UsageError

MEANINGS = (
    "prompt",
    "generated",
    "current",
    "special",
    "fragment",
    "cut",
    "visited",
    "quiet",
    "bar",
    "frame",
    "selected",
    *(f"heat-{step}" for step in range(5)),
)
"""The variables that every theme defines; the shipped files say what each colours."""

COLORS = {
    "primary",
    "secondary",
    "accent",
    "foreground",
    "background",
    "surface",
    "panel",
    "success",
    "warning",
    "error",
}


class ThemeError(ValueError):
    """A theme file that cannot be used; the message names the file and what is wrong with it."""


def shipped_folder() -> Path:
    """Where the themes of the program are: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "themes"
    return inside if inside.is_dir() else package.parent / "themes"


def read_theme(path: Path) -> Theme:
    """The theme in a file. Raises ThemeError."""
    try:
        said = read_toml(read_text(path), f"The theme {path}")
    except UsageError as error:
        raise ThemeError(str(error)) from error
    colors, variables = said.get("colors", {}), said.get("variables", {})
    if not isinstance(said.get("name"), str) or not isinstance(colors, dict) or not isinstance(variables, dict):
        raise ThemeError(f"The theme {path} needs a name, and tables [colors] and [variables].")
    unknown = sorted((colors.keys() - COLORS) | (variables.keys() - set(MEANINGS)))
    missing = sorted(({"primary", "background"} - colors.keys()) | (set(MEANINGS) - variables.keys()))
    if unknown or missing:
        parts = [f"does not know {', '.join(unknown)}"] * bool(unknown)
        parts += [f"lacks {', '.join(missing)}"] * bool(missing)
        raise ThemeError(f"The theme {path} {' and '.join(parts)}.")
    for name, value in {**colors, **variables}.items():
        try:
            Color.parse(str(value))
        except ColorParseError as error:
            raise ThemeError(f"The theme {path}: {name} = {value!r} is not a colour.") from error
    return Theme(name=said["name"], dark=bool(said.get("dark", True)), variables=variables, **colors)


def read_themes(folders: list[Path]) -> tuple[list[Theme], list[str]]:
    """The themes of the folders, and one sentence for each file that is broken. Later ones replace earlier ones."""
    themes: dict[str, Theme] = {}
    faults = []
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            try:
                theme = read_theme(path)
            except ThemeError as error:
                faults.append(str(error))
            else:
                themes[theme.name] = theme
    return list(themes.values()), faults
