"""The shapes of `--json`: what the commands answer, as values. Must not know how they are printed."""

from collections.abc import Sequence
from typing import Any

import msgspec

from explorer.core.alignment import stretches
from explorer.core.distribution import CandidateRow, Distribution
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.sequence import SequenceRow
from explorer.core.score import summary
from explorer.core.token import Kind, Token, shown_bytes, take_text
from explorer.engine.base import Engine, Reporter, ready, silent
from explorer.engine.capabilities import Capabilities
from explorer.engine.description import AdapterInfo, Module, Parameter
from explorer.engine.vocabulary.cutting import CutText, CutToken


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


async def next_table(
    engine: Engine, ids: Sequence[int], params: SamplingParams, top: int, report: Reporter = silent
) -> NextTable:
    """One forward pass, one table. Raises UsageError, ContextFull, EngineError."""
    distribution: Distribution = await engine.next(ids, params, top, report=report)
    info = ready(engine)
    return NextTable(model=info.model, dtype=info.dtype, device=info.device, ids=list(ids), **distribution.fields())


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
    text, rest = take_text(b"".join(token.bytes for token in tokens))
    return TokenTable(token_rows(tokens), text + shown_bytes(rest))


def token_rows(tokens: Sequence[Token]) -> list[TokenRow]:
    """A row for each token of a text."""
    return [TokenRow(i, t.id, t.text, t.piece, t.bytes.hex(), t.kind) for i, t in enumerate(tokens)]


class TokensOf(msgspec.Struct, frozen=True):
    """A text in the vocabulary of one of several models."""

    model: str
    kind: str
    """How the vocabulary was made: BPE, byte-level BPE, WordPiece, Unigram or WordLevel."""
    entries: int
    bytes_per_token: float | None
    """Of the text, by its own tokens: those that the tokenizer added do not count; None for a text without any."""
    tokens: list[CutToken]

    @classmethod
    def of(cls, model: str, length: int, cut: CutText) -> "TokensOf":
        """`length`: the bytes of the text."""
        own = sum(token.begin < token.end for token in cut.tokens)
        return cls(model, cut.kind, cut.entries, length / own if own else None, cut.tokens)


class PlacedRow(TokenRow, frozen=True):
    """One token of a text, and its characters there: none where the tokenizer added it."""

    begin: int
    end: int


class ComparedRow(msgspec.Struct, frozen=True):
    """A text in the vocabulary of one of several models, as it is printed."""

    model: str
    kind: str
    entries: int
    count: int
    """Of the tokens, with those that the tokenizer added."""
    added: int
    bytes_per_token: float | None
    tokens: list[PlacedRow]


class StretchRow(msgspec.Struct, frozen=True):
    """A piece of the text at whose ends every vocabulary cuts."""

    text: str
    tokens: list[list[int]]
    """Of each model, the indices of its tokens here."""


class ComparisonTable(msgspec.Struct, frozen=True):
    """One text in several vocabularies."""

    text: str
    bytes: int
    models: list[ComparedRow]
    aligned: list[StretchRow]


def comparison_table(text: str, compared: Sequence[TokensOf]) -> ComparisonTable:
    """A text in several vocabularies, aligned where all of them cut."""
    models = [
        ComparedRow(
            one.model,
            one.kind,
            one.entries,
            len(one.tokens),
            sum(token.begin == token.end for token in one.tokens),
            one.bytes_per_token,
            [
                PlacedRow(**msgspec.structs.asdict(row), begin=placed.begin, end=placed.end)
                for row, placed in zip(token_rows([t.token for t in one.tokens]), one.tokens, strict=True)
            ],
        )
        for one in compared
    ]
    spans = [[(token.begin, token.end) for token in one.tokens] for one in compared]
    aligned = [StretchRow(text[s.begin : s.end], s.tokens) for s in stretches(len(text), spans)]
    return ComparisonTable(text, len(text.encode()), models, aligned)


class RenderedText(msgspec.Struct, frozen=True):
    """What the chat template of a model makes of a chat, untokenised."""

    text: str


class AlternativeRow(msgspec.Struct, frozen=True):
    """A token that could have stood there."""

    rank: int
    id: int
    text: str | None
    bytes: str
    logprob: float
    prob: float


class ScoredRow(msgspec.Struct, frozen=True):
    """A token of a text; numbers are null for the first of a sequence.

    A token that is impossible has the prob 0.0; its logprob and its surprisal are infinite, which is null in JSON.
    """

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


class ScoreTable(msgspec.Struct, frozen=True, omit_defaults=True):
    """The tokens that count, and their sums.

    Where a token is impossible the sums are infinite, which is null in JSON.
    """

    tokens: list[ScoredRow]
    logprob: float
    mean_nll: float | None
    """Nats per token."""
    perplexity: float | None
    count: int
    """Tokens that have a prob."""
    impossible: int
    """Those of them whose prob is 0."""
    next: NextTable | None = None
    """What could come after the last token; left out where it was not asked for."""


async def score_table(
    engine: Engine, ids: Sequence[int], context: int, top: int, after: bool = False, report: Reporter = silent
) -> ScoreTable:
    """What the model thinks of the tokens after the first `context` ones, in one pass.

    With `after`, also the `top` tokens that could come next. Raises UsageError, ContextFull, EngineError.
    """
    scored = [one async for part in engine.score(ids, top, report=report) for one in part][context:]
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
    following = await next_table(engine, ids, SamplingParams(), top, report) if after else None
    return ScoreTable(rows, sums.logprob, sums.mean_nll, sums.perplexity, sums.count, sums.impossible, following)


class SampleTable(msgspec.Struct, frozen=True):
    """Every sequence that was drawn; `sample --json` writes them one by one."""

    sequences: list[SequenceRow]


class InfoTable(msgspec.Struct, frozen=True):
    """What a model is, and how it was loaded."""

    model: str
    revision: str | None
    architecture: str
    part: str
    """What of the model is used, where that is not the whole."""
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
    sampling_left_out: list[str]
    """What else it asks for, a sentence each that says why it is left out."""
    cache: Capabilities | None
    adapter: AdapterInfo | None
    loaded_with: dict[str, Any]
    tokenizer: str
    versions: dict[str, str]
    modules: list[Module] | None
    """None where they were not asked for, as with `weights`."""
    weights: list[Parameter] | None


async def info_table(engine: Engine, modules: bool, weights: bool) -> InfoTable:
    """What the model of an engine is, with its modules and weights where they are asked for. Raises EngineError."""
    info, structure = ready(engine), msgspec.structs.asdict(await engine.structure())
    structure |= {
        name: structure[name] if wanted else None for name, wanted in (("modules", modules), ("weights", weights))
    }
    names = [name for name in InfoTable.__struct_fields__ if hasattr(info, name)]
    return InfoTable(**{name: getattr(info, name) for name in names}, **structure)
