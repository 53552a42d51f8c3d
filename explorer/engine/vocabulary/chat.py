"""ChatTemplate: from messages to the tokens that a model reads, through transformers' own rendering.

Owns the sentences for a template that is not there, that refuses the messages or that fails. Of transformers it needs
what comes without torch, so that a command that needs a tokenizer only starts at once. Must not know models.
"""

import inspect
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError
from transformers.tokenization_utils_base import PreTrainedTokenizerBase
from transformers.tokenization_utils_tokenizers import PreTrainedTokenizerFast
from transformers.utils.chat_template_utils import render_jinja_template

from explorer.core.chat import ChatOptions, Message
from explorer.engine.base import RenderedChat
from explorer.engine.vocabulary.template import given_to, template_beside
from explorer.engine.vocabulary.vocabulary import Vocabulary
from explorer.errors import ModelError, UsageError

RESERVED = {
    *inspect.signature(PreTrainedTokenizerBase.apply_chat_template).parameters,
    *inspect.signature(render_jinja_template).parameters,
    "messages",
} - {"documents", "continue_final_message", "kwargs"}
"""What transformers' functions take for themselves: none can be a flag of a template."""


class ChatTemplate:
    """The template of one model; `name` is the model's. In `folder` one is looked for that its tokenizer does not know.

    Raises ModelError for one that cannot be read.
    """

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, vocabulary: Vocabulary, name: str, folder: Path | None = None
    ) -> None:
        if folder is not None and not tokenizer.chat_template:
            tokenizer.chat_template = template_beside(folder, name)
        self._tokenizer = tokenizer
        self._vocabulary = vocabulary
        self._name = name

    @classmethod
    def from_folder(cls, folder: Path, vocabulary: Vocabulary, name: str) -> "ChatTemplate":
        """The template of a folder that has a vocabulary by itself: no model and no torch is loaded for it.

        Raises ModelError.
        """
        try:
            tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
        except Exception as error:  # The files around a tokenizer.json can be wrong in many ways.
            raise ModelError(f"The chat template of {name} cannot be read: {_words(error)}.") from error
        return cls(tokenizer, vocabulary, name, folder)

    @property
    def present(self) -> bool:
        """Whether the model has one at all."""
        return bool(self._tokenizer.chat_template)

    def render(self, messages: Sequence[Message], options: ChatOptions) -> RenderedChat:
        """The text of the template and its tokens, id for id those of `apply_chat_template(tokenize=True)`.

        The text is encoded once, without the tokens that the tokenizer adds: a template writes its own. Raises
        UsageError.
        """
        self._check(messages, options)
        run = partial(self._run, options=options, template=self._chosen(options))
        written, lost = given_to(messages, run)
        try:
            text = run(written)
        except TemplateError as error:
            raise UsageError(self._why(error)) from None  # The sentence says it all: nothing for the log.
        except Exception as error:  # A template is a program: it fails in as many ways.
            raise UsageError(self._why(error)) from error
        tokens = self._vocabulary.tokens(self._vocabulary.encode(text, special_tokens=False))
        return RenderedChat(text, tokens, _told(messages, lost))

    def _run(self, written: list[dict[str, Any]], options: ChatOptions, template: str | None) -> str:
        """What transformers makes of messages. Raises whatever a template raises."""
        text = self._tokenizer.apply_chat_template(
            written,
            chat_template=template,
            tools=options.tools,
            add_generation_prompt=options.add_generation_prompt,
            tokenize=False,
            **options.flags,
        )
        return str(text)

    def _chosen(self, options: ChatOptions) -> str | None:
        """The text of the template that is asked for; None leaves the choice to transformers. Raises UsageError."""
        own, wanted = self._tokenizer.chat_template, options.template
        named = own if isinstance(own, dict) else {"default": own} if own else {}
        if wanted is None:
            if not isinstance(own, dict) or "default" in own or (options.tools and "tool_use" in own):
                return None
            if len(own) == 1:
                return str(next(iter(own.values())))
            raise UsageError(
                f"{self._name} has the chat templates {', '.join(sorted(own))}, and none that is the usual one. Choose "
                "one: --chat-template NAME"
            )
        if "{" in wanted:
            return wanted
        if wanted not in named:
            has = f"It has {', '.join(sorted(named))}" if named else "It has none"
            raise UsageError(
                f"{self._name} has no chat template “{wanted}”. {has}; a file of your own is given by its name, which "
                "ends in .jinja."
            )
        return str(named[wanted])

    def _check(self, messages: Sequence[Message], options: ChatOptions) -> None:
        if not self.present and options.template is None:
            raise UsageError(
                f"{self._name} has no chat template: it is not a chat model. Write the prompt as a text, in the format "
                "that it knows."
            )
        if not messages:
            raise UsageError("The chat has no message. Write one.")
        reserved = sorted(RESERVED & options.flags.keys())
        if reserved:
            raise UsageError(f"“{reserved[0]}” cannot be a flag of a chat template.")

    def _why(self, error: Exception) -> str:
        words = _words(error)
        if type(error) is TemplateError:  # What `raise_exception` of a template raises.
            return f"The chat template of {self._name} refuses these messages: {words}."
        if isinstance(error, TemplateSyntaxError):
            return f"The chat template of {self._name} is broken: {words}."
        return f"The chat template of {self._name} fails at these messages: {words}."


def _told(messages: Sequence[Message], lost: Collection[int]) -> str:
    if not lost:
        return ""
    first = min(lost)
    more = f", nor what {len(lost) - 1} more say" if len(lost) > 1 else ""
    return (
        f"The chat template leaves out what turn {first + 1} ({messages[first].role}) says: the model does not read "
        f"it{more}."
    )


def _words(error: Exception) -> str:
    """What an error says, on one line and without its full stop."""
    return " ".join(str(error).split()).rstrip(".!") or type(error).__name__
