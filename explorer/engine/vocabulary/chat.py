"""ChatTemplate: from messages to the tokens that a model reads, through transformers' own rendering.

Owns the sentences for a template that is not there, that refuses the messages or that fails. Of transformers it needs
what comes without torch, so that a command that needs a tokenizer only starts at once. Must not know models.
"""

import inspect
from collections.abc import Sequence
from pathlib import Path

from jinja2 import TemplateError, TemplateSyntaxError
from transformers.tokenization_utils_base import PreTrainedTokenizerBase
from transformers.tokenization_utils_tokenizers import PreTrainedTokenizerFast
from transformers.utils.chat_template_utils import render_jinja_template

from explorer.core.chat import ChatOptions, Message
from explorer.engine.base import RenderedChat
from explorer.engine.vocabulary.vocabulary import Vocabulary
from explorer.errors import ModelError, UsageError

RESERVED = {
    *inspect.signature(PreTrainedTokenizerBase.apply_chat_template).parameters,
    *inspect.signature(render_jinja_template).parameters,
    "messages",
} - {"documents", "continue_final_message", "kwargs"}
"""What transformers' functions take for themselves: none can be a flag of a template."""


class ChatTemplate:
    """The template of one model; `name` is the model's."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, vocabulary: Vocabulary, name: str) -> None:
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
        return cls(tokenizer, vocabulary, name)

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
        try:
            text = self._tokenizer.apply_chat_template(
                [message.fields() for message in messages],
                tools=options.tools,
                add_generation_prompt=options.add_generation_prompt,
                tokenize=False,
                **options.flags,
            )
        except TemplateError as error:
            raise UsageError(self._why(error)) from None  # The sentence says it all: nothing for the log.
        except Exception as error:  # A template is a program: it fails in as many ways.
            raise UsageError(self._why(error)) from error
        return RenderedChat(text, self._vocabulary.tokens(self._vocabulary.encode(text, special_tokens=False)))

    def _check(self, messages: Sequence[Message], options: ChatOptions) -> None:
        if not self.present:
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


def _words(error: Exception) -> str:
    """What an error says, on one line and without its full stop."""
    return " ".join(str(error).split()).rstrip(".!") or type(error).__name__
