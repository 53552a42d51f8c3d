"""HTML: one page that holds the whole walk, and needs nothing but itself.

Owns the data that the page's script reads, in columns and with six digits, so that a large walk stays small. All text
is made here, as it may be shown; the script only places it. Must not know how the page looks: that is in `page/`.
"""

import base64
import hashlib
import html
import re
from collections.abc import Iterable, Sequence
from importlib import resources
from string import Template
from typing import Any

import msgspec

from explorer.core.distribution import Distribution
from explorer.core.heat import METRICS, Numbers
from explorer.core.sampling.knobs import CUT_NAMES
from explorer.core.sampling.params import SamplingParams
from explorer.core.token import Token, shown_bytes
from explorer.core.walk.recorded import recorded_label
from explorer.core.walk.tree import Tree
from explorer.export.colours import variables
from explorer.export.document import Document, alive, prompt_title, settings_words, shown
from explorer.export.rows import scored

SCRIPTS = ("walk.js", "figures.js", "text.js", "detail.js", "tree.js", "main.js")
"""In the order in which they build on each other; they share one scope."""

POLICY = (
    "default-src 'none'; script-src '{script}'; style-src '{style}'; img-src data:; base-uri 'none'; form-action 'none'"
)


def page(document: Document, heat: str, theme: str) -> str:
    """The page; `heat` and `theme` are how it opens.

    Nothing in it comes from elsewhere, and its policy lets nothing else run or load.
    """
    folder = resources.files("explorer.export") / "page"
    read = {name: (folder / name).read_text("utf-8") for name in (*SCRIPTS, "page.css", "page.html")}
    script = '"use strict";\n(() => {\n' + "\n".join(read[name] for name in SCRIPTS) + "})();\n"
    style = variables() + read["page.css"]
    return Template(read["page.html"]).substitute(
        policy=POLICY.format(script=_digest(script), style=_digest(style)),
        title=html.escape(document.title),
        line=html.escape(document.line),
        theme=theme,
        style=style,
        script=script,
        text=html.escape(shown(document.text())),
        data=_data(document, heat),
    )


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


IN_SCRIPT = re.compile("[<>&\u2028\u2029]")


def _data(document: Document, heat: str) -> str:
    """JSON that may stand in a script element: what could end the element, or begin a comment, is escaped."""
    text = msgspec.json.encode(Columns(document).walk() | {"heat": heat}).decode()
    return IN_SCRIPT.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


class Columns:
    """The walk as the script reads it. Tokens, settings and what cut are named once, and by their places after that."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._tokens: dict[tuple[int, bytes], int] = {}
        self._labels: list[tuple[int, str, str, str, bool]] = []
        self._settings: dict[SamplingParams, int] = {}
        self._cuts: dict[str, int] = {}

    def walk(self) -> dict[str, Any]:
        document, session = self._document, self._document.session
        prompts = [self._prompt(root, tree) for root, tree in document.trees.items()]
        return {
            "facts": list(document.facts()),
            "metrics": [(metric.id, metric.title, metric.low, metric.high) for metric in METRICS],
            "at": [session.root, session.node],
            "prompts": prompts,
            "tokens": list(zip(*self._labels, strict=True)),
            "settings": [settings_words(params.summary) for params in self._settings],
            "cuts": [CUT_NAMES.get(name, shown(name)) for name in self._cuts],
        }

    def _prompt(self, root: int, tree: Tree) -> dict[str, Any]:
        nodes = list(alive(tree))
        places = {node.number: place for place, node in enumerate(nodes)}
        after = nodes[1:]
        choices = [node.choice for node in after if node.choice]
        return {
            "root": root,
            "title": prompt_title(tree),
            "pending": {places[node.number]: shown_bytes(node.pending) for node in nodes if node.pending},
            "names": {places[number]: shown(name) for number, name in tree.bookmarks.items() if number in places},
            "prompt": {
                "token": [self._token(token) for token in tree.prompt],
                "text": self._texts(zip(tree.prompt, tree.prompt_texts, strict=True)),
                "logprob": [_short(score.logprob) for score in tree.scores],
                "rank": [score.rank for score in tree.scores],
                "entropy": [_short(score.entropy) for score in tree.scores],
                "heat": _heat(tree.scores),
                "table": {at: self._table(table.distribution, table.shaped_by) for at, table in tree.tables.items()},
            },
            "number": [node.number for node in nodes],
            "parent": [places[node.parent] for node in after if node.parent is not None],
            "token": [self._token(node.token) for node in after if node.token],
            "text": self._texts((node.token, node.text) for node in after),
            "source": "".join(choice.source[0] for choice in choices),
            "prob": [_short(choice.prob) for choice in choices],
            "sampling": [_short(choice.sampling_prob) for choice in choices],
            "rank": [choice.rank for choice in choices],
            "entropy": [_short(choice.entropy) for choice in choices],
            "heat": _heat([scored(tree, node) for node in after]),
            "seed": [choice.seed for choice in choices],
            "draw": [choice.draw for choice in choices],
            "table": [self._table(node.distribution, node.shaped_by) for node in nodes],
        }

    def _texts(self, completed: Iterable[tuple[Token | None, str]]) -> dict[int, str]:
        """What tokens complete, by their places, where it is not what they spell by themselves."""
        return {
            place: shown(text)
            for place, (token, text) in enumerate(completed)
            if token is not None and token.kind != "unused" and token.text != text
        }

    def _token(self, token: Token) -> int:
        key = (token.id, token.bytes)
        if key not in self._tokens:
            self._tokens[key] = len(self._labels)
            text = recorded_label(token) if token.kind == "unused" else shown(token.text or "")
            data, special = token.bytes.hex(" ").upper(), token.kind == "special"
            self._labels.append((token.id, recorded_label(token), text, data, special))
        return self._tokens[key]

    def _table(self, table: Distribution | None, shaped_by: SamplingParams | None) -> Any:
        """[entropy, other, kept, vocabulary, settings, tokens, probs, sampling probs, cuts, ranks].

        The last three are left out (0) where they say nothing: equal probs, no cut, ranks 1, 2, 3 ...
        """
        if table is None:
            return 0
        rows = table.candidates
        probs = [_short(row.prob) for row in rows]
        sampling = [_short(row.sampling_prob) for row in rows]
        cuts = [0 if row.cut_by is None else 1 + self._cuts.setdefault(row.cut_by, len(self._cuts)) for row in rows]
        ranks = [row.rank for row in rows]
        settings = (shaped_by or SamplingParams()).replace(seed=None)
        return (
            _short(table.entropy),
            _short(table.other_prob),
            table.kept,
            table.vocab_size,
            self._settings.setdefault(settings, len(self._settings)),
            [self._token(row.token) for row in rows],
            probs,
            0 if sampling == probs else sampling,
            cuts if any(cuts) else 0,
            0 if ranks == list(range(1, len(ranks) + 1)) else ranks,
        )


def _heat(places: Sequence[Numbers]) -> dict[str, str]:
    """The steps of places by the ids of the metrics, a digit a place; `-` where the number is not known."""
    return {metric.id: "".join(map(_digit, map(metric.step, places))) for metric in METRICS}


def _digit(step: int | None) -> str:
    return "-" if step is None else str(step)


def _short(number: float | None) -> float | None:
    """Six digits."""
    return None if number is None else float(f"{number:.6g}")
