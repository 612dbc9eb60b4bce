"""GRAD003: the gradient is clipped at every step."""

from __future__ import annotations

import math

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.examples import curve, flat, noisy
from lossdoctor.core.run import Run


class GradientAlwaysClipped(Check):
    """Clipping cuts the gradient at nearly every step.

    Why it matters: the norm limit, not the gradient, then sets the length of the step: the learning rate means something else.
    How it is detected: the logged norm sits at one highest value at most points, or lies above the clipping limit where the log tells it.
    What to do: raise the limit to the usual norm, so that it only catches outliers, or lower the learning rate knowingly.
    """

    code, severity = "GRAD003", Severity.INFO
    references = ("Zhang et al. 2020, Why gradient clipping accelerates training",)
    share = 0.9  # of the points; own

    def examine(self, run: Run, grad_norm: Curve) -> Finding | None:
        norm = grad_norm.finite.value
        given = run.settings.get("training.clip_grad_norm")
        limit = float(given) if isinstance(given, int | float) and given > 0 else math.inf
        if len(norm) < 20:
            return None
        top = float(norm.max())
        at_top = float(np.mean(norm > 0.999 * top)) if np.ptp(norm) > 0 else 0.0
        over = float(np.mean(norm > limit))
        if max(at_top, over) < self.share:
            return None
        return self.finding(
            f"The gradient is clipped at {max(at_top, over):.0%} of the points, to {limit if over >= self.share else top:g}.",
            confidence=0.8,
            clipped_share=max(at_top, over),
            median_norm=float(np.median(norm)),
            limit=limit if over >= self.share else top,
        )

    sick = [
        {"run": Run({}), "grad_norm": curve([0.7] * 3 + [1.0] * 97, "grad_norm")},
        {"run": Run({}, settings={"training.clip_grad_norm": 1.0}), "grad_norm": noisy(flat(5.0, "grad_norm"), 0.1)},
    ]
    healthy = [{"run": Run({}, settings={"training.clip_grad_norm": 1.0}), "grad_norm": noisy(flat(0.5, "grad_norm"), 0.3)}]
