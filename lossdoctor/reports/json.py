"""Results as JSON, for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lossdoctor._version import __version__
from lossdoctor.core.check import Finding
from lossdoctor.core.comparison import Comparison, Judgement, Standing
from lossdoctor.core.diagnosis import Diagnosis, Forecast, Remedy
from lossdoctor.core.report import NO_CONTEXT, Context, Page, Report
from lossdoctor.core.ruling import Objection
from lossdoctor.core.text import whole
from lossdoctor.core.trial import Chosen, Effect, Level, Prescription, Proof, Treatment


class Json(Report):
    """JSON with a schema name; numbers that are not finite are null, so that every parser takes it."""

    format = "json"

    def diagnoses(self, diagnoses: Sequence[Diagnosis], page: Page, context: Context = NO_CONTEXT) -> str:
        objections = [each.objections for each in context.rulings] or [()] * len(diagnoses)
        return dump(
            {
                "schema": "lossdoctor.diagnose/1",
                "version": __version__,
                "runs": [_diagnosis(*each) for each in zip(diagnoses, objections, strict=True)],
                "comparison": _comparison(context.comparison) if context.comparison else None,
                "errors": [{"log": log, "message": message} for log, message in context.unread.items()],
            }
        )

    def proof(self, proof: Proof, page: Page, objections: Sequence[Objection] = ()) -> str:
        examination = proof.examination
        return dump(
            {
                "schema": "lossdoctor.probe/1",
                "version": __version__,
                "config": str(proof.config),
                "device": proof.device,
                "status": proof.status,
                "findings": [_finding(each, _tried(each, proof.trials)) for each in examination.findings],
                "passed": examination.passed,
                "skipped": examination.skipped,
                "crashed": examination.crashed,
                "baseline": _level(proof.baseline) if proof.baseline else None,
                "trials": [_treatment(each) for each in proof.trials],
                "void": proof.void,
                "prescription": _prescription(proof.prescription) if proof.prescription else None,
                "advice": proof.advice,
                "attribution": proof.attribution,
                "cost": vars(proof.cost),
                "interrupted": proof.interrupted,
                "objections": [vars(each) for each in objections],
            }
        )


def _diagnosis(diagnosis: Diagnosis, objections: Sequence[Objection]) -> dict[str, Any]:
    run, verdict, examination = diagnosis.run, diagnosis.verdict, diagnosis.examination
    return {
        "source": run.source,
        "name": run.name,
        "reader": run.reader,
        "steps": whole(run.steps),
        "epochs": whole(run.epochs),
        "series": run.series,
        "columns": run.columns,
        "status": verdict.status,
        "healthy": verdict.status.healthy,
        "confidence": verdict.confidence,
        "summary": verdict.summary,
        "onset_step": whole(verdict.onset_step),
        "best_step": whole(verdict.best_step),
        "stop_step": whole(verdict.stop_step),
        "wasted_fraction": verdict.wasted_fraction,
        "forecast": _forecast(diagnosis.forecast) if diagnosis.forecast else None,
        "findings": [_finding(each, diagnosis.remedies.get(each.code, ())) for each in diagnosis.findings],
        "passed": examination.passed,
        "skipped": examination.skipped,
        "crashed": examination.crashed,
        "notes": run.notes,
        "objections": [vars(each) for each in objections],
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    """Runs are named by their place in ``runs``."""
    place = {id(run): number for number, run in enumerate(comparison.runs)}
    return {
        "summary": comparison.summary,
        "metric": comparison.metric or None,
        "axis": comparison.axis or None,
        "higher_is_better": comparison.higher_is_better,
        "best": [place[id(run)] for run in comparison.best],
        "ranking": [{**_fields(each), "run": place[id(each.run)]} for each in comparison.standings],
        "left_out": [{"run": place[id(run)], "reason": reason} for run, reason in comparison.left_out],
        "changed": comparison.changed,
        "baseline": [{**_fields(each), "run": place[id(each.run)]} for each in comparison.judgements],
    }


def _fields(result: Standing | Judgement) -> dict[str, Any]:
    return {name: whole(value) if isinstance(value, float) else value for name, value in vars(result).items() if name != "run"}


def _forecast(forecast: Forecast) -> dict[str, Any]:
    return {**vars(forecast), "at_step": whole(forecast.at_step)}


def _finding(finding: Finding, remedies: Iterable[Remedy]) -> dict[str, Any]:
    return {
        "code": finding.code,
        "name": finding.name,
        "family": finding.family,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "message": finding.message,
        "step": whole(finding.step),
        "span": [whole(step) for step in finding.span] if finding.span else None,
        "evidence": finding.evidence,
        "fixes": [
            {"code": each.fix.code, "name": each.fix.name, "changes": each.patch.changes, "why": each.patch.why} for each in remedies
        ],
    }


def _tried(finding: Finding, trials: Iterable[Treatment]) -> list[Remedy]:
    """The single fixes for a finding that were tried, the one that gained most first."""
    tried = [each for each in trials if len(each.fixes) == 1 and finding.code in each.fixes[0].cures]
    tried.sort(key=lambda each: -each.effect.gain if each.effect else math.inf)
    return [Remedy(each.fixes[0], each.patch) for each in tried]


def _level(level: Level) -> dict[str, Any]:
    return {"metric": level.metric, "value": level.value, "interval": [level.low, level.high], "seeds": level.seeds}


def _treatment(treatment: Treatment) -> dict[str, Any]:
    effect = treatment.effect
    return {
        "fixes": [fix.code for fix in treatment.fixes],
        "family": " + ".join(treatment.families),
        "changes": treatment.patch.changes,
        "value": treatment.value,
        "gain": effect.gain if effect else None,
        "interval": _interval(effect),
        "seeds": effect.seeds if effect else 0,
        "steps": treatment.steps,
        "verified": treatment.verified,
        "error": treatment.error,
    }


def _prescription(prescription: Prescription) -> dict[str, Any]:
    return {
        "fixes": [_chosen(each) for each in prescription.chosen],
        "before": prescription.before,
        "after": prescription.after,
        "interval": _interval(prescription.effect),
        "verified": True,
        "config": str(prescription.config) if prescription.config else None,
    }


def _chosen(chosen: Chosen) -> dict[str, Any]:
    fix = chosen.fix
    return {"code": fix.code, "name": fix.name, "family": fix.family, "changes": chosen.patch.changes, "gain": chosen.gain}


def _interval(effect: Effect | None) -> list[float] | None:
    return [effect.low, effect.high] if effect else None


def dump(document: Any) -> str:
    """ASCII with escapes, so that text from a log can harm neither a terminal nor a parser."""
    return json.dumps(_plain(document), indent=2, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    """A value as JSON knows it: numpy scalars become numbers, what is not finite becomes null."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {_plain(str(key)): _plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, Iterable):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int) else str(value)
