"""The GGUF file as it was published, opened by its path, against the folder that was made of it."""

import json

import pytest

from tests.real.conftest import DTYPE
from tests.real.test_numbers import CHAT, CODE, FRANCE, KOREAN


@pytest.fixture(scope="module")
def file(smollm2_gguf) -> list[str]:
    return ["--model", str(smollm2_gguf)]


@pytest.mark.parametrize("text", [FRANCE, KOREAN, CODE, "<|im_start|>user\n12 ㄱ\u200d<|im_end|>"])
def test_a_text_has_the_ids_of_the_folder(ask, run, file, text):
    assert json.loads(run("tokens", *file, "--json", text).stdout)["tokens"] == ask("tokens", text)["tokens"]


def test_a_chat_is_rendered_as_by_the_folder(ask, run, file):
    told = json.loads(run("tokens", *file, "--json", "--chat", CHAT, "--system", "Be brief.").stdout)
    assert told == ask("tokens", "--chat", CHAT, "--system", "Be brief.")


@pytest.mark.parametrize("text", [FRANCE, KOREAN])
def test_the_table_is_that_of_the_folder(ask, run, file, text):
    flags = ["--dtype", DTYPE, "--top", "200"]
    of_file = json.loads(run("next", *file, *flags, "--json", text).stdout)
    of_folder = ask("next", text, "--top", "200")
    assert of_file["ids"] == of_folder["ids"]
    # The folder holds the unpacked weights in float16.
    folder = {row["id"]: row["logprob"] for row in of_folder["candidates"]}
    near = [abs(row["logprob"] - folder[row["id"]]) for row in of_file["candidates"] if row["id"] in folder]
    assert len(near) > 190
    assert max(near) < 0.02
    assert [row["id"] for row in of_file["candidates"][:3]] == [row["id"] for row in of_folder["candidates"][:3]]


def test_what_it_is_is_told(run, file):
    told = json.loads(run("info", *file, "--dtype", DTYPE, "--json").stdout)
    assert told["parameters"] == 134_515_008
    assert (told["context_length"], told["vocab_size"], told["chat_template"]) == (8192, 49_152, True)
    assert 2 in told["eos_ids"]
