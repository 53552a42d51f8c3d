"""`diff`: two records side by side; with `--run`, what their models say of the whole vocabulary."""

import tempfile
from array import array
from typing import IO, TYPE_CHECKING, Any

import click

from explorer.cli.engines import with_engine
from explorer.cli.flags import DEVICE, PICKLE, TRUST, record_file, recorded_config
from explorer.cli.output import print_json

if TYPE_CHECKING:
    from explorer.engine.base import Engine, Reporter
    from explorer.replay.comparison import Compared


@click.command("diff")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option(
    "--run", is_flag=True, help="Run both models, one after the other, and tell KL over the whole vocabulary."
)
@DEVICE
@PICKLE
@TRUST
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as docs/session-format.md describes it.")
def diff_command(a: str, b: str, run: bool, as_json: bool, **flags: Any) -> None:
    """Compare two records: where their walks part, and how far their distributions are from each other."""
    from explorer.core.record import journal
    from explorer.replay.comparison import Compared, compare
    from explorer.replay.prefixes import Trie

    trie = Trie()
    one, other = (Compared(journal.read(file), str(file), trie) for file in (record_file(a), record_file(b)))
    comparison = compare(one, other, divergences(one, other, flags) if run else None)
    if as_json:
        print_json(comparison)
    else:
        from explorer.cli.tables import print_comparison

        print_comparison(comparison)


def divergences(a: "Compared", b: "Compared", flags: dict[str, Any]) -> list[float]:
    """KL(A‖B) in bits after each token of the path that both begin with.

    The rows of the first model wait on the disk while the second one is loaded: both may not fit.
    """
    from explorer.engine.base import Progress
    from explorer.replay.comparison import exact_divergence, shared_path

    ids = shared_path(a, b)
    if not ids:
        return []

    async def keep(engine: "Engine", report: "Reporter") -> int:
        row: list[float] = []
        for length in range(1, len(ids) + 1):
            report(Progress("computing A", length, len(ids)))
            row = await engine.logprobs(ids[:length])
            array("d", row).tofile(rows)
        return len(row)

    async def measure(engine: "Engine", report: "Reporter") -> list[float]:
        found = []
        for length in range(1, len(ids) + 1):
            report(Progress("computing B", length, len(ids)))
            row = array("d")
            row.fromfile(rows, size)
            found.append(exact_divergence(row, await engine.logprobs(ids[:length])))
        return found

    rows: IO[bytes]
    with tempfile.TemporaryFile() as rows:
        size = with_engine(recorded_config(a.engine, flags, adapters=False), keep)
        rows.seek(0)
        return with_engine(recorded_config(b.engine, flags, adapters=False), measure)
