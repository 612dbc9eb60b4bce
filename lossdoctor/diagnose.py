"""From a log to its diagnosis: read, measure, examine, and look up the remedies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from lossdoctor.core import discover
from lossdoctor.core.check import Check, Finding
from lossdoctor.core.diagnosis import Diagnosis, Remedy, Verdict
from lossdoctor.core.fix import Fix, Settings
from lossdoctor.core.run import Run
from lossdoctor.core.signals import Signals
from lossdoctor.examine import examine, tuned
from lossdoctor.examine import select as select_checks


def diagnose(
    log: str | Path | Run,
    *,
    mapping: Mapping[str, str] | None = None,
    reader: str | None = None,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    thresholds: Mapping[str, float] | None = None,
) -> list[Diagnosis]:
    """Read a training log and say what is wrong, one diagnosis for each run in it.

    ``log`` is a file, a run folder, ``-`` for standard input, or a :class:`Run`. ``mapping`` names columns by role,
    ``{"val_loss": "my_column"}``; ``reader`` forces one by name. ``select`` and ``ignore`` choose checks by the prefix of
    their code; ``thresholds`` overrides theirs, ``{"LR001.swing": 0.3}``.

    Raises :class:`~lossdoctor.core.errors.UnreadableLog` where there is nothing to read and
    :class:`~lossdoctor.core.errors.UsageError` for a code or threshold that does not exist.
    """
    checks = tuned(select_checks(discover.checks(), select, ignore), thresholds or {})
    return [_diagnose(run, checks) for run in _runs(log, mapping, reader)]


def _runs(log: str | Path | Run, mapping: Mapping[str, str] | None, reader: str | None) -> list[Run]:
    if isinstance(log, Run):
        return [log]
    from lossdoctor.read import read

    return read(log, mapping=mapping, reader=reader)


def _diagnose(run: Run, checks: Iterable[Check]) -> Diagnosis:
    signals = Signals(discover.signals(), run=run)
    with np.errstate(over="ignore", invalid="ignore"):  # a run that blew up may overflow what measures it
        verdict: Verdict = signals.get("verdict")
        examination = examine(checks, signals)
    settings = Settings(run.config)
    remedies = {finding.code: _remedies(finding, settings) for finding in examination.findings}
    return Diagnosis(run, verdict, examination, signals.get("forecast"), remedies)


def _remedies(finding: Finding, settings: Settings) -> tuple[Remedy, ...]:
    """The first patch of each fix that cures the finding: fixes of its own family first, and those made for few findings."""
    fixes = [fix for fix in discover.fixes() if finding.code in fix.cures]
    fixes.sort(key=lambda fix: (fix.family != finding.family, len(fix.cures), fix.code))
    return tuple(remedy for fix in fixes if (remedy := _remedy(fix, finding, settings)))


def _remedy(fix: Fix, finding: Finding, settings: Settings) -> Remedy | None:
    patch = next(iter(fix.propose(settings, finding)), None)
    return Remedy(fix, patch) if patch is not None else None
