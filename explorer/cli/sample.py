"""`sample`: what the sampler draws after a text, or after each line of a file.

Owns the order in which sequences are written while they are drawn side by side: the first that is not finished grows,
those behind it wait for their turn.
"""

from collections import deque
from collections.abc import Callable
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import click

from explorer.cli.flags import (
    AS_JSON,
    configure,
    model_options,
    prompt_options,
    sampling_options,
    sampling_params,
)
from explorer.cli.output import on_terminal, print_json, put, tell
from explorer.cli.question import Question, Say
from explorer.cli.sources import take_sources
from explorer.core.chat import PromptSource
from explorer.core.sampling.params import SamplingParams, new_seed
from explorer.core.sampling.sequence import SampledSequence
from explorer.core.sampling.stopping import MAX_NEW_TOKENS, StopRules
from explorer.errors import ExplorerError, UsageError

if TYPE_CHECKING:
    from explorer.cli.shapes import SampleTable
    from explorer.core.token import Token
    from explorer.engine.base import Engine, Padding, Reporter


RIGHT = (
    "This is a demonstration of what goes wrong: with right padding, a shorter prompt goes on from its padding, "
    "and not from its own last token. Left padding, the default, is right."
)


@click.command("sample")
@prompt_options
@click.option("--prompts", metavar="FILE", help="A file of prompts, one a line; - is standard input.")
@click.option("--num-sequences", type=int, default=1, help="After each prompt. Default: 1.")
@click.option("--max-new-tokens", type=int, help=f"Tokens that are drawn after the prompt. Default: {MAX_NEW_TOKENS}.")
@click.option("--max-length", type=int, help="Tokens of the prompt and of what is drawn, together.")
@click.option(
    "--padding",
    type=click.Choice(("left", "right")),
    help="Of --prompts. Default: left. right demonstrates what goes wrong: shorter prompts go on from their padding.",
)
@click.option("--stop", multiple=True, metavar="TEXT", help="End where this text is drawn; may be repeated.")
@click.option("--stop-id", type=int, multiple=True, help="End where this token is drawn; may be repeated.")
@click.option("--ignore-eos", is_flag=True, help="Go on after the model's end-of-sequence tokens.")
@sampling_options
@click.option("--echo", is_flag=True, help="Begin with the prompt.")
@click.option("--skip-special/--keep-special", default=False, help="Whether special tokens are written. Default: keep.")
@model_options
@AS_JSON
def sample_command(as_json: bool, **flags: Any) -> None:
    """Print what the sampler draws after TEXT, while it draws.

    With --json, that is an object for each sequence.
    """
    sample_question(**flags, write=(lambda count: Objects()) if as_json else Texts).answer()


def sample_question(
    prompts: str | None,
    no_special: bool,
    num_sequences: int,
    max_new_tokens: int | None,
    max_length: int | None,
    padding: "Padding | None",
    stop: tuple[str, ...],
    stop_id: tuple[int, ...],
    ignore_eos: bool,
    echo: bool,
    skip_special: bool,
    write: "Callable[[int], Output]" = lambda count: Nothing(),
    **flags: Any,
) -> "Question[SampleTable]":
    """What the sampler draws; `write` makes what a number of sequences are written to as they come.

    Raises UsageError.
    """
    from explorer.cli import shapes
    from explorer.engine.base import check_sampling

    sources = take_sources(flags, prompts)
    config = configure(flags)
    if padding is not None and prompts is None:
        raise UsageError("--padding is about prompts side by side: give them as --prompts.")
    rules = StopRules(
        max_new_tokens=MAX_NEW_TOKENS if max_new_tokens is None else max_new_tokens,
        max_length=max_length if max_new_tokens is None else None,
        eos=not ignore_eos,
        strings=stop,
        ids=stop_id,
    )
    if not config.model_defaults:
        check_sampling(config.params.replace(seed=0), num_sequences)

    async def ask(engine: "Engine", report: "Reporter", say: Say) -> shapes.SampleTable:
        params = _seeded(sampling_params(config, engine, say), say)
        check_sampling(params, num_sequences)
        if max_length is not None and max_new_tokens is not None:
            say("Both --max-new-tokens and --max-length are given; --max-new-tokens wins, as in generate().")
        if padding == "right":
            say(RIGHT)
        begun = await _encode(engine, sources, not no_special, rules, say, of_lines=prompts is not None)
        sequences = []
        for index in range(len(begun) * num_sequences):
            number = index // num_sequences
            seed = None if params.temperature == 0 or params.seed is None else params.seed + number
            sequences.append(
                SampledSequence(
                    index,
                    seed,
                    begun[number] if echo else (),
                    skip_special=skip_special,
                    demonstration="right padding" if padding == "right" else None,
                )
            )
        writer = Writer(sequences, write(len(sequences)))
        ids = [[token.id for token in tokens] for tokens in begun]
        steps = engine.sample(
            ids, params, num_sequences=num_sequences, stop=rules, padding=padding or "left", report=report
        )
        try:
            async with aclosing(steps):
                async for drawn in steps:
                    for one in drawn:
                        sequences[one.sequence].add(one.candidate, one.finish)
                    writer.write()
        finally:
            # After Ctrl+C, or the death of the engine, what was drawn is not lost.
            writer.end()
        return shapes.SampleTable([sequence.row() for sequence in sequences])

    return Question(config, ask)


def _seeded(params: SamplingParams, say: Say) -> SamplingParams:
    """With a seed that is told, where drawing needs one and nobody chose it."""
    if params.temperature == 0 or params.seed is not None:
        return params
    params = params.replace(seed=new_seed())
    say(f"The seed is {params.seed}.")
    return params


async def _encode(
    engine: "Engine", sources: list[PromptSource], special_tokens: bool, rules: StopRules, say: Say, of_lines: bool
) -> "list[list[Token]]":
    """The tokens of each prompt. Raises UsageError, ContextFull; of a file of prompts, with the line."""
    from explorer.engine.prompts import encode_source

    begun = []
    for number, source in enumerate(sources, 1):
        line = f"Line {number}: " if of_lines else ""
        note = partial(_say_of, line, say)
        try:
            if isinstance(source, list):
                begun.append(await engine.describe(source))
            else:
                begun.append((await encode_source(engine, source, note, special_tokens))[0])
            rules.after(len(begun[-1]))
        except ExplorerError as error:
            raise type(error)(f"{line}{error}") from error
    return begun


def _say_of(line: str, say: Say, sentence: str) -> None:
    say(f"{line}{sentence}")


class Output(Protocol):
    """Where sequences go, one after the other."""

    def grow(self, sequence: SampledSequence) -> None:
        """There may be more of the sequence whose turn it is."""
        ...

    def end(self, sequence: SampledSequence) -> None:
        """It is complete."""
        ...


class Writer:
    """Writes sequences in their order."""

    def __init__(self, sequences: list[SampledSequence], output: Output) -> None:
        self._waiting = deque(sequences)
        self._output = output

    def write(self) -> None:
        """What has come since the last time."""
        while self._waiting and self._waiting[0].finish is not None:
            self._finish(self._waiting.popleft())
        if self._waiting:
            self._output.grow(self._waiting[0])

    def end(self) -> None:
        """Whatever has been drawn; no more comes."""
        for sequence in self._waiting:
            if sequence.drawn:
                sequence.end()
                self._finish(sequence)
        self._waiting.clear()

    def _finish(self, sequence: SampledSequence) -> None:
        self._output.grow(sequence)
        self._output.end(sequence)


class Nothing:
    """Where the sequences are wanted when all of them are complete."""

    def grow(self, sequence: SampledSequence) -> None:
        pass

    def end(self, sequence: SampledSequence) -> None:
        pass


class Objects:
    """One JSON object a sequence, when it is complete."""

    def grow(self, sequence: SampledSequence) -> None:
        pass

    def end(self, sequence: SampledSequence) -> None:
        print_json(sequence.row())


class Texts:
    """The text as it comes; on a terminal, control characters as pictures, and a heading where there are several."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._written = 0
        self._on_terminal = on_terminal()

    def grow(self, sequence: SampledSequence) -> None:
        if self._written == 0 and self._on_terminal and self._count > 1:
            tell(f"── {sequence.index + 1} of {self._count} ──")
        more = sequence.text[self._written :]
        self._written = len(sequence.text)
        if more:
            put(more)

    def end(self, sequence: SampledSequence) -> None:
        del sequence
        put("\n")
        self._written = 0
