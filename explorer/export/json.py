"""JSON: the whole tree with every number of the record, in the shape that docs/export-format.md describes."""

from typing import Any

import msgspec

from explorer.core.chat import ChatOptions
from explorer.core.distribution import CandidateRow, Distribution
from explorer.core.record.record import ENGINE_FIELDS
from explorer.core.sampling.params import SamplingParams
from explorer.core.walk.tree import Tree
from explorer.export.document import Document, alive
from explorer.export.rows import TokenRow, node_row, prompt_rows

FORMAT = "token-explorer-export"
VERSION = 1


class TableRow(msgspec.Struct, frozen=True, kw_only=True):
    """The table of a place, as it was seen last; without the rows that were not recorded."""

    settings: dict[str, Any]
    """Of the samplers, all of them, under which it was made."""
    vocab_size: int
    entropy: float | None
    other_prob: float | None
    kept: int
    cut_mass: float | None
    sampling_entropy: float | None
    candidates: list[CandidateRow]


class PlaceRow(TokenRow, frozen=True, kw_only=True):
    """A token, and what could come after it."""

    deleted: bool = False
    """Whether the person deleted the branch that it is of."""
    table: TableRow | None = None


class PromptRow(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt and its tree."""

    prompt: int
    text: str
    """What the person wrote, or the chat as the model's template renders it."""
    messages: list[dict[str, Any]] | None
    options: ChatOptions | None
    tokenizer: str
    deleted: bool
    tokens: list[PlaceRow]
    nodes: list[PlaceRow]
    """After the prompt, in the order of their numbers, from 1."""


class Current(msgspec.Struct, frozen=True, kw_only=True):
    """Where the cursor stands."""

    prompt: int
    node: int
    ids: list[int]
    text: str


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """The file."""

    format: str = FORMAT
    version: int = VERSION
    engines: list[dict[str, Any]]
    """Those that the walk was made on, in their order."""
    started: str
    settings: dict[str, Any]
    """Of the samplers, as they stood at the end."""
    current: Current
    prompts: list[PromptRow]


def text(document: Document) -> str:
    """The file, with a line break at its end."""
    session, path = document.session, document.path()
    export = Export(
        engines=[{name: getattr(engine, name) for name in ENGINE_FIELDS} for engine in document.engines],
        started=session.header.started,
        settings=settings(session.params),
        current=Current(prompt=session.root, node=session.node, ids=[row.id for row in path], text=document.text()),
        prompts=[prompt(root, tree) for root, tree in enumerate(session.trees)],
    )
    return msgspec.json.encode(export).decode() + "\n"


def prompt(root: int, tree: Tree) -> PromptRow:
    """A prompt with its tokens and nodes, the deleted ones too."""
    living = {node.number for node in alive(tree)}
    tables = {at - 1: table_row(table.distribution, table.shaped_by) for at, table in tree.tables.items()}
    tables[len(tree.prompt) - 1] = table_row(tree.nodes[0].distribution, tree.nodes[0].shaped_by)
    chat = tree.chat
    return PromptRow(
        prompt=root,
        text=tree.text,
        messages=None if chat is None else [message.fields() for message in chat.messages],
        options=None if chat is None else chat.options,
        tokenizer=tree.tokenizer,
        deleted=0 not in living,
        tokens=[place(row, 0 not in living, tables.get(row.index)) for row in prompt_rows(root, tree)],
        nodes=[
            place(node_row(root, tree, node), node.number not in living, table_row(node.distribution, node.shaped_by))
            for node in tree.nodes[1:]
        ],
    )


def place(row: TokenRow, deleted: bool, table: TableRow | None) -> PlaceRow:
    return PlaceRow(**msgspec.structs.asdict(row), deleted=deleted, table=table)


def table_row(table: Distribution | None, shaped_by: SamplingParams | None) -> TableRow | None:
    if table is None or shaped_by is None:
        return None
    return TableRow(settings=settings(shaped_by), **table.fields())


def settings(params: SamplingParams) -> dict[str, Any]:
    """All of them by their names, those that are off too."""
    return msgspec.structs.asdict(params)
