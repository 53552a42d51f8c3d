"""Colours of the formats that have them, for light and for dark; the text on every heat is readable (WCAG AA).

Must not know formats.
"""

LIGHT = {
    "paper": "#fbfaf6",
    "raised": "#ffffff",
    "ink": "#1a2030",
    "quiet": "#5b6377",
    "line": "#e3dfd5",
    "accent": "#2b59bd",
    "picked": "#e6ecf9",
    "bar": "#aebfe8",
    "mark": "#454b5c",
    "flag": "#8a4f00",
    "heat-0": "#c4e6cf",
    "heat-1": "#e1e9b5",
    "heat-2": "#f6e3a6",
    "heat-3": "#f6c6a4",
    "heat-4": "#f0a9b3",
}
DARK = {
    "paper": "#12151c",
    "raised": "#191e28",
    "ink": "#e8ecf5",
    "quiet": "#9ba5b9",
    "line": "#2c3444",
    "accent": "#8fb1fb",
    "picked": "#232d44",
    "bar": "#39538f",
    "mark": "#c9d1e2",
    "flag": "#e7b56f",
    "heat-0": "#1f5f43",
    "heat-1": "#4d6328",
    "heat-2": "#725a1c",
    "heat-3": "#824226",
    "heat-4": "#862d45",
}


def variables() -> str:
    """CSS: each colour as a custom property, which follows the colour scheme."""
    both = "".join(f"--{name}:light-dark({LIGHT[name]},{DARK[name]});" for name in LIGHT)
    return f":root{{{both}}}\n"
