import pytest

from explorer.core.spelling import spelling_note
from explorer.core.token import Token


def word(text: str) -> Token:
    return Token(ord(text[-1]), text.encode(), "text", text)


BOS, EOS = Token(1, b"<s>", "special", "<s>"), Token(2, b"</s>", "special", "</s>")


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("a cat", [word("a"), word(" cat")]),
        ("a cat", [BOS, word(" a"), word(" cat"), EOS]),
        ("a cat", [word("a "), word("cat ")]),
        ("<s>a", [BOS, word("a")]),
        ("<s>a", [BOS, word(" a")]),
        ("", []),
        ("", [BOS]),
        ("", [BOS, EOS]),
        ("<s><s>", [BOS, BOS]),
        ("가", [Token(5, "가".encode()[:1], "bytes"), Token(6, "가".encode()[1:], "bytes")]),
    ],
)
def test_nothing_is_said_of_tokens_that_spell_their_text(text, tokens):
    assert spelling_note(text, tokens) == ""


@pytest.mark.parametrize(
    ("text", "tokens", "told"),
    [
        ("A Cat", [BOS, word("a"), word(" cat"), EOS], "a cat"),
        ("a  b", [word(" a"), word(" b")], "a b"),
        ("가", [Token(5, b"\xb0", "bytes"), Token(6, b"\xed", "bytes")], "‹B0›‹ED›"),
        ("a\x1bb\n", [word("a\x1b"), word("c\n")], "a␛c↵"),
        ("x" * 100 + "y", [word("x" * 100), word("z" * 50)], "…xxxxxxxx" + "z" * 32 + "…"),
    ],
)
def test_what_the_tokens_spell_instead_is_said_in_a_sentence(text, tokens, told):
    assert spelling_note(text, tokens) == f"The tokenizer changes this text: its tokens spell “{told}”."


def test_a_bos_of_the_persons_own_beside_that_of_the_tokenizer_is_said():
    assert "<s>" in spelling_note("<s>a", [BOS, BOS, word("a")])
    assert "--no-bos" in spelling_note("<s>a", [BOS, BOS, word("a")])
    assert spelling_note("<s><s>a", [BOS, BOS, word("a")]) == ""
