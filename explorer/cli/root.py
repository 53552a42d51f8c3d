"""The program without a command, which is the explorer in the terminal, and the group of all commands."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

import click

from explorer import __version__
from explorer.cli.ask import ask_command
from explorer.cli.diff import diff_command
from explorer.cli.export import export_command
from explorer.cli.flags import (
    RECORD_TOP,
    configure,
    model_options,
    refuse_both,
    run_options,
    sampling_options,
    template_options,
)
from explorer.cli.get import get_command
from explorer.cli.info import info_command
from explorer.cli.models import models_command
from explorer.cli.next import next_command
from explorer.cli.ranking import options_command
from explorer.cli.replay import replay_command
from explorer.cli.resume import resume_command
from explorer.cli.sample import sample_command
from explorer.cli.score import score_command
from explorer.cli.search import search_command
from explorer.cli.sessions import sessions_command
from explorer.cli.sources import ChatFlags, check_text, read_text
from explorer.cli.terminal import explore, record_path
from explorer.cli.tokens import tokens_command
from explorer.core.chat import Chat
from explorer.errors import ExitCode, Interrupted, UsageError


class Commands(click.Group):
    """A group that ends well where whoever reads its output has had enough; click would end with 1."""

    def make_context(self, *arguments: Any, **named: Any) -> click.Context:
        with read_as_far_as_wanted():
            return super().make_context(*arguments, **named)

    def invoke(self, ctx: click.Context) -> Any:
        with read_as_far_as_wanted():
            return super().invoke(ctx)


@contextlib.contextmanager
def read_as_far_as_wanted() -> Iterator[None]:
    """Ends the program without a word where the pipe that it writes to is closed. Raises Interrupted for Ctrl+C."""
    try:
        yield
    except KeyboardInterrupt as error:  # Click would begin a line for it.
        raise Interrupted("Interrupted.") from error
    except BrokenPipeError as error:
        # What was not written is still in the buffer, and would be complained of at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.exceptions.Exit(ExitCode.SUCCESS) from error


@click.group(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-p", "--prompt", help="The text to begin with.")
@click.option("--file", help="A file that holds the text to begin with.")
@click.option(
    "--chat", metavar="[TEXT]", is_flag=False, flag_value="", help="Begin with a chat; TEXT is the user's turn."
)
@template_options
@model_options
@click.option("--top", type=int, help="Rows of the table. Default: 20.")
@sampling_options
@run_options
@click.option("--record", metavar="PATH", help="Where the walk is recorded. Default: a new file in the data folder.")
@click.option("--no-record", is_flag=True, default=None, help="Keep the walk in memory only.")
@RECORD_TOP
@click.version_option(__version__, prog_name="token-explorer")
@click.pass_context
def cli(context: click.Context, /, chat: str | None, **flags: Any) -> None:
    """Walk a language model token by token.

    Without a command, the explorer opens on the model that ships, or on --model.
    """
    if context.invoked_subcommand is not None:
        given = next((name for name, value in {**flags, "chat": chat}.items() if value not in (None, False, ())), None)
        if given:
            flag = given.replace("_", "-")
            raise UsageError(f"--{flag} stands before the command {context.invoked_subcommand}; give it after it.")
        return
    flags["chat"] = chat is not None
    said = ChatFlags.take(flags)
    config = configure(flags)
    refuse_both("--prompt", config.prompt, "--file", config.file)
    refuse_both("--record", config.record, "--no-record", config.no_record)
    refuse_both("--chat TEXT", chat or None, "--prompt or --file", config.file if config.file else config.prompt)
    text = read_text(config.file) if config.file is not None else chat or config.prompt
    if text is not None:
        text = check_text(text)
    record = None if config.no_record else record_path(config)
    context.exit(explore(config, first_prompt(said, text), record))


def first_prompt(said: ChatFlags, text: str | None) -> str | Chat | None:
    """What a person wants the walk to begin with; None where they say nothing. Raises UsageError."""
    if said.messages is not None:
        refuse_both("--messages", said.messages, "a text", text)
        return said.from_file()
    if said.wanted:
        return said.around(text or "")
    return text


COMMANDS = (
    next_command,
    tokens_command,
    score_command,
    search_command,
    options_command,
    sample_command,
    ask_command,
    info_command,
    models_command,
    get_command,
    resume_command,
    sessions_command,
    export_command,
    replay_command,
    diff_command,
)

for command in COMMANDS:
    cli.add_command(command)
