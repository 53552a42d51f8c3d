from functools import partial

import msgspec
import pytest

from explorer.core.chat import Chat, Message
from explorer.core.sampling.params import SamplingParams
from explorer.embedded import EMBEDDED
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.errors import UsageError
from explorer.walk import opening
from explorer.walk.beginning import begin, switch
from explorer.walk.first_look import MESSAGE, SENTENCE, STORY, first_params, first_prompt, is_unwritten
from explorer.walk.walk import Walk

PARAMS = SamplingParams(seed=1)


class Base(ScriptedEngine):
    """A model without a template, which goes on with texts."""

    async def start(self, *report):
        self.info = msgspec.structs.replace(await super().start(*report), chat_template=False)
        return self.info

    async def answer_render_chat(self, call, report):
        raise UsageError("This model has no chat template.")


def walk_on(engine: ScriptedEngine, draft: str | Chat | None = None) -> Walk:
    return Walk(engine, partial(opening.begin, params=PARAMS, record=None), draft, 5)


async def test_a_model_is_opened_on_a_prompt_of_its_own_kind():
    info = await ScriptedEngine.demo().start()
    assert first_prompt(info) == MESSAGE
    assert first_prompt(await Base.demo().start()) == SENTENCE
    assert first_prompt(msgspec.structs.replace(info, model=EMBEDDED)) == STORY


async def test_a_model_that_goes_on_with_texts_begins_at_once():
    walk = walk_on(Base.demo())
    await walk.open()
    assert walk.snapshot.prompt_text == SENTENCE


async def test_a_chat_waits_until_it_is_written():
    walk = walk_on(ScriptedEngine.demo())
    await walk.open()
    assert (walk.session, walk.to_write) == (None, MESSAGE)
    await begin(walk, Chat((Message("user", "Hi"),)))
    assert walk.session.tree.text == "<|begin|>user: Hi<|end|>\nassistant:"
    assert len(walk.session.trees) == 1


async def test_what_a_person_says_is_what_the_walk_begins_with():
    talk = Chat((Message("system", "Be kind."), Message("user", "Hi")))
    for draft in ("Once", talk):
        walk = walk_on(ScriptedEngine.demo(), draft)
        await walk.open()
        assert walk.to_write is None
        assert (walk.snapshot.prompt_chat or walk.snapshot.prompt_text) == draft
    begun = Chat((Message("system", "Be kind."), Message("user", "")))
    walk = walk_on(ScriptedEngine.demo(), begun)
    await walk.open()
    assert (walk.session, walk.to_write) == (None, begun)


async def test_a_chat_that_is_to_be_written_is_refused_at_once_where_there_is_no_template():
    with pytest.raises(UsageError, match="no chat template"):
        await walk_on(Base.demo(), MESSAGE).open()


async def test_another_model_before_anything_was_written_begins_as_its_own_kind_does():
    walk = walk_on(ScriptedEngine.demo())
    await walk.open()
    await switch(walk, Base.demo())
    assert walk.to_write is None
    assert walk.snapshot.prompt_text == SENTENCE


def test_only_a_last_turn_of_the_user_without_a_text_is_to_be_written():
    said, empty = Message("user", "Hi"), Message("user", "")
    assert [is_unwritten(Chat(messages)) for messages in ((empty,), (said, empty), (empty, said), (said,), ())] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert not is_unwritten(Chat((Message("assistant", ""),)))
    assert not is_unwritten(Chat((Message("user", None, {"tool_calls": []}),)))


def test_only_the_model_that_ships_is_opened_with_other_settings_than_its_own_distribution():
    assert first_params(EMBEDDED) == SamplingParams(temperature=0.7, top_p=0.9)
    assert first_params("owner/name") == SamplingParams()
