"""What both front ends do, without a terminal: functions over Session and Engine that return values and print nothing.

Owns the opening of sessions and the shapes of `--json`. Must not know how engines are made, nor click or textual.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from explorer.core.chat import Chat, PromptSource
from explorer.core.distribution import CandidateRow, Distribution
from explorer.core.record.events import Add, Header, Params, Prompt, Seen
from explorer.core.record.events import Engine as EngineEvent
from explorer.core.record.journal import Journal, Record
from explorer.core.sampling.params import SamplingParams, new_seed
from explorer.core.score import summary
from explorer.core.token import Kind, Token, shown_bytes, take_text
from explorer.core.walk.session import Session
from explorer.engine.base import Engine, Progress, carry_over, encode_source
from explorer.engine.capabilities import Capabilities
from explorer.engine.description import EngineInfo, Module, Parameter
from explorer.errors import EngineError, RecordError

# Sessions.


async def begin(
    engine: Engine,
    source: str | Chat,
    params: SamplingParams,
    record: Path | None,
    record_top: int | None = None,
) -> Session:
    """A new session on an engine that is ready; its record is created here, with everything up to the prompt.

    A seed is drawn where `params` has none; `record_top` is the session's. Raises RecordError, UsageError, ContextFull.
    """
    tokens, prompt = await encode_source(engine, source)
    header = ready(engine).header()
    session = Session(header, Journal.create(record, header) if record else None, record_top)
    session.learn_sequence(tokens)
    if params.seed is None:
        params = params.replace(seed=new_seed())
    session.apply(Params.of(params))
    session.apply(prompt)
    return session


async def resume(engine: Engine, record: Record, path: Path, record_top: int | None = None) -> Session:
    """The session of a record where it stood, going on in the same file.

    On a model of another vocabulary, the text of the path becomes a new prompt. Raises RecordError, ContextFull.
    """
    info = ready(engine)
    if not any(isinstance(event, Prompt) for event in record.events):
        raise RecordError(f"{path} ends before its first prompt: there is nothing to resume.")
    session = Session(record.header, record_top=record_top)
    await _teach(session, engine, record)
    engine.on_progress(Progress("going through the record"))
    try:
        # In a thread: a record of a gigabyte takes a while, and the screen is there already.
        await asyncio.to_thread(session.restore, record.events)
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from error
    here = [place.token for place in session.snapshot().path]
    # Of the tree, and not of the last engine: a record may end between a change of models and its prompt.
    tokenizer = session.tree.tokenizer
    text, tokens = await carry_over(engine, here, tokenizer)
    session.journal = Journal.reopen(path, record)
    session.apply(info.event(restarted=False))
    if tokenizer != info.tokenizer:
        if session.params.token_ids:
            session.apply(Params.of(session.params.without_tokens()))
        session.learn_sequence(tokens)
        session.apply(Prompt.of(text, tokens))
    return session


def last_engine(record: Record) -> Header | EngineEvent:
    """The engine that a record was made on last."""
    return next((event for event in reversed(record.events) if isinstance(event, EngineEvent)), record.header)


async def _teach(session: Session, engine: Engine, record: Record) -> None:
    """Tell the session every token of the engine's vocabulary that the record names by its id."""
    tokenizer = ready(engine).tokenizer
    current, ids = record.header.tokenizer, set[int]()
    for event in record.events:
        if isinstance(event, EngineEvent):
            current = event.tokenizer
        if current != tokenizer:
            continue
        match event:
            case Prompt():
                session.learn_sequence(await engine.describe(event.ids), tokenizer)
                ids.update(event.ids)
            case Add():
                ids.add(event.id)
            case Seen():
                ids.update(row.id for row in event.candidates)
    # Not as the first of a sequence, where some tokens are spelt without their space.
    session.learn((await engine.describe([0, *sorted(ids)]))[1:], tokenizer)


def ready(engine: Engine) -> EngineInfo:
    """What the engine is. Raises EngineError before it is ready."""
    if engine.info is None:
        raise EngineError("The engine is not running.")
    return engine.info


async def prompt_ids(engine: Engine, source: PromptSource, special_tokens: bool = True) -> list[int]:
    """The ids of a prompt; `special_tokens` is about those that a tokenizer adds to a text. Raises UsageError."""
    if isinstance(source, list):
        return source
    if isinstance(source, Chat):
        return [token.id for token in (await engine.render_chat(source.messages, source.options)).tokens]
    return [token.id for token in await engine.encode(source, special_tokens)]


# The shapes of `--json`.


class NextTable(msgspec.Struct, frozen=True):
    """The distribution of the next token after `ids`."""

    model: str
    dtype: str
    device: str
    ids: list[int]
    vocab_size: int
    entropy: float | None
    other_prob: float | None
    kept: int
    cut_mass: float | None
    sampling_entropy: float | None
    candidates: list[CandidateRow]


async def next_table(engine: Engine, ids: Sequence[int], params: SamplingParams, top: int) -> NextTable:
    """One forward pass, one table. Raises UsageError, ContextFull, EngineError."""
    distribution: Distribution = await engine.next(ids, params, top)
    info = ready(engine)
    return NextTable(
        model=info.model,
        dtype=info.dtype,
        device=info.device,
        ids=list(ids),
        vocab_size=distribution.vocab_size,
        entropy=distribution.entropy,
        other_prob=distribution.other_prob,
        kept=distribution.kept,
        cut_mass=distribution.cut_mass,
        sampling_entropy=distribution.sampling_entropy,
        candidates=[CandidateRow.of(candidate) for candidate in distribution.candidates],
    )


class TokenRow(msgspec.Struct, frozen=True):
    """One token of a text."""

    index: int
    id: int
    text: str | None
    """None where the bytes are not whole UTF-8."""
    piece: str
    bytes: str
    """In hexadecimal."""
    kind: Kind


class TokenTable(msgspec.Struct, frozen=True):
    tokens: list[TokenRow]
    text: str
    """What the tokens spell together."""


def token_table(tokens: Sequence[Token]) -> TokenTable:
    """The tokens of a text with their bytes."""
    rows = [TokenRow(i, t.id, t.text, t.piece, t.bytes.hex(), t.kind) for i, t in enumerate(tokens)]
    text, rest = take_text(b"".join(token.bytes for token in tokens))
    return TokenTable(rows, text + shown_bytes(rest))


class AlternativeRow(msgspec.Struct, frozen=True):
    """A token that could have stood there."""

    rank: int
    id: int
    text: str | None
    bytes: str
    logprob: float
    prob: float


class ScoredRow(msgspec.Struct, frozen=True):
    """A token of a text; numbers are null for the first of a sequence."""

    index: int
    id: int
    text: str | None
    bytes: str
    logprob: float | None
    prob: float | None
    surprisal: float | None
    """Bits."""
    rank: int | None
    entropy: float | None
    """Bits."""
    top: list[AlternativeRow]


class ScoreTable(msgspec.Struct, frozen=True):
    """The tokens that count, and their sums."""

    tokens: list[ScoredRow]
    logprob: float
    mean_nll: float | None
    """Nats per token."""
    perplexity: float | None
    count: int


async def score_table(engine: Engine, ids: Sequence[int], context: int, top: int) -> ScoreTable:
    """What the model thinks of the tokens after the first `context` ones, in one pass.

    Raises UsageError, ContextFull, EngineError.
    """
    scored = [one async for part in engine.score(ids, top) for one in part][context:]
    rows = [
        ScoredRow(
            index,
            one.token.id,
            one.token.text,
            one.token.bytes.hex(),
            one.logprob,
            one.prob,
            one.surprisal,
            one.rank,
            one.entropy,
            [AlternativeRow(a.rank, a.token.id, a.token.text, a.token.bytes.hex(), a.logprob, a.prob) for a in one.top],
        )
        for index, one in enumerate(scored, context)
    ]
    sums = summary(scored)
    return ScoreTable(rows, sums.logprob, sums.mean_nll, sums.perplexity, sums.count)


class InfoTable(msgspec.Struct, frozen=True):
    """What a model is, and how it was loaded."""

    model: str
    revision: str | None
    architecture: str
    parameters: int | None
    memory: int
    """Bytes of the weights and buffers."""
    dtype: str
    quantization: str | None
    device: str
    devices: dict[str, str]
    """Module -> device; the empty name is the whole model."""
    layers: int | None
    heads: int | None
    key_value_heads: int | None
    head_dim: int | None
    hidden_size: int | None
    context_length: int | None
    vocab_size: int
    eos_ids: list[int]
    chat_template: bool
    sampling_defaults: dict[str, Any]
    """What the model's own generation config sets."""
    cache: Capabilities | None
    loaded_with: dict[str, Any]
    tokenizer: str
    versions: dict[str, str]
    modules: list[Module] | None
    """None where they were not asked for, as with `weights`."""
    weights: list[Parameter] | None


async def info_table(engine: Engine, modules: bool, weights: bool) -> InfoTable:
    """What the model of an engine is, with its modules and weights where they are asked for. Raises EngineError."""
    info, structure = ready(engine), await engine.structure()
    return InfoTable(
        **{name: getattr(info, name) for name in InfoTable.__struct_fields__ if hasattr(info, name)},
        **{name: getattr(structure, name) for name in STRUCTURE_FIELDS},
        modules=structure.modules if modules else None,
        weights=structure.weights if weights else None,
    )


STRUCTURE_FIELDS = (
    "memory",
    "quantization",
    "devices",
    "layers",
    "heads",
    "key_value_heads",
    "head_dim",
    "hidden_size",
    "cache",
)
