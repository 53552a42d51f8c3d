from xml.etree import ElementTree

import pytest

from explorer.export import svg
from explorer.export.colours import DARK, LIGHT
from explorer.export.document import Document

SPACE = "{http://www.w3.org/2000/svg}"


def picture(document: Document, heat: str = "prob", theme: str = "light") -> ElementTree.Element:
    return ElementTree.fromstring(svg.picture(document, heat, theme))


def tags(root: ElementTree.Element) -> set[str]:
    return {element.tag.removeprefix(SPACE) for element in root.iter()}


def words(root: ElementTree.Element) -> str:
    return "".join(element.text or "" for element in root.iter(SPACE + "tspan"))


def test_the_picture_has_the_text_of_the_path_and_its_model(document):
    root = picture(document)
    assert words(root) == document.text().replace(" ", "")
    assert {document.title, document.line} <= {element.text for element in root.iter(SPACE + "text")}


@pytest.mark.parametrize("heat", ["prob", "surprisal", "entropy", "rank"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_token_with_a_number_has_its_heat_and_a_sign_beside_the_colour(document, heat, theme):
    root = picture(document, heat, theme)
    colours = {value: name for name, value in (LIGHT if theme == "light" else DARK).items()}
    used = [colours[rect.get("fill", "")] for rect in root.iter(SPACE + "rect")]
    known = sum(row.prob is not None for row in document.path())
    assert sum(name.startswith("heat-") for name in used) == known + 5
    assert used.count("mark") == sum(name.startswith("heat-") and name != "heat-0" for name in used)


def test_without_heat_there_is_no_legend(document):
    assert words(picture(document, "none")) == document.text().replace(" ", "")
    assert len(list(picture(document, "none").iter(SPACE + "rect"))) == 2


def test_hostile_tokens_are_text_and_the_picture_is_xml(hostile):
    root = picture(hostile)
    assert tags(root) == {"svg", "title", "rect", "text", "tspan", "g"}
    text = words(root)
    assert "</script><imgsrc=xonerror=alert(1)>" in text
    assert "‹202E›gnp.exe" in text and "옛" in text and "‹FF›" in text and "␛[31m␀␡" in text


def test_wide_characters_take_two_cells_and_marks_none(hostile):
    places = {element.text: float(element.get("x", "")) for element in picture(hostile).iter(SPACE + "tspan")}
    assert places["글"] - places["한"] == 2 * svg.CELL
    assert "e" not in places and "e\u0301" in places


def test_lines_are_broken_at_spaces_and_are_never_too_long():
    texts = ["wolf ", "a" * 100, " b", *[" word"] * 40, "한" * 50, "\n", "end"]
    places = list(svg.laid_out(texts))
    assert "".join(one.text for one in places).replace("↵", "\n") == "".join(texts)
    assert max(one.column + one.cells for one in places if one.text != " ") <= svg.COLUMNS
    lines = ["".join(one.text for one in places if one.line == n) for n in range(places[-1].line + 1)]
    assert all(line.endswith((" ", "d")) for line in lines if "word" in line and "한" not in line)
    assert lines[-1] == "end"
