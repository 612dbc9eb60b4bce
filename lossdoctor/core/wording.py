"""What every report says in the same words: shares, intervals, evidence, changes of a config, and the outcome of a probe."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from lossdoctor.core.check import Finding
from lossdoctor.core.diagnosis import Diagnosis, Forecast, Status
from lossdoctor.core.fix import Settings
from lossdoctor.core.run import Run
from lossdoctor.core.text import number, plain
from lossdoctor.core.trial import Proof, Treatment

ITEMS = 8  # of a list in the evidence that are shown
WORST_FIRST = (
    Status.NON_FINITE,
    Status.DIVERGING,
    Status.NEVER_LEARNED,
    Status.STALLED,
    Status.OSCILLATING,
    Status.OVERFITTING,
    Status.SLOW,
    Status.TOO_SHORT,
    Status.IMPROVING,
    Status.CONVERGED,
)
ALARMING = WORST_FIRST[:3]
FIRST_SERIES = ("train_loss", "val_loss", "loss", "lr", "grad_norm")  # what a diagnosis rests on


def percent(fraction: float) -> str:
    return f"{100 * fraction:.0f} %"


def interval(low: float, high: float) -> str:
    return f"{number(low)} to {number(high)}"


def title(run: Run) -> str:
    """The source of a run and, where its log holds several, its name."""
    return plain(" ".join(filter(None, (run.source, run.name))))


def badness(diagnosis: Diagnosis) -> tuple[int, float]:
    """A key that sorts diagnoses, the worst and surest first."""
    return WORST_FIRST.index(diagnosis.status), -diagnosis.verdict.confidence


def ahead(diagnosis: Diagnosis) -> Forecast | None:
    """The forecast, unless the run has already come to that step: one that went on with NaN has overtaken it."""
    forecast = diagnosis.forecast
    return forecast if forecast and forecast.at_step > diagnosis.run.steps else None


def ordered(run: Run) -> list[str]:
    """The labels of a run's series, those that a diagnosis rests on first."""
    first = [label for label in FIRST_SERIES if label in run.series]
    return [*first, *(label for label in run.series if label not in first)]


def evidence(finding: Finding) -> dict[str, str]:
    """The numbers behind a finding, by what they are."""
    return {plain(key.replace("_", " ")): _shown(value) for key, value in finding.evidence.items() if value is not None}


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_shown(item) for item in value[:ITEMS]) + (", ...]" if len(value) > ITEMS else "]")
    return number(value) if isinstance(value, int | float) and not isinstance(value, bool) else plain(str(value))


def as_yaml(value: object) -> str:
    """A value of the config as YAML would write it, on one line."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{plain(str(key))}: {as_yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(as_yaml(item) for item in value) + "]"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else plain(str(value))


def skipped_by_reason(skipped: Mapping[str, str]) -> dict[str, list[str]]:
    """The codes that were not examined, by the reason."""
    by_reason: dict[str, list[str]] = {}
    for code, reason in sorted(skipped.items()):
        by_reason.setdefault(reason, []).append(code)
    return by_reason


def metric(proof: Proof) -> str:
    """What a probe judged by."""
    return proof.baseline.metric if proof.baseline else "the loss"


def outcome(proof: Proof) -> str:
    """One sentence on what a probe came to."""
    prescription = proof.prescription
    if prescription:
        count = len(prescription.chosen)
        what = "One change takes" if count == 1 else f"{count} changes together take"
        return f"{what} {metric(proof)} from {number(prescription.before)} to {number(prescription.after)}."
    if proof.interrupted:
        return "Interrupted before anything was proved; this is what was measured until then."
    if proof.void:
        return f"Nothing can be proved until {proof.void} is fixed: the loss or the data that trials are judged by are wrong."
    if proof.unproved and proof.unproved.effect:
        fixes, effect = " + ".join(f"{fix.code} {fix.name}" for fix in proof.unproved.fixes), proof.unproved.effect
        return f"Nothing is proved: the budget was spent when {fixes} had gained {number(effect.gain)}; --steps or --budget can add to it."
    if proof.trials:
        return "Nothing to prescribe: no change that was tried helps beyond the seed-to-seed noise."
    found = len(proof.examination.findings)
    return f"Examined, not searched: {found or 'no'} finding{'' if found == 1 else 's'}."


def before(proof: Proof) -> Settings:
    """The config that was probed, for what the prescription changes in it; nothing where the file has gone since."""
    from lossdoctor.core.config import load
    from lossdoctor.core.errors import BadConfig

    try:
        return Settings(load(proof.config).values)
    except BadConfig:
        return Settings()


def ranked(trials: Sequence[Treatment]) -> list[Treatment]:
    """The trials that finished: the proved one first, then by gain."""

    def place(trial: Treatment) -> tuple[bool, float]:
        return not trial.verified, -trial.effect.gain if trial.effect and math.isfinite(trial.effect.gain) else math.inf

    return sorted((trial for trial in trials if not trial.error), key=place)


def failures(trials: Sequence[Treatment]) -> dict[str, list[str]]:
    """The fixes whose trials did not finish, by the error."""
    failed: dict[str, list[str]] = {}
    for trial in trials:
        codes = failed.setdefault(trial.error, []) if trial.error else []
        if (code := "+".join(fix.code for fix in trial.fixes)) not in codes:
            codes.append(code)
    return failed


def yaml_diff(changes: Mapping[str, object], settings: Settings) -> list[tuple[str, str]]:
    """Changes of a config as the lines of a YAML diff: the sign (blank, ``-`` or ``+``) and the line.

    ``settings`` is the config before, as far as it is known; a value that is not known has no ``-`` line.
    """
    lines: list[tuple[str, str]] = []
    opened: list[str] = []
    for key in sorted(changes):
        *sections, last = plain(key).split(".")
        for depth, section in enumerate(sections):
            if opened[depth : depth + 1] != [section]:
                opened = [*opened[:depth], section]
                lines.append((" ", f"{'  ' * depth}{section}:"))
        opened = opened[: len(sections)]
        pad, old = "  " * len(sections), settings.get(key)
        if old is not None:
            lines.append(("-", f"{pad}{last}: {as_yaml(old)}"))
        lines.append(("+", f"{pad}{last}: {as_yaml(changes[key])}"))
    return lines
