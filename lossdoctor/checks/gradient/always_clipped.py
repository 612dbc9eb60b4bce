"""GRAD003: the gradient is clipped at every step."""

from __future__ import annotations

import math

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.diagnosis import Verdict
from lossdoctor.core.examples import curve, flat, noisy, verdict
from lossdoctor.core.run import Run


class GradientAlwaysClipped(Check):
    """Clipping cuts the gradient at nearly every step.

    Why it matters: the norm limit, not the gradient, then sets the length of the step: the learning rate means something else.
    How it is detected: the logged norm sits at one highest value at most points, or lies above the clipping limit where the log tells it.
    Ten times above it in a run that is ill, clipping is a likely cause, except for Adam and the like, which divide by the norm anyway.
    What to do: raise the limit to the usual norm, so that it only catches outliers, or lower the learning rate knowingly.
    """

    code, severity = "GRAD003", Severity.INFO
    references = ("Zhang et al. 2020, Why gradient clipping accelerates training",)
    share = 0.9  # of the points; own
    fewest = 20  # points
    fewest_told = 5  # points, where the log tells the limit
    far = 10.0  # times the limit; own
    plain = ("sgd", "asgd", "lbfgs")  # optimizers whose steps are as long as the gradient

    def examine(self, run: Run, grad_norm: Curve, verdict: Verdict | None) -> Finding | None:
        norm = grad_norm.finite.value
        given = run.settings.get("training.clip_grad_norm")
        limit = float(given) if isinstance(given, int | float) and given > 0 else math.inf
        if len(norm) < (self.fewest_told if limit < math.inf else self.fewest):
            return None
        top, usual = float(norm.max()), float(np.median(norm))
        at_top = float(np.mean(norm > 0.999 * top)) if np.ptp(norm) > 0 and len(norm) >= self.fewest else 0.0
        over = float(np.mean(norm > limit))
        if max(at_top, over) < self.share:
            return None
        ill = verdict is not None and verdict.status.healthy is False
        plain = str(run.settings.get("training.optimizer.name", "")).lower() in self.plain
        return self.finding(
            f"The gradient is clipped at {max(at_top, over):.0%} of the points, to {limit if over >= self.share else top:g}"
            + (f"; its usual norm is {usual:.3g}." if over >= self.share else "."),
            confidence=0.8,
            severity=Severity.WARNING if ill and plain and usual > self.far * limit else None,
            clipped_share=max(at_top, over),
            median_norm=usual,
            limit=limit if over >= self.share else top,
        )

    sick = [
        {"run": Run({}), "grad_norm": curve([0.7] * 3 + [1.0] * 97, "grad_norm"), "verdict": None},
        {"run": Run({}, settings={"training.clip_grad_norm": 1.0}), "grad_norm": noisy(flat(5.0, "grad_norm"), 0.1), "verdict": None},
        {
            "run": Run({}, settings={"training.clip_grad_norm": 1e-3, "training.optimizer.name": "sgd"}),
            "grad_norm": curve([0.3, 0.2, 0.2, 0.3, 0.2], "grad_norm"),
            "verdict": verdict("never_learned"),
        },
    ]
    healthy = [
        {"run": Run({}, settings={"training.clip_grad_norm": 1.0}), "grad_norm": noisy(flat(0.5, "grad_norm"), 0.3), "verdict": None}
    ]
