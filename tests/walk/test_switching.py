"""A walk that goes from one vocabulary to another and back: what was written stays what was written."""

from functools import partial

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from explorer.core.chat import Chat, ChatOptions, Message
from explorer.core.sampling.params import SamplingParams
from explorer.core.score import Scored
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.engine.vocabulary.vocabulary import Vocabulary
from explorer.walk import opening
from explorer.walk.beginning import switch
from explorer.walk.walk import Walk
from tests.explorers import Reversed

TEXTS = ["One day", " One day", "  One", "\nOne", "옛 One", "One <s> day"]


def pieces(kind: str) -> Tokenizer:
    """A tokenizer in the style of Llama 2, which puts a space before a text in one of the ways that there are."""
    special = ["<unk>", "<s>", "</s>"]
    entries = [*special, *(f"<0x{byte:02X}>" for byte in range(256)), *sorted({*"▁abcdefghijklmnopqrstuvwxyzO.,:\n"})]
    tokenizer = Tokenizer(
        models.BPE(
            vocab={entry: i for i, entry in enumerate(entries)}, merges=[], byte_fallback=True, unk_token="<unk>"
        )
    )
    if kind == "legacy":
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=kind, split=False)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return tokenizer


class Pieces(ScriptedEngine):
    """The scripted engine with the vocabulary of such a tokenizer."""

    def __init__(self, kind: str) -> None:
        super().__init__({})
        self._vocabulary = Vocabulary(pieces(kind), 1)

    async def start(self, *report):
        info = await super().start(*report)
        self.info = type(info)(
            **{name: getattr(info, name) for name in info.__struct_fields__ if name != "tokenizer"},
            tokenizer=self._vocabulary.fingerprint(),
        )
        return self.info

    async def answer_encode(self, call, report):
        return self._vocabulary.tokens(self._vocabulary.encode(call.text, call.special_tokens))

    async def answer_describe(self, call, report):
        return self._vocabulary.tokens(call.ids)


@pytest.mark.parametrize("kind", ["legacy", "first", "always", "never"])
@pytest.mark.parametrize("text", TEXTS)
async def test_a_text_is_the_same_after_any_number_of_switches(kind, text):
    walk = Walk(Pieces(kind), partial(opening.begin, params=SamplingParams(seed=1), record=None), text, 5)
    await walk.open()
    plain = text.replace("<s>", "")
    for engine in (Reversed.demo(), Pieces(kind), ScriptedEngine.demo(), Pieces(kind), Reversed.demo()):
        await switch(walk, engine)
        assert walk.session.tree.text == plain
    await switch(walk, Pieces(kind))
    again = [place.token for place in walk.snapshot.path]
    assert [token.id for token in again] == Vocabulary(pieces(kind), 1).encode(plain)


async def test_what_follows_a_prompt_keeps_its_spaces():
    engine = Pieces("always")
    walk = Walk(engine, partial(opening.begin, params=SamplingParams(seed=1), record=None), "One", 5)
    await walk.open()
    for token in (await engine.describe([0, *engine._vocabulary.encode("day", special_tokens=False)]))[1:]:
        walk.session.learn([token])
        walk.apply(walk.session.force(Scored(token, -1.0, 0.4, 1, 1.0), joined=False))
    await switch(walk, Reversed.demo())
    assert walk.session.tree.text == "One day"


async def test_a_chat_keeps_what_its_template_wrote():
    chat = Chat((Message("user", "Hi you"),), ChatOptions(add_generation_prompt=True))
    walk = Walk(ScriptedEngine.demo(), partial(opening.begin, params=SamplingParams(seed=1), record=None), chat, 5)
    await walk.open()
    await switch(walk, Pieces("always"))
    begun = walk.session.tree.text
    assert begun.startswith("user: Hi you")
    for engine in (Reversed.demo(), Pieces("legacy"), ScriptedEngine.demo()):
        await switch(walk, engine)
        assert walk.session.tree.text == begun
