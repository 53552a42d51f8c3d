import asyncio

import msgspec
import pytest
from textual import events

from explorer.core.chat import Chat, ChatOptions, Message
from explorer.core.record import events as record
from explorer.core.record import journal
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.errors import EngineDied
from explorer.ui.screens.prompt import PREVIEW_LIMIT, PromptScreen
from explorer.walk import opening
from tests.ui.person import press, rest, settle

TALK = Chat(
    (
        Message("system", "Be [/b] kind."),
        Message("user", "Once"),
        Message("assistant", None, {"tool_calls": [{"name": "f"}]}),
    ),
    ChatOptions(False, [{"name": "f"}], {"enable_thinking": False}),
)


async def edit(pilot, *keys: str) -> PromptScreen:
    """Open the editor and press keys in it, each after its preview."""
    await settle(pilot)
    await press(pilot, "i")
    editor = pilot.app.screen
    assert isinstance(editor, PromptScreen)
    await write(pilot, *keys)
    return editor


async def write(pilot, *keys: str) -> None:
    """Press keys, and wait for what the last of them asks for."""
    await pilot.press(*keys)
    await rest(pilot)


def rendered(editor) -> str:
    return "".join(text for text, _ in editor.text.parts)


def roles(editor) -> list[str]:
    return [message.role for message in editor.turns.messages]


def said(editor) -> str:
    return str(editor.said.render())


async def test_a_text_becomes_the_users_turn_of_a_chat_and_is_rendered_as_it_is_written(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        editor = await edit(pilot, "f2", "!")
        assert editor.turns.messages == (Message("user", "Once upon a!"),)
        assert rendered(editor) == "<|begin|>user: Once upon a!<|end|>\nassistant:"
        tokens = await app.main.walk.engine.encode(rendered(editor), special_tokens=False)
        assert [int(text) for text, _ in editor.ids.parts] == [token.id for token in tokens]
        assert str(editor.text.border_title) == f"Rendered · {len(tokens)} tokens"
        special = [text for text, style in editor.text.parts if style == "special"]
        assert special == ["<|begin|>", "<|end|>"]


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
async def test_turns_are_added_removed_moved_and_change_their_role_by_keys(explore, size):
    app = explore()
    async with app.run_test(size=size) as pilot:
        editor = await edit(pilot, "f2", "f4", "a", "f4", "b")
        assert roles(editor) == ["user", "assistant", "user"]
        await write(pilot, "f3", "f3", "f7", "f7", "f7", "enter", "ㅎ")
        assert roles(editor) == ["system", "user", "assistant"]
        assert editor.turns.messages[0].content == "b\nㅎ"
        await write(pilot, "down", "f5")
        assert [m.content for m in editor.turns.messages] == ["b\nㅎ", "a"]
        await write(pilot, "f5")
        await write(pilot, "f5")
        assert "at least one turn" in said(editor)
        assert rendered(editor) == "<|begin|>assistant: a<|end|>\nassistant:"


async def test_arrows_and_tab_go_from_turn_to_turn_and_to_the_flags(explore):
    app = explore()
    async with app.run_test(size=(80, 24)) as pilot:
        editor = await edit(pilot, "f2", "f4", "a", "enter", "b")
        turns = editor.turns.turns
        for key, focused in (("up", 1), ("up", 0), ("up", 0), ("down", 1), ("shift+tab", 0), ("tab", 1)):
            await write(pilot, key)
            assert editor.focused is turns[focused].editor
        await write(pilot, "tab")
        assert editor.focused is editor.flags
        await write(pilot, *"a=", "f3")
        assert roles(editor) == ["user", "system"]


async def test_the_generation_prompt_can_be_left_out(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        editor = await edit(pilot, "f2", "f6")
        assert rendered(editor) == "<|begin|>user: Once upon a<|end|>\n"
        await write(pilot, "ctrl+s")
        await settle(pilot)
        assert app.main.walk.snapshot.prompt_text == "<|begin|>user: Once upon a<|end|>\n"
        assert not app.main.walk.snapshot.prompt_chat.options.add_generation_prompt


async def test_a_chat_is_in_the_record_and_is_edited_again_after_it_is_resumed(explore, tmp_path):

    app = explore(draft=TALK)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+q")
    path = tmp_path / "walk.jsonl"
    saved = journal.read(path)

    async def resume(engine, draft):
        return await opening.resume(engine, saved, path)

    app = explore(open_session=resume)
    async with app.run_test(size=(120, 36)) as pilot:
        editor = await edit(pilot)
        assert editor.turns.messages == TALK.messages
        assert editor.flags.value == "enable_thinking=false"
        await write(pilot, "f6", "up", "!", "ctrl+s")
        await settle(pilot)
        chat = app.main.walk.snapshot.prompt_chat
        assert chat.options == ChatOptions(True, TALK.options.tools, TALK.options.flags)
        assert [m.content for m in chat.messages] == ["Be [/b] kind.", "Once!", None]
        assert [m.more for m in chat.messages] == [m.more for m in TALK.messages]
    prompts = [event for event in journal.read(path).events if isinstance(event, record.Prompt)]
    assert [event.chat() for event in prompts] == [TALK, chat]


async def test_what_is_written_in_one_mode_is_kept_in_the_other(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        editor = await edit(pilot, "x", "f2", "y", "f4", "z", "f2", "w", "f2")
        assert [m.content for m in editor.turns.messages] == ["Once upon ax" + "y", "z"]
        await write(pilot, "f2")
        assert editor.editor.content == "Once upon axw"
        await write(pilot, "f6", "f3", "ctrl+s")
        await settle(pilot)
        assert app.main.walk.snapshot.prompt_text == "Once upon axw"
        assert app.main.walk.snapshot.prompt_chat is None


async def test_what_the_template_refuses_is_said_and_stays_in_the_editor(explore):
    app = explore(draft=Chat((Message("pirate", "Arr"),)))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "refuses these messages" in app.main.candidates.message
        editor = await edit(pilot)
        assert "refuses these messages" in said(editor) and rendered(editor) == ""
        await write(pilot, "ctrl+s")
        assert app.screen is editor
        await write(pilot, "f3", "ctrl+s")
        await settle(pilot)
        assert app.main.walk.snapshot.prompt_text == "<|begin|>system: Arr<|end|>\nassistant:"
        assert app.main.candidates.rows


async def test_flags_that_cannot_be_read_and_an_empty_turn_are_said(explore):
    app = explore()
    async with app.run_test(size=(80, 24)) as pilot:
        editor = await edit(pilot, "f2", "f4")
        assert "Turn 2 (assistant) is empty" in said(editor)
        assert rendered(editor).endswith("assistant: <|end|>\nassistant:")
        await write(pilot, "tab", *"thinking", "ctrl+s")
        assert "NAME=VALUE" in said(editor)
        assert app.screen is editor
        await write(pilot, *"=3", "enter")
        await settle(pilot)
        assert app.main.walk.snapshot.prompt_chat.options.flags == {"thinking": 3}


async def test_a_turn_that_spells_a_marker_of_the_model_is_named(explore):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        editor = await edit(pilot, "f2", *"<|end|>")
        assert "Turn 1 (user) spells <|end|>" in said(editor)
        assert [text for text, style in editor.text.parts if style == "special"] == ["<|begin|>", "<|end|>", "<|end|>"]


async def test_a_long_paste_is_rendered_when_it_is_used(explore):
    app = explore(ScriptedEngine({}, context_length=10**6))
    async with app.run_test(size=(80, 24)) as pilot:
        editor = await edit(pilot, "f2")
        editor.turns.current.editor.insert("time, " * (PREVIEW_LIMIT // 6))
        await write(pilot)
        assert "rendered when it is used" in said(editor)
        await write(pilot, "ctrl+s")
        await settle(pilot)
        assert len(app.main.walk.snapshot.prompt_text) > PREVIEW_LIMIT


@pytest.mark.parametrize("mode", [[], ["f2"]])
async def test_a_line_that_would_stop_the_editor_is_not_pasted_and_said(explore, mode):
    app = explore()
    async with app.run_test(size=(80, 24)) as pilot:
        editor = await edit(pilot, *mode)
        for text in ("time, " * 10_000, "a\nb"):
            app.post_message(events.Paste(text))
            await rest(pilot)
            if text != "a\nb":
                assert "a line of 60,000 characters" in said(editor)
        assert editor.focused.content == "Once upon aa\nb"


async def test_a_model_without_a_template_says_so_and_keeps_the_text(explore):
    class Base(ScriptedEngine):
        async def start(self, *report):
            import msgspec

            self.info = msgspec.structs.replace(await super().start(*report), chat_template=False)
            return self.info

    app = explore(Base.demo())
    async with app.run_test(size=(80, 24)) as pilot:
        editor = await edit(pilot, "f2", "!")
        assert "no chat template" in said(editor)
        await write(pilot, "ctrl+s")
        await settle(pilot)
        assert app.main.walk.snapshot.prompt_text == "Once upon a!"


class Deaf(ScriptedEngine):
    """Its template leaves out what the system says."""

    async def render_chat(self, messages, options):
        heard = [message for message in messages if message.role != "system"]
        made = await super().render_chat(heard, options)
        return made if len(heard) == len(messages) else msgspec.structs.replace(made, lost="Turn 1 is left out.")


async def test_an_explorer_that_opens_with_a_chat_says_what_the_template_leaves_out(explore):
    app = explore(Deaf.demo(), draft=Chat((Message("system", "Be kind."), Message("user", "Once"))))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert "Turn 1 is left out." in app.main.view.note


async def test_an_explorer_that_opens_with_a_chat_says_that_a_turn_spells_a_marker(explore):
    app = explore(draft=Chat((Message("user", "Once<|end|>"),)))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert "spells <|end|>" in app.main.view.note


async def test_what_would_drive_the_terminal_is_shown_as_pictures_and_kept(explore):
    strange = "a\x1b[31m\tb\u202e\x9b c\r뷁\r\nd\n"
    app = explore(draft=Chat((Message("user", strange),)))
    async with app.run_test(size=(80, 24)) as pilot:
        editor = await edit(pilot)
        assert editor.turns.messages[0].content == strange
        drawn = editor.turns.current.editor.render_line(0).text + rendered(editor)
        assert "a␛[31m" in drawn and "b·· c" in drawn
        shown = "".join(
            strip.text
            for pane in (editor.text, editor.turns.current.editor)
            for strip in pane.render_lines(pane.region)
        )
        assert not set(shown) & set("\x1b\x9b\u202e\r")


async def test_a_worker_that_dies_while_a_chat_is_written_loses_nothing(explore):
    class Dying(ScriptedEngine):
        dead = False

        async def start(self, *report):
            self.dead = False
            return await super().start(*report)

        async def render_chat(self, messages, options):
            if self.dead:
                self.info = None
                raise EngineDied("The engine was killed (SIGKILL).")
            return await super().render_chat(messages, options)

    engine = Dying.demo()
    app = explore(engine)
    async with app.run_test(size=(80, 24)) as pilot:
        editor = await edit(pilot, "f2", "!")
        engine.dead = True
        await write(pilot, "?", "ctrl+s")
        assert "was killed" in said(editor)
        await write(pilot, "escape")
        await press(pilot, "R")
        editor = await edit(pilot)
        assert editor.turns.messages == (Message("user", "Once upon a!?"),)
        await write(pilot, "escape")
        editor = await edit(pilot)
        assert editor.editor.content == "Once upon a" and not editor.draft.chatting


async def test_escape_leaves_while_a_slow_engine_renders(explore):
    engine = ScriptedEngine.demo()
    app = explore(engine)
    async with app.run_test(size=(80, 24)) as pilot:
        await edit(pilot, "f2")
        engine.gate = asyncio.Event()
        await pilot.press("!", "ctrl+s", "escape")
        engine.gate.set()
        await settle(pilot)
        assert app.screen is app.main.screen
        assert app.main.walk.snapshot.prompt_text == "Once upon a"


async def test_a_prompt_that_the_tokenizer_changes_is_noted_and_one_that_it_keeps_is_not(explore):
    class Lower(ScriptedEngine):
        async def answer_encode(self, call, report):
            return await super().answer_encode(msgspec.structs.replace(call, text=call.text.lower()), report)

    app = explore(Lower.demo(), draft="Once Upon")
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert app.main.view.note == "The tokenizer changes this text: its tokens spell “once upon”."
        await edit(pilot, "end", "ctrl+u", *"once", "ctrl+j")
        await settle(pilot)
        assert app.main.view.note == ""


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        (("ctrl+l", "a", "b"), "ab"),
        (("ctrl+l", "a", "b", "backspace", "c", "left", "d"), "adc"),
        (("home", "x", "end", "y"), "xOnce upon ay"),
    ],
)
async def test_keys_that_are_typed_at_once_act_in_their_order(explore, typed, written):
    app = explore()
    async with app.run_test(size=(120, 36)) as pilot:
        editor = await edit(pilot)
        for key in typed:
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await rest(pilot)
        assert editor.draft.text == written
