"""Rows: every token of a walk with the numbers that it has where it stands, as the formats write them.

Owns the names of the columns. Must not know formats.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec

from explorer.core.score import Scored, logprob_of
from explorer.core.token import Token
from explorer.core.walk.recorded import recorded_label
from explorer.core.walk.tree import Node, Tree


class TokenRow(msgspec.Struct, frozen=True, kw_only=True):
    """One token. Numbers are the model's own, and null where they are not known, or infinite beside a prob of 0."""

    prompt: int
    """The number of the prompt, from 0."""
    node: int | None
    """Its number in the tree of the prompt; 0 is the prompt's last token, null are those before it."""
    parent: int | None
    """The node before it; null in the prompt."""
    index: int
    """Its place in the sequence, from 0."""
    id: int
    token: str
    """On one line: spaces as ␣, line breaks as ↵, control characters as pictures, half characters as bytes."""
    text: str | None
    """Null where the bytes are not whole UTF-8, or not known."""
    completes: str
    """What the token adds to the text: an unfinished character comes with its last token."""
    bytes: str | None
    """In hexadecimal; null where the record tells no more than the id."""
    source: Literal["prompt", "picked", "sampled", "forced"]
    logprob: float | None = None
    """Natural logarithm."""
    prob: float | None = None
    """At temperature 1."""
    sampling_prob: float | None = None
    """After the samplers."""
    rank: int | None = None
    surprisal: float | None = None
    """Bits."""
    entropy: float | None = None
    """Bits, of the distribution that the token was chosen from."""
    seed: int | None = None
    draw: int | None = None
    bookmark: str | None = None


def prompt_rows(root: int, tree: Tree) -> Iterator[TokenRow]:
    """The tokens of a prompt."""
    end = len(tree.prompt) - 1
    for index, token in enumerate(tree.prompt):
        score = tree.scores[index] if tree.scores else Scored(token)
        yield TokenRow(
            prompt=root,
            node=0 if index == end else None,
            parent=None,
            index=index,
            id=token.id,
            token=recorded_label(token),
            text=_text(token),
            completes=_completed(token, tree.prompt_texts[index]),
            bytes=_bytes(token),
            source="prompt",
            logprob=score.logprob,
            prob=score.prob,
            rank=score.rank,
            surprisal=score.surprisal,
            entropy=score.entropy,
            bookmark=tree.bookmarks.get(0) if index == end else None,
        )


def scored(tree: Tree, node: Node) -> Scored:
    """A token after the prompt, with the numbers of what it was chosen from."""
    assert node.token is not None and node.parent is not None and node.choice is not None
    choice, table = node.choice, tree.nodes[node.parent].distribution
    entropy = choice.entropy if table is None else table.entropy
    return Scored(node.token, logprob_of(choice.prob), choice.prob, choice.rank, entropy)


def node_row(root: int, tree: Tree, node: Node) -> TokenRow:
    """A token after the prompt."""
    assert node.parent is not None and node.choice is not None
    choice, score = node.choice, scored(tree, node)
    token = score.token
    return TokenRow(
        prompt=root,
        node=node.number,
        parent=node.parent,
        index=node.length - 1,
        id=token.id,
        token=recorded_label(token),
        text=_text(token),
        completes=_completed(token, node.text),
        bytes=_bytes(token),
        source=choice.source,
        logprob=score.logprob,
        prob=score.prob,
        sampling_prob=choice.sampling_prob,
        rank=score.rank,
        surprisal=score.surprisal,
        entropy=score.entropy,
        seed=choice.seed,
        draw=choice.draw,
        bookmark=tree.bookmarks.get(node.number),
    )


def _text(token: Token) -> str | None:
    return None if token.kind == "unused" else token.text


def _bytes(token: Token) -> str | None:
    return None if token.kind == "unused" else token.bytes.hex()


def _completed(token: Token, text: str) -> str:
    return recorded_label(token) if token.kind == "unused" else text
