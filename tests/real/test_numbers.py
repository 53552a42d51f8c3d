"""Every number that the program says of a real model, against transformers on the same weights."""

import json
import math
import random
import re

import pytest

from explorer.core.sampling.params import SamplingParams
from tests.real.conftest import DTYPE

FRANCE = "The capital of France is"
KOREAN = "서울은 대한민국의 수도이며"
CODE = "def mean(values):\n    total = sum(values)\n\treturn total / 1024"
CHAT = "What is 2+2?"
CLOSE = 2e-3
"""Of logits around 20, in float32: a pass over a whole text, and the same by parts."""


@pytest.mark.parametrize("text", [FRANCE, KOREAN, CODE])
def test_the_whole_table_is_the_softmax_of_the_logits(ask, library, text):
    import torch

    ids = library.ids(text)
    logits = library.logits(ids)[-1]
    table = ask("next", text, "--top", str(len(logits)))
    rows = table["candidates"]
    assert table["ids"] == ids
    assert sorted(row["id"] for row in rows) == list(range(len(logits)))
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    order = [(-row["logit"], row["id"]) for row in rows]
    assert order == sorted(order)
    ours = torch.tensor([row["logit"] for row in sorted(rows, key=lambda row: row["id"])])
    assert (ours - logits).abs().max() < CLOSE
    probs = ours.softmax(-1)
    assert all(row["prob"] == pytest.approx(probs[row["id"]].item(), rel=1e-4, abs=1e-12) for row in rows)
    assert all(row["logprob"] == pytest.approx(math.log(row["prob"]), abs=1e-4) for row in rows if row["prob"])
    assert table["entropy"] == pytest.approx(-(probs * probs.log2()).nansum().item(), abs=1e-4)
    assert table["other_prob"] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("text", [FRANCE + " Paris, a city of 2 million.", KOREAN, CODE])
def test_a_score_is_the_log_softmax_of_one_pass_and_the_perplexity_that_of_the_loss(ask, library, text):
    import torch

    ids = library.ids(text)
    logprobs = library.logits(ids).log_softmax(-1)
    told = ask("score", text)
    first, *rest = told["tokens"]
    assert (first["id"], first["logprob"], first["rank"]) == (ids[0], None, None)
    for row, token_id, before in zip(rest, ids[1:], logprobs, strict=False):
        assert row["id"] == token_id
        assert row["logprob"] == pytest.approx(before[token_id].item(), abs=CLOSE)
        assert row["entropy"] == pytest.approx(-(before.exp() * before).nansum().item() / math.log(2), abs=CLOSE)
        assert row["rank"] == 1 + int((before > before[token_id]).sum())
    with torch.inference_mode():
        loss = library.model(torch.tensor([ids]), labels=torch.tensor([ids])).loss.item()
    assert told["mean_nll"] == pytest.approx(loss, abs=1e-4)
    assert told["perplexity"] == pytest.approx(math.exp(loss), rel=1e-3)


SETTINGS = [
    {"temperature": 0.8, "top_p": 0.95},
    {"temperature": 1.3, "top_k": 50, "min_p": 0.02},
    {"repetition_penalty": 1.2, "typical_p": 0.9, "no_repeat_ngram_size": 3},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: ",".join(settings))
def test_a_seed_draws_what_the_library_generates(ask, library, settings):
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
    for seed, text in enumerate([FRANCE, KOREAN, "Once upon a time"], 11):
        expected = library.generate(library.ids(text), seed, **settings, max_new_tokens=16, num_return_sequences=2)
        found = ask("sample", text, f"--seed={seed}", *flags, "--max-new-tokens=16", "--num-sequences=2")
        assert [row["ids"] for row in found] == [
            ids[: len(row["ids"])] for row, ids in zip(found, expected, strict=True)
        ]
        assert all(len(row["ids"]) == 16 or row["why"] == "stop" for row in found)


def test_prompts_side_by_side_draw_what_each_of_them_draws_alone(ask, library):
    texts = [FRANCE, "Hello", KOREAN, "1, 2, 3, 4, 5, 6,"]
    found = ask("sample", "--prompts", "-", "--seed=5", "--max-new-tokens=12", input="\n".join(texts))
    for number, (row, text) in enumerate(zip(found, texts, strict=True)):
        [expected] = library.generate(library.ids(text), 5 + number, max_new_tokens=12)
        assert row["ids"] == expected[: len(row["ids"])]


def test_a_chat_is_rendered_and_answered_as_by_the_library(ask, run, smollm2, library):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": CHAT}]
    for talk, flags in ((messages[1:], []), (messages, ["--system", "Be brief."])):
        rendered = library.tokenizer.apply_chat_template(talk, tokenize=False, add_generation_prompt=True)
        told = run("tokens", "--model", str(smollm2), "--chat", CHAT, *flags, "--render")
        assert (told.stdout, told.stderr) == (rendered, "")
        ids = library.tokenizer(rendered, add_special_tokens=False).input_ids
        assert [token["id"] for token in ask("tokens", "--chat", CHAT, *flags)["tokens"]] == ids
        [answer] = ask("sample", "--chat", CHAT, *flags, "--temperature=0", "--max-new-tokens=40")
        assert [answer["ids"]] == library.generate(ids, max_new_tokens=40)
        assert answer["ids"][-1:] == [2]
        assert answer["why"] == "stop"


def test_options_are_the_sums_of_a_pass_over_each(ask, library):
    options = [" Paris", " Paris, which is in the north", " London", " 파리", "\n"]
    told = ask("options", FRANCE, *options)
    prefix = library.ids(FRANCE)
    for row, option in zip(told["options"], options, strict=True):
        added = library.tokenizer(option, add_special_tokens=False).input_ids
        assert [token["id"] for token in row["tokens"]] == added
        logprobs = library.logits(prefix + added)[len(prefix) - 1 : -1].log_softmax(-1)
        each = [before[token_id].item() for before, token_id in zip(logprobs, added, strict=True)]
        assert [token["logprob"] for token in row["tokens"]] == pytest.approx(each, abs=CLOSE)
        assert row["logprob"] == pytest.approx(sum(each), abs=CLOSE * len(each))
    assert told["options"][0]["rank"] == 1


def test_a_search_finds_every_entry_that_matches_at_its_rank(ask, library):
    logprobs = library.logits(library.ids(FRANCE))[-1].log_softmax(-1)
    found = ask("search", FRANCE, "/^ ?[Pp]aris/", "--top", "100")
    texts = {token_id: library.tokenizer.decode([token_id]) for token_id in range(len(logprobs))}
    expected = {token_id for token_id, text in texts.items() if re.match(" ?[Pp]aris", text)}
    assert {hit["id"] for hit in found["hits"]} == expected
    assert found["total"] == len(expected) > 2
    for hit in found["hits"]:
        assert hit["logprob"] == pytest.approx(logprobs[hit["id"]].item(), abs=CLOSE)


def test_branches_and_going_back_have_the_numbers_of_a_fresh_pass(engine, engines, library):
    rng = random.Random(3)
    prefix = library.ids("Once upon a time there was a king who")
    visited = [prefix]
    for _ in range(14):
        at = rng.choice(visited)
        table = engines.run(engine.next(at, SamplingParams(), 20))
        fresh = library.logits(at)[-1].log_softmax(-1)
        for row in table.candidates:
            assert row.logprob == pytest.approx(fresh[row.token.id].item(), abs=CLOSE)
        again = engines.run(engine.next(at, SamplingParams(), 20))
        assert again == table
        visited.append([*at, rng.choice(table.candidates[:8]).token.id])


TEXTS = [
    "In 2024, 3.14159 and 1,000,000; 0x1F, 10:30", CODE, KOREAN, "👩‍👩‍👧 🇰🇷 뷁", "don't I'LL we've",
    "<|im_start|>user\nhi<|im_end|>\n", "  a\t\tb\r\n\n\n c ", "naïve café ﬁ e\u0301", "日本語のテキスト",
    "a" * 200, " ", "٣٤ ²½",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_text_has_the_ids_of_the_library_and_its_bytes(ask, library, text):
    told = ask("tokens", text)
    assert [token["id"] for token in told["tokens"]] == library.ids(text)
    assert b"".join(bytes.fromhex(token["bytes"]) for token in told["tokens"]) == text.encode()
    assert told["text"] == text


def test_every_digit_is_a_token_as_the_model_was_trained(ask):
    assert [token["text"] for token in ask("tokens", "12 x 2024")["tokens"]] == [*"12", " x", " ", *"2024"]


def test_half_a_character_is_shown_as_its_bytes_until_the_last_one_comes(run, smollm2):
    table = run("next", "--model", str(smollm2), "--dtype", DTYPE, KOREAN, "-n", "20").stdout
    assert "␣‹EC›" in table
    assert "\ufffd" not in table
    whole = run("sample", "--model", str(smollm2), "--dtype", DTYPE, KOREAN, "--seed=3", "--max-new-tokens=48").stdout
    assert re.search("[가-힣]", whole)
    assert "\ufffd" not in whole


def test_in_sixteen_bits_the_table_is_that_of_the_library_in_sixteen_bits(ask, library, smollm2):
    import torch
    from transformers import AutoModelForCausalLM

    half = AutoModelForCausalLM.from_pretrained(smollm2, dtype=torch.bfloat16, local_files_only=True)
    ids = library.ids(FRANCE)
    with torch.inference_mode():
        expected = half(torch.tensor([ids])).logits[0, -1].float().log_softmax(-1)
    exact = library.logits(ids)[-1].log_softmax(-1)
    table = ask("next", FRANCE, dtype="bfloat16")
    assert table["dtype"] == "bfloat16"
    for row in table["candidates"][:5]:
        assert row["logprob"] == pytest.approx(expected[row["id"]].item(), abs=0.15)
        assert row["logprob"] == pytest.approx(exact[row["id"]].item(), abs=0.15)
    assert table["candidates"][0]["text"] == " Paris"


def test_a_text_of_two_thousand_tokens_is_gone_on_from_as_by_a_fresh_pass(engine, engines, library):
    rng = random.Random(4)
    words = [" the", " river", " stone", " and", " walked", ",", " 7", "\n"]
    ids = library.ids("".join(rng.choices(words, k=2048)))[:2047]
    begun = engines.run(engine.next(ids, SamplingParams(), 5))
    gone_on = [*ids, begun.candidates[0].token.id]
    table = engines.run(engine.next(gone_on, SamplingParams(), 20))
    fresh = library.logits(gone_on)[-1].log_softmax(-1)
    for row in table.candidates:
        assert row.logprob == pytest.approx(fresh[row.token.id].item(), abs=CLOSE)


def test_the_context_is_that_of_the_model_and_what_does_not_fit_is_said_before_it_is_computed(run, smollm2):
    flags = ["--model", str(smollm2), "--dtype", DTYPE]
    assert json.loads(run("info", *flags, "--json").stdout)["context_length"] == 8192
    done = run("next", *flags, "--ids", ",".join(["28"] * 8193))
    assert done.returncode == 2, done.stderr
    assert "8,192" in done.stderr
