"""`replay`: a record is played in the terminal, verified, or walked again on another engine."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from explorer.cli.engines import with_engine
from explorer.cli.flags import configure, model_options, record_file, recorded_config, refuse_both
from explorer.cli.output import print_json, say, tell
from explorer.core.reading import path_of
from explorer.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from explorer.core.record.record import Record
    from explorer.engine.base import Engine, Reporter
    from explorer.replay.report import Deviation, Report


@click.command("replay")
@click.argument("path", metavar="FILE")
@click.option("--speed", metavar="PACE", help="2x is twice as fast as it was, 5/s five acts a second. Default: 1x.")
@click.option("--verify", is_flag=True, help="Compute every recorded number again; exit code 1 where one is another.")
@click.option("--tolerance", type=float, help="Of |Δlogprob|, in nats. Default: by the dtype.")
@click.option("--json", "as_json", is_flag=True, help="Print what --verify finds as docs/session-format.md says.")
@click.option("--record", metavar="OUT", help="Walk the same walk again, without a screen, into a new record.")
@model_options
@click.pass_context
def replay_command(
    context: click.Context,
    /,
    path: str,
    speed: str | None,
    verify: bool,
    tolerance: float | None,
    as_json: bool,
    record: str | None,
    **flags: Any,
) -> None:
    """Play a record in the terminal, without any model; or verify it, or walk it again.

    The last two run the model that it was made on, or the one of the flags.
    """
    from explorer.core.record import journal

    refuse_both("--verify", verify, "--record", record)
    if not verify and (tolerance is not None or as_json):
        raise UsageError("--tolerance and --json go with --verify.")
    if tolerance is not None and not tolerance >= 0:
        raise UsageError(f"--tolerance must be 0 or more, not {tolerance}.")
    if speed is not None and (verify or record is not None):
        raise UsageError("--speed is of the replay in the terminal; --verify and --record have none.")
    if not verify and record is None:
        context.exit(play_record(record_file(path), speed or "1x", flags))
    file = record_file(path)
    read = journal.read(file)
    if read.torn:
        say(f"The last line of {file} is torn and left out.")
    if record is not None:
        walk_again(read, file, path_of(record), flags)
        return
    report = verification(read, file, tolerance, flags)
    if as_json:
        print_json(report)
    else:
        print_report(report, file)
    context.exit(ExitCode.SUCCESS if report.holds else ExitCode.CHECK_FAILED)


def play_record(file: Path, speed: str, flags: dict[str, Any]) -> int:
    """The record in the terminal, as far as it can be read; the exit code."""
    from explorer.cli.terminal import play
    from explorer.walk.player import Pace

    given = next((name for name, value in flags.items() if value is not None), None)
    if given is not None:
        raise UsageError(f"--{given.replace('_', '-')} goes with --verify or --record: a replay runs no model.")
    return play(configure({}), file, Pace.parse(speed))


def walk_again(record: "Record", file: Path, out: Path, flags: dict[str, Any]) -> None:
    """The same walk on the engine of the record as far as flags do not name another one, into a new record."""
    from explorer.replay.rewalk import Rewalk

    async def walk(engine: "Engine", report: "Reporter") -> int:
        rewalk = Rewalk(engine, report)
        await rewalk.record(record, str(file), out)
        return rewalk.forced

    forced = with_engine(recorded_config(record.last_engine, flags), walk)
    tell(f"Record: {out}")
    if forced:
        those = "One token was" if forced == 1 else f"{forced:,} tokens were"
        say(f"{those} sampled in {file} and would not be drawn here: forced.")


def verification(record: "Record", file: Path, tolerance: float | None, flags: dict[str, Any]) -> "Report":
    """Each part of a record on its own engine, one after the other."""
    from explorer.replay.claims import Part, fold
    from explorer.replay.verification import Verification

    session, parts = fold(record, str(file))
    verified = Verification(session, tolerance)

    async def check(part: Part, engine: "Engine", report: "Reporter") -> None:
        await verified.check(part, engine, report)

    for part in parts:
        with_engine(recorded_config(part.engine, flags, adapters=False), partial(check, part))
    return verified.report


def print_report(report: "Report", file: Path) -> None:
    """What a verification found, in sentences."""
    wrong = report.deviations
    if report.holds:
        tell(f"{file}: every number holds.")
    else:
        those = "one number is" if len(wrong) == 1 else f"{len(wrong):,} numbers are"
        tell(f"{file} does not hold: {those} out of tolerance, of {report.numbers:,}.")
        tell(f"The first: {sentence(wrong[0])}")
    errors = "no logprobs"
    if report.max_logprob_error is not None and report.mean_logprob_error is not None:
        errors = f"|Δlogprob| {report.max_logprob_error:.1e} at most, {report.mean_logprob_error:.1e} on average"
    tell(f"{report.numbers:,} numbers compared · {errors}")
    for kind, count in report.kinds.items():
        fault = f", {count.wrong:,} do not hold" if count.wrong else ""
        tell(f"  {KINDS[kind]}: {count.checked:,}{fault}")
    tell(
        f"changed within the tolerance or beyond: {report.changed_ranks:,} ranks, {report.changed_cuts:,} cuts, "
        f"{report.changed_draws:,} draws"
    )
    if report.draws_unchecked:
        tell(f"{report.draws_unchecked:,} draws not checked: another kind of device, or after a draw that differs")
    if report.prompts_unchecked:
        tell(f"prompts not encoded again, as their texts were not typed on this model: {report.prompts_unchecked:,}")
    for part in report.parts:
        made = f"{part.model} {part.dtype} {part.device}{_versions(part.versions)}"
        now = f"{part.by_model} {part.by_dtype} {part.by_device}{_versions(part.by_versions)}"
        tell(f"recorded on {made} · computed on {now} · tolerance {part.tolerance:g}")
        if part.note:
            tell(part.note)


KINDS = {
    "seen": "of tables",
    "score": "of the tokens of prompts",
    "add": "of tokens that were added",
    "draw": "draws, drawn again",
    "prompt": "bytes of prompts' tokens",
    "encode": "prompts, encoded again",
}


def sentence(deviation: "Deviation") -> str:
    """What does not hold, where it is, what it is now."""
    place = f"after {deviation.at} tokens of" if deviation.at is not None else f"node {deviation.node} of"
    where = f"line {deviation.line} ({deviation.event}, {place} prompt {deviation.root}, after “{deviation.text}”)"
    if deviation.what == "refused":
        return f"{where} cannot be computed: {deviation.computed}"
    of = f" of “{deviation.token}”" if deviation.token is not None else ""
    recorded, computed = _said(deviation.recorded), _said(deviation.computed)
    return f"{where}: {deviation.what}{of} is {recorded} in the record and {computed} now."


def _said(value: object) -> str:
    return "nothing" if value is None else str(value)


def _versions(versions: dict[str, str]) -> str:
    return f" (torch {versions['torch']})" if "torch" in versions else ""
