from itertools import pairwise

from markdown_it import MarkdownIt

from explorer.export import markdown
from explorer.export.document import Document
from tests.export.conftest import HOSTILE

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
ALLOWED = {"heading", "bullet_list", "list_item", "paragraph", "table", "thead", "tbody", "tr", "th", "td", "strong"}


def parsed(document: Document) -> list:
    tokens = PARSER.parse(markdown.page(document))
    return [inner for token in tokens for inner in (token, *(token.children or []))]


def kinds(tokens: list) -> set[str]:
    names = {token.type.removesuffix("_open").removesuffix("_close") for token in tokens}
    return names - {"inline", "text", "fence", "text_special"}


def rows(document: Document) -> list[list[str]]:
    table, row = [], []
    tokens = PARSER.parse(markdown.page(document))
    for before, token in pairwise(tokens):
        if token.type == "tr_open":
            row = []
        elif before.type == "td_open":
            row.append("".join(child.content for child in token.children))
        elif token.type == "tr_close" and row:
            table.append(row)
    return table


def test_the_table_has_the_tokens_of_the_path(document):
    path = document.path()
    assert [(int(row[0]), int(row[1]), row[2]) for row in rows(document)] == [(r.index, r.id, r.token) for r in path]
    assert rows(document)[0][3:] == ["–", "–", "–", "–", "prompt"]


def test_hostile_tokens_are_text(hostile):
    tokens = parsed(hostile)
    assert kinds(tokens) <= ALLOWED
    assert [row[2] for row in rows(hostile)] == [row.token for row in hostile.path()]
    assert len(rows(hostile)) == 2 * len(HOSTILE)


def test_a_fence_in_the_text_does_not_end_the_block(hostile):
    fences = [token for token in parsed(hostile) if token.type == "fence"]
    assert len(fences) == 2
    assert "```\n1. one\n> two" in fences[1].content


def test_the_branches_are_a_nested_list_and_the_path_is_marked(document):
    page = markdown.page(document)
    listed = page[page.index("## Branches") :].splitlines()
    depths = [(len(line) - len(line.lstrip())) // 2 for line in listed if line.lstrip().startswith("- ")]
    assert depths == [0, 1, 2, 2, 1, 0, 1]
    assert "**the \\*end\\* \\& \\<b\\>** (2 tokens" in page
    assert sum("● " in line and line.lstrip().startswith("-") for line in listed) == 2
