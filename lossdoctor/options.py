"""The options that commands share. The words that the tab key offers are looked up when it is pressed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer


def _complete(words: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """Tab completion by these words; what stands before a comma stays."""

    def complete(incomplete: str) -> list[str]:
        done, comma, last = incomplete.rpartition(",")
        return [f"{done}{comma}{word}" for word in words() if word.lower().startswith(last.lower())]

    return complete


def _formats() -> Iterable[str]:
    from lossdoctor.core.discover import reports

    return reports()


def _checks() -> list[str]:
    from lossdoctor.core.discover import checks

    return [check.code for check in checks()]


def _policy_words() -> list[str]:
    from lossdoctor.core.check import Severity
    from lossdoctor.core.diagnosis import Status
    from lossdoctor.gate import UNHEALTHY

    return [UNHEALTHY, *Status, *Severity, *_checks()]


def _readers() -> list[str]:
    from lossdoctor.core.discover import readers

    return [reader.name for reader in readers()]


def _entries() -> list[str]:
    from lossdoctor.core.discover import checks, fixes

    units = (*checks(), *fixes())
    return ["readers", *(unit.code for unit in units), *(unit.name for unit in units)]


Logs = Annotated[list[str], typer.Argument(metavar="LOG", help="A log file, a run folder, or - for standard input.")]
Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="The YAML file that describes model, data and training.")]
FORMATS = "text, json, markdown, html, junit, sarif, github or gitlab"
PLAIN = ("text", "json")  # formats of what is no report
Format = Annotated[
    str, typer.Option("--format", metavar="NAME", help=f"How to print the report: {FORMATS}.", autocompletion=_complete(_formats))
]
PlainFormat = Annotated[str, typer.Option("--format", metavar="NAME", help="Print text or json.", autocompletion=_complete(lambda: PLAIN))]
Output = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the report to FILE.")]
Select = Annotated[
    list[str] | None,
    typer.Option(
        "--select", metavar="CODES", help="Run only the checks whose codes start with these: LR,GRAD001.", autocompletion=_complete(_checks)
    ),
]
Ignore = Annotated[
    list[str] | None,
    typer.Option("--ignore", metavar="CODES", help="Skip the checks whose codes start with these.", autocompletion=_complete(_checks)),
]
FailOn = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-on",
        metavar="WORDS",
        help="Exit 1 on a status (stalled), any unhealthy status (unhealthy), a check (LR001), or a severity or worse (warning).",
        autocompletion=_complete(_policy_words),
    ),
]
StopFor = Annotated[
    list[str] | None,
    typer.Option("--fail-on", metavar="WORDS", help="What to stop for, as in `lossdoctor gate`.", autocompletion=_complete(_policy_words)),
]
Baseline = Annotated[
    list[str] | None,
    typer.Option("--baseline", metavar="LOG", help="A healthy run to compare with; give several seeds to show how much they differ."),
]
Map = Annotated[
    list[str] | None, typer.Option("--map", metavar="ROLE=COLUMN", help="Name a column that was not recognised: val_loss=dev_nll.")
]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="CODE.NAME=VALUE", help="Set a threshold of a check: LR001.jump=3.")]
Reader = Annotated[
    str | None,
    typer.Option(
        "--reader", metavar="NAME", help="Read with this reader; see `lossdoctor explain readers`.", autocompletion=_complete(_readers)
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only the verdict and the findings; no progress.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="Print without colour, as with NO_COLOR in the environment.")]
Entry = Annotated[
    str | None,
    typer.Argument(
        metavar="[CODE]",
        help="A code (LR001), a name, or `readers`; with --schema: config, diagnose or probe.",
        autocompletion=_complete(_entries),
    ),
]
