"""The verdict: the first rule that holds, and how sure it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lossdoctor.core.curve import Curve
from lossdoctor.core.diagnosis import Forecast, Status, Verdict
from lossdoctor.core.run import Run
from lossdoctor.core.shape import Shape
from lossdoctor.signals.forecast import Projection
from lossdoctor.signals.status._case import FEWEST, Case
from lossdoctor.signals.status._falling import healthy, slow, stalled
from lossdoctor.signals.status._learned_nothing import guessing, never_learned
from lossdoctor.signals.status._wrong_way import diverging, oscillating, overfitting, recurring

SURE = 0.55  # a sick verdict below this surety is not given
RIGHT = {
    Status.IMPROVING: (0.3, 0.72),
    Status.CONVERGED: (0.49, 0.84),
    Status.STALLED: (0.45, 0.74),
    Status.NEVER_LEARNED: (0.8, 0.84),
    Status.SLOW: (0.55, 0.62),
    Status.OSCILLATING: (0.6, 0.7),
    Status.DIVERGING: (0.9, 0.95),
    Status.OVERFITTING: (0.6, 0.97),
}
"""The share of verdicts that are right at a surety of 0.55 and of 0.95: straight lines fitted to benchmarks/diagnose.py,
development part, with three more points near 0.8 so that a handful of runs proves little. Rounded, and where the fit rested on few runs
set nearer to 0.8 by hand (improving, stalled and overfitting at 0.55; all that oscillates)."""


def verdict(
    run: Run,
    judged_loss: Curve | None,
    judged: Shape | None,
    judged_sign: float | None,
    train_shape: Shape | None,
    val_shape: Shape | None,
    accuracy: Curve | None,
    learned_share: float | None,
    constant_guess: bool | None,
    lr: Curve | None,
    projection: Projection | None,
    forecast: Forecast | None,
    lr_spent_step: float | None,
    fall_before_spent: float | None,
    halt_step: float | None,
    excess: float | None,
    double_softmax: int | None,
    period: float | None,
    level_kept: float | None,
    non_finite_step: float | None,
) -> Verdict:
    """The status of the run, with the steps that matter."""
    if non_finite_step is not None:
        return _non_finite(run, judged, non_finite_step)
    if judged is None or judged_loss is None:
        game = any("loss" in label for label in run.curves)
        text = "The log has only losses of a game, which need not fall when all is well: none tells how the run goes."
        return Verdict(Status.TOO_SHORT, 1.0, text if game else "The log has no loss to judge.")
    if len(judged_loss) < FEWEST:
        are = "1 point of {} is" if len(judged_loss) == 1 else f"{len(judged_loss)} points of {{}} are"
        return Verdict(Status.TOO_SHORT, 1.0, are.format(judged_loss.label) + " too few to say.")
    case = Case(
        judged=judged,
        sign=judged_sign or 1.0,
        train=train_shape,
        val=val_shape,
        accuracy=accuracy,
        learned=learned_share,
        constant_guess=constant_guess,
        lr=lr,
        projection=projection,
        forecast=forecast,
        spent_step=lr_spent_step,
        fall_before_spent=fall_before_spent,
        halt_step=halt_step,
        excess=excess,
        double_softmax=double_softmax,
        period=period,
        level_kept=level_kept,
        cut=_is_cut(judged_loss),
    )
    for rule in (recurring, diverging, guessing, overfitting, oscillating, never_learned, slow, stalled):
        found = rule(case)
        if found and found.confidence >= SURE:
            return _calibrated(found, case)
    return _calibrated(healthy(case), case)


def _is_cut(curve: Curve) -> bool:
    """Whether a log that moves begins late: with more steps, or epochs, before its first point than it tells of."""
    axes = [curve.step] if curve.epoch is None else [curve.step, curve.epoch - 1]
    late = any(axis[0] - (axis[-1] - axis[0]) / len(axis) > axis[-1] - axis[0] > 0 for axis in axes)
    return late and (float(np.ptp(curve.value)) > 0 or curve.value[0] == 0)


def _calibrated(verdict: Verdict, case: Case) -> Verdict:
    """The verdict with the share of such verdicts that are right for its confidence; a few points are never sure of anything."""
    if verdict.status not in RIGHT:
        return verdict
    confidence = float(np.interp(verdict.confidence, (0.55, 0.95), RIGHT[verdict.status]))
    return replace(verdict, confidence=round(min(confidence, case.most), 3))


def _non_finite(run: Run, judged: Shape | None, step: float) -> Verdict:
    hidden = judged is not None and judged.curve.step[-1] >= step and judged.end == 0
    best = judged.best_step if judged is not None and judged.best_step <= step else None
    wasted = (run.steps - step) / run.steps if run.steps > 0 else None
    shown = ": it is shown as 0, but the gradient has no finite norm" if hidden else ""
    return Verdict(Status.NON_FINITE, 0.99, f"The loss is not a number from step {step:g} on{shown}.", step, best, step, wasted)
