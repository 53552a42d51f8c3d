import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import msgspec
import pytest

from explorer.core.heat import METRICS
from explorer.core.record import events
from explorer.core.record.record import Record
from explorer.core.token import label
from explorer.export import html
from explorer.export.colours import DARK, LIGHT
from explorer.export.document import Document, alive, shown
from explorer.export.rows import node_row, prompt_rows
from tests.export import chromium


class Elements(HTMLParser):
    """What a page is made of: the elements with their attributes, and the texts of those that are read whole."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open = False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        self.texts.append("")
        self.open = True

    def handle_endtag(self, tag):
        self.open = False

    def handle_data(self, data):
        if self.open:
            self.texts[-1] += data

    def text(self, tag: str, number: int = 0) -> str:
        return [text for (name, _), text in zip(self.found, self.texts, strict=True) if name == tag][number]


def read(document: Document, heat: str = "prob", theme: str = "auto") -> Elements:
    return Elements(html.page(document, heat, theme))


def data(document: Document) -> dict:
    return json.loads(read(document).text("script"))


def luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_has_the_contrast_of_wcag_aa(colours):
    backs = [colours[name] for name in colours if name.startswith("heat-")] + [colours["bar"], colours["picked"]]
    assert min(contrast(colours["ink"], back) for back in backs) >= 4.5
    assert min(contrast(colours[name], colours[back]) for name in ("quiet", "accent", "flag", "ink")
               for back in ("paper", "raised", "picked")) >= 4.5  # fmt: skip
    assert min(contrast(colours["mark"], back) for back in backs[:5]) >= 3


def test_the_page_has_the_step_of_every_token_by_every_metric(document):
    walk = data(document)
    for tree, said in zip(document.trees.values(), walk["prompts"], strict=True):
        prompt = list(prompt_rows(0, tree))
        nodes = [node_row(0, tree, node) for node in alive(tree) if node.number]
        for rows, steps in ((prompt, said["prompt"]["heat"]), (nodes, said["heat"])):
            for metric in METRICS:
                found = (metric.step(row) for row in rows)
                expected = "".join("-" if step is None else str(step) for step in found)
                assert steps[metric.id] == ("" if rows is prompt and not tree.scores else expected)
    assert walk["prompts"][0]["heat"]["prob"] != walk["prompts"][0]["heat"]["rank"]
    assert [metric[:2] for metric in walk["metrics"]] == [[metric.id, metric.title] for metric in METRICS]


def test_the_policy_allows_the_script_and_the_style_of_the_page_and_nothing_else(document):
    page = read(document)
    policy = next(said["content"] for tag, said in page.found if said.get("http-equiv") == "Content-Security-Policy")
    digests = {
        kind: "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for kind, text in (("script", page.text("script", 1)), ("style", page.text("style")))
    }
    assert policy == (
        f"default-src 'none'; script-src '{digests['script']}'; style-src '{digests['style']}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def test_nothing_comes_from_elsewhere(document):
    page = read(document)
    links = [said[name] for _, said in page.found for name in ("src", "href", "srcset", "style") if name in said]
    assert links == ["data:,"]
    assert not any(name.startswith("on") for _, said in page.found for name in said)
    assert not re.search(r"url\(|@import|innerHTML|eval\(|https?:", page.text("style") + page.text("script", 1))


def test_hostile_tokens_change_nothing_of_the_page_but_its_texts(document, hostile):
    plain, harmed = read(document), read(hostile)
    shape = [(tag, sorted(said)) for tag, said in plain.found]
    assert [(tag, sorted(said)) for tag, said in harmed.found] == shape


def test_hostile_text_is_shown_and_does_nothing(hostile):
    page = html.page(hostile, "prob", "auto")
    inside = page[page.index('<script type="application/json"') : page.rindex("<script>")]
    assert inside.count("<") == 2 and "&" not in inside
    assert not re.search("[\u2028\u2029\u202e\x00\x1b\x7f\x9b\ue000\uffff\r]", page)
    labels = data(hostile)["tokens"][1]
    assert {"‹202E›gnp.exe", "␛[31m␀␡␍↵␉", "‹EC›", "‹FF›", "‹LS›‹PS›", "‹009B›31m"} <= set(labels)
    assert {"</script><img␣src=x␣onerror=alert(1)>", "<!--<script>"} <= set(labels)
    texts = data(hostile)["prompts"][0]["text"]
    assert "옛" in texts.values()
    assert "한글 漢字 👩‍🚀 e\u0301" in data(hostile)["tokens"][2]


def test_the_data_has_the_nodes_and_numbers_of_the_record(record, document):
    said = data(document)
    ids = said["tokens"][0]
    prompts = iter(said["prompts"])
    for event in record.events:
        if isinstance(event, events.Prompt):
            prompt = next(prompts)
            assert [ids[token] for token in prompt["prompt"]["token"]] == event.ids
        elif getattr(event, "node", None) == 9:
            assert 9 not in prompt["number"]  # It was deleted.
        elif isinstance(event, events.Add):
            at = prompt["number"].index(event.node) - 1
            assert (ids[prompt["token"][at]], prompt["rank"][at]) == (event.id, event.rank)
            assert prompt["number"][prompt["parent"][at]] == event.parent
            assert prompt["prob"][at] == pytest.approx(event.prob, rel=1e-5)
        elif isinstance(event, events.Seen):
            inside = event.at is not msgspec.UNSET
            table = prompt["prompt"]["table"][str(event.at)] if inside else prompt["table"][event.node]
            entropy, other, kept, _, settings, tokens, probs, sampling, cuts, ranks = table
            assert [ids[token] for token in tokens] == [row.id for row in event.candidates]
            assert probs == pytest.approx([row.prob for row in event.candidates], rel=1e-5)
            assert (sampling or probs) == pytest.approx([row.sampling_prob for row in event.candidates], rel=1e-5)
            names = [said["cuts"][cut - 1] if cut else None for cut in cuts or [0] * len(tokens)]
            assert names == [row.cut_by and row.cut_by.replace("_", "-") for row in event.candidates]
            assert (kept, said["settings"][settings]) == (event.kept, "temperature 0.8, top-k 3")
            assert (entropy, other) == pytest.approx((event.entropy, event.other_prob), rel=1e-5)
            assert (ranks or [1, 2, 3, 4, 5]) == [row.rank for row in event.candidates]


def test_without_scripts_the_page_still_has_the_text(document):
    assert read(document).text("pre") == document.text()


# In a browser.

needs_chromium = pytest.mark.skipif(chromium.PROGRAM is None, reason="there is no Chromium")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium.chromium(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def show(browser, tmp_path):
    """Writes a document's page and opens it."""

    def show(document: Document, place: str = "", **options: str) -> chromium.Page:
        path = tmp_path / "page.html"
        path.write_text(html.page(document, **{"heat": "prob", "theme": "auto"} | options), "utf-8")
        browser.faults.clear()
        browser.look(1200, 900)
        browser.open(path, place)
        return browser

    return show


@needs_chromium
@pytest.mark.parametrize("name", ["document", "hostile"])
def test_a_browser_shows_the_path_without_a_fault(show, request, name):
    document = request.getfixturevalue(name)
    page = show(document)
    assert page.faults == []
    assert page.evaluate("document.documentElement.dataset.ready") == "yes"
    spans = page.evaluate("[...document.querySelectorAll('#text .token:not(.end)')].map((span) => span.textContent)")
    assert len(spans) == len(document.path())
    assert (
        page.text("#text")
        .replace("·", "")
        .replace("↵\n", "\n")
        .startswith(shown("".join(row.completes for row in document.path())).replace("·", ""))
    )
    assert page.evaluate("document.images.length + document.scripts.length") == 2


@needs_chromium
def test_arrows_go_over_the_tokens_and_show_what_else_could_have_stood_there(show, document):
    page = show(document)
    page.evaluate("document.querySelector('#text').focus()")
    page.press("End", "ArrowLeft")
    last = document.path()[-1]
    assert page.text("#detail .name") == last.token
    assert f"id {last.id}" in page.text("#detail .facts")
    rows = page.evaluate("[...document.querySelectorAll('#table tbody tr')].map((row) => row.className.trim())")
    assert "here" in rows
    assert page.evaluate("document.querySelector('#text').getAttribute('aria-activedescendant')") == f"t{last.index}"
    assert page.evaluate("location.hash").endswith(f"&t={last.index}")
    page.press("End")
    assert page.text("#detail h2") == "What comes next"
    page.press("Escape")
    assert page.evaluate("document.querySelector('.chosen')") is None
    assert page.faults == []


@needs_chromium
def test_a_branch_that_is_picked_is_shown_and_can_be_linked_to(show, document):
    page = show(document, "#n=0.1")
    tree = document.session.trees[0]
    assert page.text("#text").startswith("<|begin|>Once upon a" + tree.nodes[1].text)
    page.click("[role=treeitem] [role=treeitem] .words")
    page.click("[role=treeitem] [role=treeitem] [role=treeitem]:first-child .words")
    assert page.text("#text").startswith("<|begin|>Once upon a" + "".join(node.text for node in tree.path(4)))
    assert page.evaluate("location.hash") == "#n=0.4"
    assert page.text("[aria-current] .words").strip()
    assert page.faults == []


@needs_chromium
def test_an_alternative_that_was_tried_leads_to_its_branch(show, document):
    page = show(document, "#n=0.4&t=6")
    page.click("#table .tried button")
    tree = document.session.trees[0]
    assert page.text("#text").startswith("<|begin|>Once upon a" + shown("".join(node.text for node in tree.path(6))))
    assert page.text("#detail .name") == label(tree.nodes[5].token)


@needs_chromium
def test_the_metric_and_the_theme_can_be_changed(show, document):
    page = show(document, heat="rank", theme="dark")
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    assert page.evaluate("document.body.dataset.metric") == "rank"
    page.click("input[value=none]")
    assert page.evaluate("document.querySelectorAll('#text [data-heat]').length") == 0
    page.click("input[value=surprisal]")
    assert page.evaluate("document.querySelectorAll('#text [data-heat]').length") > 0
    page.click("input[value=light]")
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    assert page.faults == []


@needs_chromium
@pytest.mark.parametrize("place", ["#", "#n=", "#n=9.9&t=9999", "#n=x&t=x", "#t=-1", "#n=0.1&t=1.5"])
def test_an_address_that_says_nothing_that_there_is_opens_the_page_all_the_same(show, document, place):
    page = show(document, place)
    assert page.evaluate("document.documentElement.dataset.ready") == "yes"
    assert page.faults == []


@needs_chromium
@pytest.mark.parametrize("width", [360, 1200])
def test_the_page_is_never_wider_than_the_window(show, hostile, width):
    page = show(hostile, "#t=3")
    page.look(width, 800)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@needs_chromium
def test_a_fork_of_many_branches_lists_some_and_the_one_that_is_shown(show, header):
    said: list[events.AnyEvent] = [events.Prompt(text="a", ids=[0], bytes=["61"])]
    for node in range(1, 251):
        said.append(events.Add(parent=0, node=node, id=node, bytes="2062", source="picked", prob=0.01))
        said.append(events.Move(node=0))
    page = show(Document.of(Record(header, said), "it"), "#n=0.150")
    listed = "document.querySelectorAll('[role=treeitem] [role=treeitem]').length"
    assert (page.evaluate(listed), page.text(".more")) == (200, "50 more branches")
    assert page.evaluate("document.querySelector('[aria-current]').branch.node") == 150
    page.click(".more")
    assert page.evaluate(listed) == 250
    assert page.faults == []


@needs_chromium
def test_the_tree_is_walked_with_the_arrow_keys(show, document):
    page = show(document)
    page.evaluate("document.querySelector('[role=treeitem]').focus()")
    focused = "document.activeElement.branch"
    page.press("ArrowDown")
    assert page.evaluate(f"{focused}.level") == 2
    page.press("ArrowUp", "ArrowLeft")
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "false"
    page.press("End", "ArrowRight", "ArrowRight", "Enter")
    assert page.evaluate("location.hash").startswith("#n=1.")
    assert page.text("#text").startswith("<|begin|>옛날")
    assert page.faults == []


@needs_chromium
def test_a_place_in_the_middle_of_a_run_is_shown_with_the_run_marked(show, document):
    page = show(document, "#n=0.7")
    assert page.text("#text").startswith("<|begin|>Once upon a" + document.session.trees[0].nodes[7].text)
    assert page.evaluate("document.querySelector('[aria-current]').branch.first") == 7
    assert page.faults == []
