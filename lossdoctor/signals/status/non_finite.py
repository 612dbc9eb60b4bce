"""A loss that is no number."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.curve import Curve
from lossdoctor.core.run import Run

SHOWN = 3  # points of a loss of 0 without a finite gradient that are no accident


def non_finite_step(run: Run, train_loss: Curve | None, val_loss: Curve | None, grad_norm: Curve | None) -> float | None:
    """The step from which a loss is NaN or infinite to its end.

    A loss that recovers, or NaN in other columns, does not count; one that is shown as 0 beside a gradient without a finite norm does.

    Absent: every loss is finite at its end.
    """
    losses = [curve for curve in (train_loss, val_loss) if curve is not None]
    losses = losses or [curve for label, curve in run.curves.items() if "loss" in label]
    steps = [step for curve in losses if (step := _lost(curve)) is not None]
    hidden = None if train_loss is None or grad_norm is None else _shown_as_zero(train_loss, grad_norm)
    return min([*steps, *([] if hidden is None else [hidden])], default=None)


def _shown_as_zero(loss: Curve, grad_norm: Curve) -> float | None:
    """Where a loss of exactly 0 to the end begins under which no gradient has a finite norm: Transformers logs NaN as 0."""
    lost = (loss.value[::-1] == 0).argmin() if (loss.value != 0).any() else len(loss)
    if lost < SHOWN:
        return None
    step = float(loss.step[-lost])
    norm = grad_norm.since(step)
    return step if len(norm) >= SHOWN and not len(norm.finite) else None


def _lost(curve: Curve) -> float | None:
    """Where the run of non-finite values at the end of a curve begins, if it is longer than any the curve recovered from."""
    bad = ~np.isfinite(curve.value)
    if not len(bad) or not bad[-1]:
        return None
    good = np.flatnonzero(~bad)
    onset = int(good[-1]) + 1 if len(good) else 0
    gaps = np.diff(good) - 1
    recovered = int(gaps.max()) if len(gaps) else 0
    return float(curve.step[onset]) if len(bad) - onset > recovered else None
