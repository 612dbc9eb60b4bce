"""Run the checks: order them by ``requires``, inject signals, skip with a reason, isolate what crashes."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.diagnosis import Examination
from lossdoctor.core.errors import LossDoctorError, UsageError
from lossdoctor.core.signals import Signals, needs
from lossdoctor.core.text import did_you_mean

SURE = 0.75  # confidence from which a finding about data or model is taken for the cause of what the log shows


def examine(checks: Iterable[Check], signals: Signals) -> Examination:
    """Ask every check that applies to what is given.

    Findings come back most confident first; but what data and model show for sure comes before what the log of their training
    shows, which is a symptom of it, and mere information comes last.
    """
    findings: list[Finding] = []
    passed: list[str] = []
    skipped: dict[str, str] = {}
    crashed: dict[str, str] = {}
    asked = [check for check in checks if applies(check, signals)]
    for check in _ordered(asked):
        standing = {finding.code for finding in findings}
        if masks := sorted(check.requires & standing):
            skipped[check.code] = f"a consequence of {', '.join(masks)}"
            continue
        try:
            arguments, reason = signals.arguments(check.examine)
            finding = None if reason else check.examine(**arguments)
        except LossDoctorError:
            raise
        except Exception as error:
            crashed[check.code] = f"{type(error).__name__}: {error}"
            continue
        if reason:
            skipped[check.code] = reason
        elif finding:
            findings.append(finding)
        else:
            passed.append(check.code)
    causes = {check.code for check in asked if any("workload" in signals.catalogue.inputs(need.name) for need in needs(check.examine))}
    findings.sort(key=lambda f: (f.severity is Severity.INFO, f.code not in causes or f.confidence < SURE, -f.confidence))
    return Examination(tuple(findings), tuple(passed), skipped, crashed)


def applies(check: Check, signals: Signals) -> bool:
    """Whether all that the check needs in the end (a run, a workload) is given."""
    here = frozenset(name for name, value in signals.given.items() if value is not None)
    return all(signals.catalogue.inputs(need.name) <= here for need in needs(check.examine) if not need.optional)


def select(checks: Sequence[Check], chosen: Sequence[str] = (), ignored: Sequence[str] = ()) -> list[Check]:
    """The checks whose code begins with one of ``chosen`` (all, where empty) and with none of ``ignored``."""
    for prefix in (*chosen, *ignored):
        if not any(check.code.startswith(prefix) for check in checks):
            near = did_you_mean(prefix, (check.code for check in checks))
            raise UsageError(f"no check has the code {prefix!r}{near or '; `lossdoctor explain` lists them'}")
    return [
        check
        for check in checks
        if (not chosen or check.code.startswith(tuple(chosen))) and not check.code.startswith(tuple(ignored) or ("\0",))
    ]


def tuned(checks: Sequence[Check], thresholds: Mapping[str, float]) -> list[Check]:
    """Copies of the checks with thresholds overridden, ``{"LR001.swing": 0.3}``."""
    by_code = {check.code: copy.copy(check) for check in checks}
    for key, value in thresholds.items():
        code, _, name = key.partition(".")
        check = by_code.get(code)
        if check is None or name not in check.thresholds():
            near = did_you_mean(name, check.thresholds()) if check else did_you_mean(code, by_code)
            hint = f"; {code} has {', '.join(check.thresholds()) or 'none'}" if check else "; `lossdoctor explain` lists the codes"
            raise UsageError(f"--set {key}: there is no such threshold{near or hint}")
        setattr(check, name, value)
    return list(by_code.values())


def _ordered(checks: list[Check]) -> list[Check]:
    """The checks, each after all that it requires."""
    by_code = {check.code: check for check in checks}
    placed: dict[str, Check] = {}

    def place(check: Check, waiting: tuple[str, ...]) -> None:
        if check.code in waiting:
            raise TypeError(f"checks require each other in a circle: {' -> '.join((*waiting, check.code))}")
        for code in sorted(check.requires):
            if code in by_code and code not in placed:
                place(by_code[code], (*waiting, check.code))
        placed.setdefault(check.code, check)

    for check in checks:
        place(check, ())
    return list(placed.values())
