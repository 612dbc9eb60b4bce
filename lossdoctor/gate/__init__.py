"""Whether a run fails: its policy (``rules``), where that is declared (``declared``), and the ruling on each run."""

from __future__ import annotations

from collections.abc import Sequence

from lossdoctor.core.comparison import Comparison
from lossdoctor.core.diagnosis import Diagnosis
from lossdoctor.core.ruling import Ruling
from lossdoctor.core.text import number, plain
from lossdoctor.core.wording import title
from lossdoctor.gate.declared import PARSERS, policy
from lossdoctor.gate.rules import UNHEALTHY, Goal, Policy

__all__ = ["PARSERS", "UNHEALTHY", "Goal", "Policy", "gate", "line", "policy"]


def gate(diagnoses: Sequence[Diagnosis], policy: Policy, comparison: Comparison | None = None) -> list[Ruling]:
    """Rule on each run; ``comparison`` holds what the baselines say."""
    return [Ruling(each, tuple(policy.objections(each, comparison))) for each in diagnoses]


def line(ruling: Ruling) -> str:
    """``FAIL  run.csv  stalled (0.93): It is flat since step 1200. LR001 It swings.``"""
    run, verdict = ruling.diagnosis.run, ruling.diagnosis.verdict
    others = [f"{each.rule} {each.message}" for each in ruling.objections if each.rule != verdict.status]
    reason = plain(" ".join([verdict.summary, *others]))
    return f"{'FAIL' if ruling.failed else 'pass'}  {title(run)}  {verdict.status} ({number(verdict.confidence)}): {reason}"
