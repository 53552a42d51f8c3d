"""The command line: the parser, one command a function, exit codes.

Owns the composition: which engine, which folder, which record. Every heavy import is lazy: `--help` and `tokens` start
at once. Data goes to standard output; an error is one sentence on standard error.
"""

import io
import os
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from explorer import __version__
from explorer.config import EMBEDDED, Config, load, record_folder, theme_folder
from explorer.engines import find_tokens, make_engine, with_engine
from explorer.errors import ExitCode, ExplorerError, RecordError, UsageError
from explorer.sources import check_text, one_source, read_text

if TYPE_CHECKING:
    from explorer.engine.base import Engine
    from explorer.ui.walk import OpenSession

Command = Callable[..., Any]

FIRST_PROMPT = "Once upon a"
HINT = "demo model · yours: token-explorer --model NAME"


def model_options(command: Command) -> Command:
    """The flags that say which model, and how it is loaded."""
    for option in (
        click.option("--dtype", help="auto (the model's own), float32, bfloat16 or float16."),
        click.option("--device", help="auto (cuda, then mps, then cpu), cpu, cuda, cuda:N or mps."),
        click.option("--model", help="A folder, or an id of the Hugging Face hub. Default: the model that ships."),
    ):
        command = option(command)
    return command


def sampling_options(command: Command) -> Command:
    """The flags that shape the sampling distribution."""
    for option in (
        click.option("--seed", type=int, help="Of the random numbers. Default: one is drawn."),
        click.option("--top-k", type=int, help="Keep that many tokens; 0 is off (default)."),
        click.option("--top-p", type=float, help="Keep the likeliest tokens up to this mass; 1 is off (default)."),
        click.option("--temperature", type=float, help="Divides the logits; 0 is greedy. Default: 1."),
    ):
        command = option(command)
    return command


def text_options(command: Command) -> Command:
    """TEXT, --file or --ids, of which exactly one is given."""
    for option in (
        click.option("--no-special", is_flag=True, help="Do not add the special tokens that the tokenizer adds (BOS)."),
        click.option("--ids", help="Token ids instead of a text: 1,2,3"),
        click.option("--file", help="A file that holds the text; - is standard input."),
        click.argument("text", required=False),
    ):
        command = option(command)
    return command


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-p", "--prompt", help="The text to begin with.")
@click.option("--file", help="A file that holds the text to begin with.")
@model_options
@click.option("--top", type=int, help="Rows of the table. Default: 20.")
@sampling_options
@click.option("--max-new-tokens", type=int, help="Of one run of auto-sampling. Default: 256.")
@click.option("--record", metavar="PATH", help="Where the walk is recorded. Default: a new file in the data folder.")
@click.option("--no-record", is_flag=True, default=None, help="Keep the walk in memory only.")
@click.version_option(__version__, prog_name="token-explorer")
@click.pass_context
def cli(context: click.Context, /, **flags: Any) -> None:
    """Walk a language model token by token.

    Without a command, the explorer opens on the model that ships, or on --model.
    """
    if context.invoked_subcommand is not None:
        given = next((name for name, value in flags.items() if value is not None), None)
        if given:
            flag = given.replace("_", "-")
            raise UsageError(f"--{flag} stands before the command {context.invoked_subcommand}; give it after it.")
        return
    config = configure(flags)
    _refuse_both("--prompt", config.prompt, "--file", config.file)
    _refuse_both("--record", config.record, "--no-record", config.no_record)
    text = read_text(config.file) if config.file is not None else config.prompt
    if text is not None:
        check_text(text)
    record = None if config.no_record else record_path(config)
    context.exit(explore(config, FIRST_PROMPT if text is None else text, record))


@cli.command("next")
@text_options
@click.option("--top", "-n", type=int, help="Rows of the table. Default: 5.")
@sampling_options
@model_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as the README describes it.")
def next_command(
    text: str | None, file: str | None, ids: str | None, no_special: bool, as_json: bool, **flags: Any
) -> None:
    """Print the most likely next tokens after TEXT."""
    from explorer import headless

    config = configure({**flags, "top": 5 if flags["top"] is None else flags["top"]})
    source = one_source(text, file, ids)

    async def ask(engine: "Engine") -> headless.NextTable:
        given = source if isinstance(source, list) else [t.id for t in await engine.encode(source, not no_special)]
        return await headless.next_table(engine, given, config.params, config.top)

    table = with_engine(config, ask)
    if as_json:
        print_json(table)
    else:
        from explorer.tables import print_next

        print_next(table)


@cli.command("tokens")
@text_options
@click.option("--model", help="A folder, or an id of the Hugging Face hub. Default: the model that ships.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as the README describes it.")
def tokens_command(
    text: str | None, file: str | None, ids: str | None, no_special: bool, as_json: bool, **flags: Any
) -> None:
    """Print the tokens of TEXT with their ids, pieces and bytes."""
    from explorer import headless

    config = configure(flags)
    table = headless.token_table(find_tokens(config, one_source(text, file, ids), not no_special))
    if as_json:
        print_json(table)
    else:
        from explorer.tables import print_tokens

        print_tokens(table)


@cli.command("score")
@click.argument("text", required=False)
@click.option("--file", help="A file that holds the text; - is standard input.")
@click.option("--prompt", help="Context before TEXT, which does not count.")
@click.option("--top", "-n", type=int, help="Alternatives of each token in the JSON. Default: 5.")
@model_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as the README describes it.")
def score_command(text: str | None, file: str | None, prompt: str | None, as_json: bool, **flags: Any) -> None:
    """Print what the model thinks of each token of TEXT, and the perplexity of the whole."""
    from explorer import headless

    config = configure({**flags, "top": 5 if flags["top"] is None else flags["top"]})
    source = one_source(text, file, None)

    async def ask(engine: "Engine") -> headless.ScoreTable:
        context = [t.id for t in await engine.encode(prompt)] if prompt is not None else []
        # The text goes on where the prompt ends: it gets no special tokens of its own.
        ids = context + [t.id for t in await engine.encode(str(source), prompt is None)]
        return await headless.score_table(engine, ids, len(context), config.top)

    table = with_engine(config, ask)
    if as_json:
        print_json(table)
    else:
        from explorer.tables import print_score

        print_score(table)


@cli.command("resume")
@click.argument("path", metavar="FILE")
@model_options
@click.option("--top", type=int, help="Rows of the table. Default: 20.")
@click.option("--max-new-tokens", type=int, help="Of one run of auto-sampling. Default: 256.")
@click.pass_context
def resume_command(context: click.Context, /, path: str, **flags: Any) -> None:
    """Open a record where it stood, and go on with it."""
    from explorer import headless
    from explorer.core import journal

    file = Path(path).expanduser()
    record = journal.read(file)
    if not os.access(file, os.W_OK):
        raise RecordError(f"The record {file} cannot be written, so that it cannot go on. Copy it first.")
    config = configure({"model": record.header.model, **{k: v for k, v in flags.items() if v is not None}})

    async def open_session(engine: "Engine", draft: str) -> Any:
        del draft
        return await headless.resume(engine, record, file)

    if record.torn:
        click.echo(f"The last line of {file} was torn; it is kept in {file}.torn.", err=True)
    context.exit(explore(config, "", file, open_session))


# What the commands share.


def configure(flags: dict[str, Any]) -> Config:
    """The configuration with the flags that were given."""
    return load({name: value for name, value in flags.items() if value is not None}, os.environ)


def _refuse_both(one: str, first: object, other: str, second: object) -> None:
    if first not in (None, False) and second not in (None, False):
        raise UsageError(f"Give {one} or {other}, not both.")


def record_path(config: Config) -> Path:
    """Where the walk goes. Raises RecordError where --record names a file that exists."""
    if config.record is None:
        name = Path(config.model).name
        return record_folder() / f"{datetime.now():%Y-%m-%d-%H%M%S}-{os.getpid()}-{name}.jsonl"
    path = Path(config.record).expanduser()
    if not config.record:
        raise UsageError("--record needs the name of a file.")
    folder = next((parent for parent in path.absolute().parents if parent.exists()), Path("/"))
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise RecordError(f"The record {path} cannot be written: the folder {folder} does not allow it.")
    if path.exists():
        raise RecordError(
            f"The record {path} exists already and is not overwritten. Choose another name, or go on with it: "
            f"token-explorer resume {path}"
        )
    return path


def explore(config: Config, draft: str, record: Path | None, open_session: "OpenSession | None" = None) -> int:
    """Run the explorer in the terminal; the exit code."""
    from explorer import headless
    from explorer.ui.app import ExplorerApp
    from explorer.ui.commands import COMMANDS
    from explorer.ui.theme import read_themes, shipped_folder

    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise UsageError("The explorer needs a terminal; for scripts there is: token-explorer next TEXT --json")
    params = config.params

    async def begin(engine: "Engine", text: str) -> Any:
        return await headless.begin(engine, text, params, record)

    unknown = sorted(config.keys.keys() - {command.id for command in COMMANDS})
    if unknown:
        raise UsageError(f"There is no command “{unknown[0]}” for a key. docs/keys.md lists the ids of the commands.")
    themes, faults = read_themes([shipped_folder(), theme_folder()])
    if config.theme not in {theme.name for theme in themes}:
        raise UsageError(f"There is no theme “{config.theme}”. There are: {', '.join(sorted(t.name for t in themes))}.")
    app = ExplorerApp(
        make_engine(config),
        open_session or begin,
        model="demo model" if config.model == EMBEDDED else Path(config.model).name,
        draft=draft,
        themes=themes,
        theme=config.theme,
        faults=faults,
        top=config.top,
        max_new_tokens=config.max_new_tokens,
        keys=config.keys,
        hint=HINT if config.model == EMBEDDED and first_run() else "",
    )
    app.run()
    fault = app.main.fault
    if fault is not None:
        raise fault
    if record is not None and record.exists():
        click.echo(f"Record: {record}" + (" (incomplete: it could not be written)" if app.main.walk.unrecorded else ""))
    return app.return_code or 0


def first_run() -> bool:
    """Whether this is the first time; afterwards it is not."""
    mark = record_folder().parent / "welcomed"
    try:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch(exist_ok=False)
    except OSError:
        return False
    return True


def print_json(value: msgspec.Struct) -> None:
    click.echo(msgspec.json.encode(value))


def main() -> None:
    """The program. Every error ends here, as a sentence and an exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = cli.main(prog_name="token-explorer", standalone_mode=False)
    except ExplorerError as error:
        fail(str(error), error.exit_code)
    except click.ClickException as error:
        fail(error.format_message(), ExitCode.USAGE)
    except (KeyboardInterrupt, click.Abort):
        fail("Interrupted.", ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # Whoever read the output has had enough of it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.SUCCESS)
    except OSError as error:
        # What was not written is still in the buffer, and would be complained of once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        fail(f"The output cannot be written: {(error.strerror or str(error)).lower()}.", ExitCode.USAGE)
    sys.exit(code if isinstance(code, int) else ExitCode.SUCCESS)


def fail(sentence: str, code: ExitCode) -> None:
    sentence = " ".join(sentence.split())
    click.echo(sentence if sentence.endswith((".", "!", "?")) else f"{sentence}.", err=True)
    sys.exit(code)
