"""BATCH103: batches of a few examples, whose gradient is noise, at a learning rate for larger ones."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Curvature, Pass, Plan, ShortRun

SCALES = {"PRE101", "PRE102", "PRE104", "PRE105", "PRE106"}


class TooNoisy(Check):
    """Each batch holds a handful of examples, and at this learning rate their noise undoes what the steps learn.

    Why it matters: a step follows what few examples have in common by chance; the rate that suits 32 of them is several times too high.
    How it is detected: the noise scale of the gradient against the batch size, and the loss on the same examples over the first steps,
    which does not come down.
    What to do: batches of 16 to 64 (`training.batch_size: 32`), or a rate lower by the square root of what the batch is smaller.
    """

    code, severity = "BATCH103", Severity.WARNING
    requires = frozenset({"LR101", "OPT101", "NORM101", "LAB101", "LAB102", "LOSS102", "LOSS103", "LOSS104", "INIT102", "INIT103"} | SCALES)
    references = ("McCandlish et al. 2018, An Empirical Model of Large-Batch Training", "Smith et al. 2018, Don't Decay the Learning Rate")
    few = 4  # examples of a batch
    factor = 4.0  # noise scale over batch size; own

    def examine(self, plan: Plan, curvature: Curvature, short_run: ShortRun) -> Finding | None:
        losses, noisy = short_run.losses, curvature.noise_scale > self.factor * plan.batch_size
        if plan.batch_size > self.few or not noisy or len(losses) < 20 or not np.isfinite(losses).all():
            return None
        late = float(np.median(losses[-len(losses) // 4 :]))
        if late < losses[0]:
            return None
        return self.finding(
            f"Batches hold {plan.batch_size} example{'s' * (plan.batch_size > 1)}, noise and gradient are of equal size at "
            f"{curvature.noise_scale:.0f}; over {len(losses) - 1} steps the loss goes from {losses[0]:.4g} to {late:.4g}.",
            confidence=0.8,
            batch_size=plan.batch_size,
            noise_scale=curvature.noise_scale,
            loss=late,
        )

    _run = {end: ShortRun(np.linspace(2.3, end, 41), np.ones(40), 1e-3, (), Pass(())) for end in (4.0, 0.8)}
    _plan, _noise = Plan(batch_size=1), Curvature(critical=0.1, noise_scale=40.0)
    sick = [{"plan": _plan, "curvature": _noise, "short_run": _run[4.0]}]
    healthy = [
        {"plan": _plan, "curvature": _noise, "short_run": _run[0.8]},
        {"plan": Plan(batch_size=32), "curvature": _noise, "short_run": _run[4.0]},
    ]
