"""Offers: the models that can be had, which of them are here, and their list. Must not know how one is got."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from explorer.core.size import size_in_words
from explorer.embedded import EMBEDDED
from explorer.engine.description import ModelEntry
from explorer.engine.files.offers import OFFERS, Offer


class OfferRow(msgspec.Struct, frozen=True, kw_only=True):
    """A model that can be had."""

    name: str
    what: str
    parameters: int
    fetched: int
    """Bytes to download."""
    kept: int
    """Bytes on the disk afterwards."""
    licence: str
    source: str
    here: bool
    """Whether it is on this machine already, whole."""


def offer_rows(entries: Iterable[ModelEntry]) -> list[OfferRow]:
    """Every offer; `entries` are the models of this machine."""
    here = {entry.id for entry in entries if not entry.problem}
    return [
        OfferRow(
            name=offer.name,
            what=offer.what,
            parameters=offer.parameters,
            fetched=offer.fetched,
            kept=offer.kept,
            licence=offer.licence,
            source=offer.source,
            here=offer.name in here,
        )
        for offer in OFFERS
    ]


def with_offers(entries: Sequence[ModelEntry]) -> list[ModelEntry]:
    """The model that ships, then what can be had, whether it is here or not, then all the others."""
    first = [entry for entry in entries if entry.id == EMBEDDED]
    offered = {offer.name: list(_entries(offer, entries)) for offer in OFFERS}
    rest = [entry for entry in entries if entry.id != EMBEDDED and entry.id not in offered]
    return [*first, *(entry for found in offered.values() for entry in found), *rest]


def _entries(offer: Offer, entries: Iterable[ModelEntry]) -> Iterator[ModelEntry]:
    here = [entry for entry in entries if entry.id == offer.name]
    yield from here
    if not here:
        yield ModelEntry(
            id=offer.name,
            revision="",
            size=offer.kept,
            architecture=None,
            dtype=None,
            last_used="",
            context_length=None,
            complete=False,
            to_fetch=offer.fetched,
            note=f"{offer.what} · {offer.licence}",
            source=offer.source,
        )


def print_offers(rows: Sequence[OfferRow]) -> None:
    """Name, parameters, sizes and whether it is here; below each, what it is, its licence and where it comes from."""
    from explorer.cli.drawing import drawn, literal, new_grid, show
    from explorer.cli.output import put_styled

    grid = new_grid("model", ">parameters", ">to fetch", ">on the disk", "here")
    for row in rows:
        sizes = (size_in_words(row.fetched), size_in_words(row.kept))
        cells = (row.name, in_millions(row.parameters), *sizes, "yes" if row.here else "no")
        grid.add_row(*(literal(cell) for cell in cells))
    head, *lines = drawn(grid, whole=True).splitlines()
    put_styled(f"{head}\n")
    for line, row in zip(lines, rows, strict=True):
        put_styled(f"{line}\n")
        show(literal(f"  {row.what} · {row.licence} · {row.source}", "dim"))
    show(literal("Get one: token-explorer get NAME · then open it: token-explorer --model NAME", "dim"))


def in_millions(parameters: int) -> str:
    """`135M`, `1.33B`."""
    return f"{parameters / 1e6:.0f}M" if parameters < 999.5e6 else f"{parameters / 1e9:.3g}B"
