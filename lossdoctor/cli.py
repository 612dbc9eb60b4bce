"""The command line: parse, one call, render, exit. What a command needs is imported when it runs."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lossdoctor._version import __version__
from lossdoctor.core.errors import LossDoctorError, UsageError
from lossdoctor.options import (
    PLAIN,
    Baseline,
    Config,
    Entry,
    FailOn,
    Format,
    Ignore,
    Logs,
    Map,
    NoColor,
    Output,
    PlainFormat,
    Quiet,
    Reader,
    Select,
    Set,
    StopFor,
)

if TYPE_CHECKING:
    from lossdoctor.core.comparison import Comparison
    from lossdoctor.core.diagnosis import Diagnosis, Examination
    from lossdoctor.core.report import Page, Report

FAILED, INPUT_AT_FAULT, WE_ARE_AT_FAULT, INTERRUPTED = 1, 2, 3, 130
UNUSABLE: Any = typer.BadParameter.__bases__[0]  # what all usage errors derive from, wherever this version of typer keeps it

app = typer.Typer(
    rich_markup_mode=None,  # rich would more than double the time that --help takes
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"lossdoctor {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")] = False,
) -> None:
    """Says why a training does not learn, and proves the fix by short probe trainings.

    \b
    Examples:
      lossdoctor diagnose run.csv                   what is wrong with a run
      lossdoctor diagnose - < train.log             the same, from standard input
      lossdoctor init --model net.py:build --data data.csv --target y > config.yaml
      lossdoctor probe config.yaml                  find the fix and prove it
      lossdoctor gate runs/*.csv                    fail a CI job on a stalled run
      lossdoctor watch run.csv -- python train.py   stop a training that is beyond hope
      lossdoctor explain LR001                      one check in full

    \b
    Exit codes: 0 fine, 1 something that --fail-on names, 2 the input is at fault,
    3 lossdoctor is at fault, 130 interrupted.
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(INPUT_AT_FAULT)


@app.command(short_help="Read any training log, say what is wrong and what to try.")
def diagnose(
    logs: Logs,
    format: Format = "text",
    output: Output = None,
    select: Select = None,
    ignore: Ignore = None,
    fail_on: FailOn = None,
    baseline: Baseline = None,
    mapping: Map = None,
    thresholds: Set = None,
    reader: Reader = None,
    quiet: Quiet = False,
    no_color: NoColor = False,
) -> None:
    """Read any training log, say what is wrong and what to try; of several runs also say which is better and where they part.

    \b
    Examples:
      lossdoctor diagnose run.csv
      lossdoctor diagnose lightning_logs/version_0 --format json
      lossdoctor diagnose run.csv --map val_loss=dev_nll --ignore LOG
      lossdoctor diagnose runs/*.csv --fail-on diverging,non_finite,error
      lossdoctor diagnose before.csv after.csv      which is better beyond noise
      lossdoctor diagnose new.csv --baseline seed1.csv --baseline seed2.csv
    """
    from lossdoctor import console, gate
    from lossdoctor.core.report import Context

    _report(format)  # a slip is told before the work is done
    console.check_output(output)
    policy = gate.Policy.of(_words(fail_on))
    diagnoses, unread, code = _diagnose(logs, mapping, reader, select, ignore, thresholds, quiet=quiet)
    comparison = _compare(diagnoses, baseline or (), mapping, reader)
    rulings = gate.gate(diagnoses, policy, comparison) if fail_on else []
    if diagnoses:
        context, page = Context(comparison, rulings, unread), console.page(output=output, no_color=no_color, quiet=quiet)
        _publish(format, output, lambda report: report.diagnoses(diagnoses, page, context))
    failed = any(ruling.failed for ruling in rulings)
    raise typer.Exit(max(code, FAILED * failed, _crashes(each.examination for each in diagnoses)))


@app.command(short_help="Find what makes a model not learn, and prove the fix.")
def probe(
    config: Config,
    examine_only: Annotated[bool, typer.Option("--examine-only", help="Stop after the findings, before any search.")] = False,
    fixed: Annotated[
        Path | None,
        typer.Option("--fixed", metavar="FILE", help="Where to write the fixed config.", show_default="CONFIG with .fixed.yaml"),
    ] = None,
    budget: Annotated[str | None, typer.Option("--budget", metavar="TIME", help="How long the probe may take: 30s, 2m, 1h.")] = None,
    steps: Annotated[
        int | None,
        typer.Option("--steps", metavar="N", min=1, help="Training steps of all trials together.", show_default="about one full training"),
    ] = None,
    log: Annotated[Path | None, typer.Option("--log", metavar="LOG", help="The log of your own training with this config.")] = None,
    trials: Annotated[Path | None, typer.Option("--trials", metavar="FOLDER", help="Write the log of every trial to FOLDER.")] = None,
    no_resume: Annotated[bool, typer.Option("--no-resume", help="Start afresh instead of resuming an interrupted probe.")] = False,
    device: Annotated[str | None, typer.Option("--device", metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps.")] = None,
    seeds: Annotated[
        int | None, typer.Option("--seeds", metavar="N", min=2, help="Pairs of trainings behind each proof, with the fix and without.")
    ] = None,
    format: Format = "text",
    output: Output = None,
    select: Select = None,
    ignore: Ignore = None,
    fail_on: FailOn = None,
    asserted: Annotated[
        list[str] | None,
        typer.Option("--assert", metavar="WHAT", help="Exit 1 if this fails: overfit (the model can learn one batch by heart)."),
    ] = None,
    thresholds: Set = None,
    quiet: Quiet = False,
    no_color: NoColor = False,
) -> None:
    """Examine model + data, run short trainings of candidate fixes, prescribe what is proved to help.

    \b
    Examples:
      lossdoctor probe config.yaml
      lossdoctor probe config.yaml --examine-only
      lossdoctor probe config.yaml --examine-only --assert overfit
      lossdoctor probe config.yaml --log run.csv    start from what your own log shows
      lossdoctor probe config.yaml --budget 30s --fixed better.yaml --format json
    """
    from lossdoctor import console, gate
    from lossdoctor.probe import probe as run_probe

    _report(format)  # a slip is told before the work is done
    console.check_output(output)
    policy = gate.Policy.of(_words(fail_on))
    overfit = _assertions(asserted) == ["overfit"]
    with redirect_stdout(sys.stderr), console.progress(quiet=quiet) as show:  # what the user's code prints is no report
        proof = run_probe(
            config,
            examine_only=examine_only,
            fixed=fixed,
            budget=budget,
            steps=steps,
            log=log,
            trials=trials,
            resume=not no_resume,
            device=device,
            seeds=seeds,
            select=_codes(select),
            ignore=_codes(ignore),
            thresholds=_thresholds(thresholds),
            overfit=overfit,
            progress=show,
        )
    if proof.resumed and not quiet:
        print(
            f"went on with an interrupted probe: {proof.resumed} trainings were known already; --no-resume starts afresh", file=sys.stderr
        )
    objections = tuple(policy.broken_by(proof.status, proof.examination.findings))
    page = console.page(output=output, no_color=no_color, quiet=quiet)
    _publish(format, output, lambda report: report.proof(proof, page, objections))
    for sentence in proof.failed:
        print(f"assertion failed: {sentence}", file=sys.stderr)
    failed = bool(proof.failed or objections)
    raise typer.Exit(max(INTERRUPTED * proof.interrupted, FAILED * failed, _crashes([proof.examination])))


@app.command(short_help="Train what a config says; write a log.")
def train(
    config: Config,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the log to FILE instead of printing it.")
    ] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", metavar="N", min=1, help="Overrides training.epochs.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="Overrides training.seed.")] = None,
    device: Annotated[str | None, typer.Option("--device", metavar="NAME", help="Overrides probe.device.")] = None,
    format: PlainFormat = "text",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the log.")] = False,
) -> None:
    """Train exactly what the config says; write a log that `diagnose` reads.

    \b
    Examples:
      lossdoctor train config.fixed.yaml --output run.csv
      lossdoctor train config.yaml --epochs 3 --format json
    """
    from lossdoctor import console
    from lossdoctor.reports.json import dump
    from lossdoctor.train import Row, best
    from lossdoctor.train import train as run_train

    _check_plain(format)
    console.check_output(output)
    printed = output is None and format == "text"
    destination, on_terminal = sys.stdout if printed else output, sys.stdout.isatty()
    with redirect_stdout(sys.stderr), console.progress(quiet=quiet or (printed and on_terminal)) as show:

        def progress(row: Row, total: int) -> None:
            show(f"epoch {row['epoch']:.0f} of {total}, train_loss {row['train_loss']:.4g}", row["epoch"] / total)

        rows = run_train(config, output=destination, epochs=epochs, seed=seed, device=device, progress=progress)
    if format == "json":
        console.write(dump({"last": rows[-1], "best": best(rows)}))
    elif output and not quiet:
        console.write(f"{len(rows)} epochs in {output}; `lossdoctor diagnose {output}` reads it\n")


@app.command(short_help="For CI: exit 1 if a run breaks the policy.")
def gate(
    logs: Logs,
    fail_on: FailOn = None,
    max_wasted: Annotated[
        float | None,
        typer.Option("--max-wasted", metavar="SHARE", help="Fail if more of the run came after the step where it could have stopped: 0.3."),
    ] = None,
    min_gain: Annotated[
        str | None, typer.Option("--min-gain", metavar="GAIN", help="Fail if the forecast gains less: 0.01, or 1% of its value.")
    ] = None,
    reach: Annotated[
        list[str] | None, typer.Option("--reach", metavar="GOAL", help="A level that the run must reach: 'val_accuracy>=0.9@epoch 10'.")
    ] = None,
    require: Annotated[
        list[str] | None, typer.Option("--require", metavar="SERIES", help="Series that the log must have: val_loss,lr.")
    ] = None,
    baseline: Baseline = None,
    format: Format = "text",
    output: Output = None,
    select: Select = None,
    ignore: Ignore = None,
    mapping: Map = None,
    thresholds: Set = None,
    reader: Reader = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the runs that fail.")] = False,
    no_color: NoColor = False,
) -> None:
    """For CI: print one line per run, exit 1 if a run breaks the policy.

    The policy is [tool.lossdoctor.gate] of pyproject.toml, or [gate] of lossdoctor.toml, in this folder or the nearest above
    it; an option overrides the same key there. Without fail_on, every unhealthy status fails.

    \b
    Examples:
      lossdoctor gate 'runs/**/*.csv'
      lossdoctor gate run.csv --fail-on stalled,never_learned,LR --require val_loss,lr
      lossdoctor gate run.csv --reach 'val_loss<0.5@epoch 10' --max-wasted 0.3
      lossdoctor gate new.csv --baseline 'main/seed*.csv' --format junit --output gate.xml
    """
    from lossdoctor import console, gate
    from lossdoctor.core.report import Context

    _report(format)  # a slip is told before the work is done
    console.check_output(output)
    options = {"fail_on": _words(fail_on), "max_wasted": max_wasted, "min_gain": min_gain, "reach": reach}
    policy = gate.policy(Path.cwd(), options | {"require": _words(require), "baseline": baseline})
    diagnoses, unread, code = _diagnose(logs, mapping, reader, select, ignore, thresholds, quiet=quiet)
    comparison = _compare(diagnoses, policy.baseline, mapping, reader)
    rulings = gate.gate(diagnoses, policy, comparison)
    lines = "".join(f"{gate.line(each)}\n" for each in rulings if each.failed or not quiet)
    if format == "text":
        console.write(lines, output)
    elif diagnoses or unread:
        context = Context(comparison, rulings, unread)
        page = console.page(output=output, no_color=no_color, quiet=quiet)
        _publish(format, output, lambda report: report.diagnoses(diagnoses, page, context))
        if output:
            console.write(lines)  # the job's own log says what failed, too
    failed = any(each.failed for each in rulings)
    raise typer.Exit(max(code, FAILED * failed, _crashes(each.examination for each in diagnoses)))


@app.command(short_help="Follow a growing log; stop a training that is beyond hope.")
def watch(
    log: Annotated[str, typer.Argument(metavar="LOG", help="A growing log or run folder; - for standard input, or for what CMD prints.")],
    command: Annotated[
        list[str] | None, typer.Argument(metavar="[-- CMD...]", help="The training to start, and to stop when it is beyond hope.")
    ] = None,
    interval: Annotated[str, typer.Option("--interval", metavar="TIME", help="Time between looks; longer if a look is costly.")] = "2s",
    hold: Annotated[str, typer.Option("--hold", metavar="TIME", help="How long a verdict must last at least; NaN need not.")] = "1m",
    grace: Annotated[str, typer.Option("--grace", metavar="TIME", help="Time from SIGTERM to SIGKILL.")] = "10s",
    until_idle: Annotated[
        str | None, typer.Option("--until-idle", metavar="TIME", help="Without CMD: end when the log has not grown for this long.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is beyond hope, but stop nothing.")] = False,
    on_stall: Annotated[
        str | None,
        typer.Option(
            "--on-stall",
            metavar="SHELL",
            help="A command to run when a run is beyond hope: JSON on its stdin, LOSSDOCTOR_STATUS etc. set.",
        ),
    ] = None,
    webhook: Annotated[str | None, typer.Option("--webhook", metavar="URL", help="Where to POST the same JSON.")] = None,
    fail_on: StopFor = None,
    mapping: Map = None,
    reader: Reader = None,
    no_color: NoColor = False,
) -> None:
    """Follow a growing log live; stop CMD when the run is beyond hope.

    A run is beyond hope when a verdict that --fail-on names (by default non_finite, diverging, never_learned, stalled and
    overfitting) is confident and has lasted: over several looks, for --hold, and while the run grew by half or more. Then
    CMD and all its processes get SIGTERM and, after --grace, SIGKILL. The exit code is that of CMD, or 1 if it was stopped.

    \b
    Examples:
      lossdoctor watch run.csv
      lossdoctor watch run.csv -- python train.py --lr 0.1
      lossdoctor watch - -- python train.py         where the training prints its losses
      lossdoctor watch runs/ --until-idle 10m --on-stall 'mail -s "$LOSSDOCTOR_MESSAGE" me@example.org'
    """
    from contextlib import ExitStack
    from tempfile import TemporaryDirectory

    from lossdoctor import console
    from lossdoctor.core.config import seconds
    from lossdoctor.live.alarm import Alarm
    from lossdoctor.live.child import Child, Input
    from lossdoctor.live.follow import Follower
    from lossdoctor.live.stopping import HOPELESS, Patience
    from lossdoctor.live.watch import State, Training, Watch
    from lossdoctor.reports.terminal.live import live

    def draw(state: State, page: Page) -> str:
        return live(state.diagnosis, state.certain, state.pace, state.trouble or "Ctrl-C ends the watch.", page)

    patience = Patience(_words(fail_on) or HOPELESS, hold=seconds(hold, "--hold"))
    every, patient = seconds(interval, "--interval"), seconds(grace, "--grace")
    idle = seconds(until_idle, "--until-idle") if until_idle else None
    with ExitStack() as stack:
        spool = Path(stack.enter_context(TemporaryDirectory())) / "log" if log == "-" else None
        follower = Follower(spool or Path(log), mapping=dict(_pairs("--map", mapping)), reader=reader)
        on_screen = console.is_screen() and not command
        view = stack.enter_context(console.Screen(draw, no_color=no_color)) if on_screen else console.Lines(errors=bool(command))
        alarm = Alarm(on_stall, webhook, view.say)
        stack.callback(alarm.close)
        watched = Watch(follower, view, patience, alarm, name="<stdin>" if spool else None)
        training: Training | None = Input(spool) if spool and not command else None
        if command:
            watched.look()  # what stands in the log already is not the work of this training
            training = stack.enter_context(Child(command, grace=patient, copy=spool))
        code = watched.run(training, interval=every, until_idle=idle, dry=dry_run)
    raise typer.Exit(code)


@app.command(short_help="Write a commented config.")
def init(
    model: Annotated[str, typer.Option("--model", metavar="FILE.py:NAME", help="The callable that builds the model.")],
    data: Annotated[str, typer.Option("--data", metavar="DATA", help="FILE.py:NAME, or a .csv .tsv .parquet .npz file.")],
    target: Annotated[str | None, typer.Option("--target", metavar="COLUMN", help="The column of a table to predict.")] = None,
    val: Annotated[
        str | None, typer.Option("--val", metavar="DATA", help="Validation data; without it, a share of DATA is held out.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the config to FILE.")] = None,
) -> None:
    """Write a commented config from a model and data, their paths relative to the config.

    \b
    Examples:
      lossdoctor init --model net.py:build --data data.csv --target y > config.yaml
      lossdoctor init --model net.py:build --data data.py:train --val data.py:val -o config.yaml
    """
    from lossdoctor import console
    from lossdoctor.init import init as config_text

    console.check_output(output)
    if output and output.exists():
        raise UsageError(f"--output {output}: it exists already and is left alone; name another file")
    console.write(config_text(model, data, target, val, output.parent if output else Path()), output)


@app.command(short_help="The catalogue of checks, fixes and readers.")
def explain(
    code: Entry = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print a JSON Schema: of the probe config, or of what `diagnose` or `probe` reports.")
    ] = False,
    format: PlainFormat = "text",
    output: Output = None,
    no_color: NoColor = False,
) -> None:
    """The catalogue of checks, fixes and readers; one entry in full.

    \b
    Examples:
      lossdoctor explain
      lossdoctor explain LR001
      lossdoctor explain lower-learning-rate
      lossdoctor explain --schema > lossdoctor.schema.json
      lossdoctor explain --schema diagnose          of what diagnose and gate print with --format json
    """
    from lossdoctor import catalogue, console
    from lossdoctor.reports.json import dump
    from lossdoctor.reports.terminal.explanation import explanation

    _check_plain(format)
    console.check_output(output)
    if schema:
        from lossdoctor.schemas import schema as schema_of

        text = dump(schema_of(code))
    else:
        found = catalogue.look_up(code)
        text = dump(found) if format == "json" else explanation(found, console.page(output=output, no_color=no_color))
    console.write(text, output)


def _diagnose(
    logs: Iterable[str],
    mapping: Sequence[str] | None,
    reader: str | None,
    select: Sequence[str] | None,
    ignore: Sequence[str] | None,
    thresholds: Sequence[str] | None,
    *,
    quiet: bool,
) -> tuple[list[Diagnosis], dict[str, str], int]:
    """The runs of all logs; a log that cannot be read is complained of, and kept with the reason and the exit code."""
    from lossdoctor.console import complain, progress
    from lossdoctor.diagnose import diagnose
    from lossdoctor.read import expand

    roles = dict(_pairs("--map", mapping))
    numbers = _thresholds(thresholds)
    found: list[Diagnosis] = []
    unread: dict[str, str] = {}
    code = 0
    paths = expand(logs)
    with progress(quiet=quiet or "-" in paths) as show:  # a training that is piped in speaks for itself
        for place, log in enumerate(paths):
            show(f"reading {log}", place / len(paths) if place else None)
            try:
                found += diagnose(log, mapping=roles, reader=reader, select=_codes(select), ignore=_codes(ignore), thresholds=numbers)
            except LossDoctorError as error:
                unread[log], code = str(error), max(code, error.exit_code)
            except KeyboardInterrupt:
                unread[log], code = f"interrupted at {log}", INTERRUPTED
                break
    for message in dict.fromkeys(unread.values()):
        complain(message)
    return found, unread, code


def _compare(
    diagnoses: Sequence[Diagnosis], baselines: Iterable[str], mapping: Sequence[str] | None, reader: str | None
) -> Comparison | None:
    """The runs compared with each other and with the baselines; None for one run alone."""
    from lossdoctor.compare import compare
    from lossdoctor.read import expand, read

    roles = dict(_pairs("--map", mapping))
    healthy = [run for log in expand(baselines) for run in read(log, mapping=roles, reader=reader)]
    runs = [each.run for each in diagnoses]
    return compare(runs, healthy) if healthy or len(runs) > 1 else None


def _crashes(examinations: Iterable[Examination]) -> int:
    """Name the checks that crashed; the exit code that follows."""
    from lossdoctor.console import complain

    crashed = {code: error for each in examinations for code, error in each.crashed.items()}
    for code, error in crashed.items():
        complain(f"check {code} crashed: {error}; this is a bug in lossdoctor, all other checks have reported")
    return WE_ARE_AT_FAULT if crashed else 0


def _report(format: str) -> Report:
    from lossdoctor.core.discover import reports
    from lossdoctor.core.text import did_you_mean

    if format not in reports():
        raise UsageError(f"--format {format!r}: there is no such report{did_you_mean(format, reports())}; there are {', '.join(reports())}")
    return reports()[format]


def _check_plain(format: str) -> None:
    from lossdoctor.core.text import did_you_mean

    if format not in PLAIN:
        raise UsageError(f"--format {format!r}: this command prints {' or '.join(PLAIN)}{did_you_mean(format, PLAIN)}")


def _publish(format: str, output: Path | None, render: Callable[[Report], str]) -> None:
    """Write a report; what GitHub's annotations are too short for goes to the summary of the job, as Markdown."""
    from lossdoctor import console

    console.write(render(_report(format)), output)
    if format == "github":
        console.summarise(render(_report("markdown")))


def _words(values: Iterable[str] | None) -> list[str]:
    """The words of an option that can be repeated and takes commas."""
    return [word.strip() for value in values or () for word in value.split(",") if word.strip()]


def _assertions(values: Iterable[str] | None) -> list[str]:
    words = sorted(set(_words(values)))
    if words and words != ["overfit"]:
        raise UsageError(f"--assert {','.join(words)}: overfit is all that can be asserted")
    return words


def _codes(values: Iterable[str] | None) -> list[str]:
    return [word.upper() for word in _words(values)]


def _pairs(option: str, values: Iterable[str] | None) -> Iterable[tuple[str, str]]:
    for value in values or ():
        name, equals, rest = value.partition("=")
        if not (name and equals and rest):
            raise UsageError(f"{option} {value!r}: write it as {'ROLE=COLUMN' if option == '--map' else 'CODE.NAME=VALUE'}")
        yield name.strip(), rest


def _thresholds(values: Iterable[str] | None) -> dict[str, float]:
    numbers = {}
    for key, value in _pairs("--set", values):
        code, _, name = key.partition(".")
        try:
            numbers[f"{code.upper()}.{name}"] = float(value)
        except ValueError:
            raise UsageError(f"--set {key}={value}: {value!r} is not a number") from None
    return numbers


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code; every way to end early is decided here."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file name may hold bytes that are no text
    from lossdoctor.console import complain, silence

    try:
        return app(arguments, prog_name="lossdoctor", standalone_mode=False) or 0
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        silence()
        return 0
    except LossDoctorError as error:
        complain(str(error))
        return error.exit_code
    except Exception as error:
        if isinstance(error, UNUSABLE):
            complain(f"{error.format_message()} See `{error.ctx.command_path if error.ctx else 'lossdoctor'} --help`.")
            return INPUT_AT_FAULT
        if os.environ.get("LOSSDOCTOR_DEBUG"):
            raise
        complain(f"this is a bug in lossdoctor: {type(error).__name__}: {error}; please report it with the output under LOSSDOCTOR_DEBUG=1")
        return WE_ARE_AT_FAULT
