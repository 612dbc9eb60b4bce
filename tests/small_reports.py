"""Diagnoses and proofs made by hand, and the contrast of colours: what the tests of reports share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lossdoctor.core.check import Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.diagnosis import Diagnosis, Examination, Forecast, Remedy, Status, Verdict
from lossdoctor.core.fix import Fix, Patch
from lossdoctor.core.run import Run
from lossdoctor.core.trial import Chosen, Cost, Effect, Level, Prescription, Proof, Treatment


class LowerLearningRate(Fix):
    """Train with a smaller learning rate.

    In your code: `torch.optim.Adam(model.parameters(), lr=1e-3)`: a tenth of the lr that is there.
    """

    code = "FLR01"
    cures = frozenset({"LR001"})


class Standardize(Fix):
    """Standardize the inputs."""

    code = "FPRE01"


LowerLearningRate.family, Standardize.family = "learning_rate", "preprocessing"

WHY = "the swings grow with the rate"
IMB001 = Finding("IMB001", "accuracy-hides-classes", "class_imbalance", Severity.WARNING, 0.6, "One class alone.")


def finding(code: str = "LR001", severity: Severity = Severity.WARNING, message: str = "It swings.", **evidence: Any) -> Finding:
    known = {"swing": 0.31} | evidence
    return Finding(code, "learning-rate-too-high", "learning_rate", severity, 0.9, message, 300.0, (300.0, 490.0), known)


def curve(values: Any, split: str = "train", metric: str = "loss", step: Any = None) -> Curve:
    values = np.asarray(values, dtype=float)
    return Curve(metric, split, np.arange(len(values), dtype=float) if step is None else np.asarray(step, dtype=float), values)


def noisy(length: int, seed: int = 0) -> np.ndarray:
    return 2 * np.exp(-np.arange(length) / length * 4) + 0.3 + np.random.default_rng(seed).normal(0, 0.05, length)


def diagnosis(
    source: str = "runs/a.csv",
    status: Status = Status.STALLED,
    findings: Sequence[Finding] | None = None,
    *,
    length: int = 500,
    name: str = "",
    text: str = "",
    **verdict: float,
) -> Diagnosis:
    """A run with two findings, one of which has a remedy; ``text`` stands for each text that the log could have brought in."""
    if findings is None:
        findings = (finding(message=text or "It swings.", **({text: text} if text else {})), IMB001)
    metric, reason = text or "f1", text or "the log has no step time"
    run = Run(
        {
            "train_loss": curve(noisy(length)),
            "val_loss": curve(noisy(length // 10), "val", step=np.arange(length // 10) * 10),
            "lr": curve(np.linspace(0.1, 0.0, length), "", "lr"),
            f"val_{metric}": curve(1 - noisy(length), "val", metric),
        },
        source,
        "csv",
        name,
        {"train_loss": text or "loss", "val_loss": "dev loss"},
        settings={"training.optimizer.lr": 0.1},
        notes=(text or "3 rows repeat a step",),
    )
    steps = {"onset_step": 300.0, "best_step": 290.0, "stop_step": 350.0, "wasted_fraction": 0.41} | verdict
    remedy = Remedy(LowerLearningRate(), Patch({"training.optimizer.lr": 0.003} | ({f"model.{text}": text} if text else {}), text or WHY))
    return Diagnosis(
        run,
        Verdict(status, 0.93, text or "Flat although lower is within reach.", **steps),
        Examination(tuple(findings), ("GRAD001",), {"HW001": reason, "HW002": reason}, {"LR002": text} if text else {}),
        Forecast("val_loss", length * 1.2, 0.29, 0.2, 0.4, 0.01),
        {each.code: (remedy,) for each in findings if each.code in LowerLearningRate.cures},
    )


def proof(status: Status = Status.NEVER_LEARNED, *, proved: bool = True, text: str = "") -> Proof:
    """One change proved, one that made it worse, one that failed; ``text`` as in a diagnosis."""
    patch, scaled = Patch({"training.optimizer.lr": 0.003}, text or WHY), Patch({"data.standardize": True}, text or "features differ")
    before = Run({"train_loss": curve(np.full(20, 2.3)), "val_loss": curve(np.full(20, 2.31), "val")}, text)
    after = Run({"train_loss": curve(noisy(20)), "val_loss": curve(noisy(20), "val")}, text)
    effect = Effect(1.99, 1.9, 2.1, 3)
    chosen = (Chosen(LowerLearningRate(), patch, 1.4), Chosen(Standardize(), scaled, 0.6))
    return Proof(
        Path("config.yaml"),
        "cpu",
        status,
        diagnosis(text=text).examination,
        baseline=Level("val_loss", 2.3, 2.29, 2.31, 3),
        trials=(
            Treatment((LowerLearningRate(),), patch, 0.31, effect, 400, verified=proved),
            Treatment((LowerLearningRate(),), Patch({"training.optimizer.lr": 9.0}), 30.0, Effect(-27.7, -27.7, -27.7, 1), 400),
            Treatment((Standardize(),), scaled, np.inf, None, 12, error=text or "the loss became NaN"),
        ),
        prescription=Prescription(chosen, patch, 2.3, 0.31, effect, Path("config.fixed.yaml"), after) if proved else None,
        advice=(text or "Row 3 has a wrong label.",),
        attribution={"learning_rate": 0.7, "preprocessing": 0.3},
        cost=Cost(41.0, 5200, 0.8),
        run=before,
    )


def contrast(one: Sequence[float], other: Sequence[float]) -> float:
    """The contrast ratio of two sRGB colours of 0 to 255, as WCAG 2 defines it; linear up to 0.04045, as sRGB itself is."""

    def luminance(colour: Sequence[float]) -> float:
        linear = [part / 12.92 if (part := each / 255) <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for each in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
