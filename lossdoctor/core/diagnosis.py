"""What is said about one run: the status, the findings, and what could not be examined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lossdoctor.core.check import Finding
from lossdoctor.core.fix import Fix, Patch
from lossdoctor.core.run import Run


class Status(StrEnum):
    """One word for a run."""

    IMPROVING = "improving"
    CONVERGED = "converged"
    STALLED = "stalled"
    NEVER_LEARNED = "never_learned"
    SLOW = "slow"
    OSCILLATING = "oscillating"
    DIVERGING = "diverging"
    NON_FINITE = "non_finite"
    OVERFITTING = "overfitting"
    TOO_SHORT = "too_short"

    @property
    def healthy(self) -> bool | None:
        """None where the log is too short to say."""
        if self is Status.TOO_SHORT:
            return None
        return self in (Status.IMPROVING, Status.CONVERGED)


@dataclass(frozen=True)
class Forecast:
    """What ``metric`` is expected to be at ``at_step`` if the run goes on as it is, with a 90 % interval.

    ``gain`` is the improvement over the level now, in the metric's units; negative means worse.
    """

    metric: str
    at_step: float
    value: float
    low: float
    high: float
    gain: float


@dataclass(frozen=True)
class Verdict:
    """The status of a run and the steps that matter; ``summary`` is one sentence for a person.

    ``onset_step`` is where the trouble (or the plateau) began, ``best_step`` where the judged loss was best,
    ``stop_step`` where going on stopped being worth it, ``wasted_fraction`` the share of the run after that.
    """

    status: Status
    confidence: float
    summary: str
    onset_step: float | None = None
    best_step: float | None = None
    stop_step: float | None = None
    wasted_fraction: float | None = None


@dataclass(frozen=True)
class Remedy:
    """A fix that a finding calls for, with the patch it proposes."""

    fix: Fix
    patch: Patch


@dataclass(frozen=True)
class Examination:
    """The outcome of all checks: every check that applies is in exactly one of the four."""

    findings: tuple[Finding, ...] = ()
    passed: tuple[str, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    crashed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Diagnosis:
    """The verdict on one run; ``remedies`` lists the fixes for each finding by its code."""

    run: Run
    verdict: Verdict
    examination: Examination
    forecast: Forecast | None = None
    remedies: Mapping[str, tuple[Remedy, ...]] = field(default_factory=dict)

    @property
    def status(self) -> Status:
        return self.verdict.status

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.examination.findings
