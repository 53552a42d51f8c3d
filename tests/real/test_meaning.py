"""What a person expects of a real model: it knows what everybody would say, and answers when it is asked."""

import pytest


@pytest.mark.parametrize(
    ("text", "token", "least"),
    [
        ("The capital of France is", " Paris", 0.6),
        ("The capital of Japan is", " Tokyo", 0.5),
        ("The opposite of hot is", " cold", 0.5),
        ("Water freezes at 0 degrees", " Celsius", 0.6),
        ("The chemical symbol for water is", " H", 0.8),
        ("def add(a, b):\n    return a +", " b", 0.9),
        ("1, 2, 3, 4, 5,", " ", 0.7),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_everybody_would_say_is_first_and_likely(ask, text, token, least, dtype):
    first, second, *_ = ask("next", text, dtype=dtype)["candidates"]
    assert first["text"] == token
    assert first["prob"] > least > 2 * second["prob"]


def test_what_comes_after_wednesday_is_thursday(ask):
    told = ask("options", "Monday, Tuesday, Wednesday, ", "Thursday", "Sunday", "Monday", "Banana")
    ranks = {row["text"]: row["rank"] for row in told["options"]}
    assert (ranks["Thursday"], ranks["Banana"]) == (1, 4)


@pytest.mark.parametrize(
    ("question", "known"),
    [("What is 2+2?", "4"), ("What is the capital of France?", "The capital of France is Paris.")],
)
def test_a_question_is_answered_and_the_answer_ends(ask, question, known):
    [answer] = ask("sample", "--chat", question, "--temperature=0", "--max-new-tokens=60")
    assert known in answer["text"]
    assert (answer["finish_reason"], answer["tokens"][-1]["text"]) == ("stop", "<|im_end|>")


def test_a_true_text_surprises_less_than_its_words_in_another_order(ask):
    text = "The sun is a star, and the earth goes around it once a year."
    shuffled = " ".join(sorted(text.split()))
    assert ask("score", text)["perplexity"] < 40 < ask("score", shuffled)["perplexity"] / 10
