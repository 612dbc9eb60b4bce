"""GRAD102: the gradient grows on its way to the first layers, or jumps in the first steps."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Gradients, Plan, ShortRun


class GradientExplodesAtStart(Check):
    """The gradient is many times larger at the first layer than at the last, or many times its usual size within the first steps.

    Why it matters: a step that suits the last layer throws the first one far away.
    How it is detected: one backward pass, first layer against last; then the largest norm of a few steps against their median, where the
    loss rose with it. A config that clips the gradient is passed over.
    What to do: clip the norm (`training.clip_grad_norm: 1.0`), smaller weights, normalization, a lower learning rate.
    """

    code, severity = "GRAD102", Severity.WARNING
    requires = frozenset({"PRE101", "PRE102", "PRE104", "PRE105", "PRE106", "INIT103", "LR101", "OPT101", "LOSS104", "BATCH103"})
    references = ("Pascanu et al. 2013, On the Difficulty of Training Recurrent Neural Networks", "Zhang et al. 2021, AutoTrainer")
    ratio = 70.0  # first over last; AutoTrainer
    jump = 10.0  # largest over median; AutoTrainer

    def examine(self, gradients: Gradients, short_run: ShortRun | None, plan: Plan) -> Finding | None:
        if plan.clipped or len(gradients.norm) < 2 or not np.isfinite(gradients.norm).all():
            return None
        first, last = float(gradients.norm[0]), float(gradients.norm[-1])
        if len(gradients.norm) > 2 and last > 0 and first > self.ratio * last:
            return self.finding(
                f"The gradient grows from {last:.2g} at the last layer to {first:.2g} at the first, {gradients.layers[0]}.",
                confidence=0.72,
                layer=gradients.layers[0],
                ratio=first / last,
            )
        if short_run is None or not len(short_run.norms):
            return None
        known = short_run.norms[np.isfinite(short_run.norms)]
        worse = not np.isfinite(short_run.losses[-1]) or short_run.losses.max() > 2 * short_run.losses[0]
        if len(known) < 5 or known.max() < self.jump * np.median(known) or not worse:
            return None
        return self.finding(
            f"Within {len(short_run.norms)} steps the gradient jumps to {known.max():.3g}; its usual norm is {np.median(known):.3g}.",
            confidence=0.7,
            layer=gradients.layers[0],
            ratio=float(known.max() / np.median(known)),
        )

    _even = Gradients(("0", "2", "4"), np.array([0.2, 0.2, 0.5]), np.full(3, 1e-3), np.ones(3), np.zeros(3))
    _steep = Gradients(("0", "2", "4"), np.array([90.0, 5.0, 0.5]), np.full(3, 1e-3), np.ones(3), np.zeros(3))
    sick = [{"gradients": _steep, "short_run": None, "plan": Plan()}]
    healthy = [
        {"gradients": _even, "short_run": None, "plan": Plan()},
        {"gradients": _steep, "short_run": None, "plan": Plan(clipped=True)},
    ]
