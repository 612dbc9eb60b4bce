"""BATCH102: batches far above the noise scale of the gradient."""

from __future__ import annotations

import math

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Curvature, Plan


class AboveNoiseScale(Check):
    """At the start, batches are many times larger than the noise of the gradient asks for.

    Why it matters: beyond the noise scale a larger batch hardly makes a step better, and there are fewer of them.
    How it is detected: the gradients of parts of a batch against that of the whole, which give the batch size at which noise and gradient
    are of equal size. It grows during training, so that this speaks of the first part alone.
    What to do: smaller batches, more steps; nothing where time per epoch is what counts.
    """

    code, severity = "BATCH102", Severity.INFO
    requires = frozenset({"BATCH101"})
    references = ("McCandlish et al. 2018, An Empirical Model of Large-Batch Training",)
    factor = 20.0  # batch over noise scale; own
    many = 2000  # steps of which there are enough in any case; own

    def examine(self, curvature: Curvature, plan: Plan) -> Finding | None:
        scale = max(curvature.noise_scale, 1.0)
        if math.isnan(curvature.noise_scale) or min(plan.batch_size, plan.examples) < self.factor * scale or plan.steps > self.many:
            return None
        return self.finding(
            f"A batch holds {plan.batch_size} examples; at the start noise and gradient are of equal size at {scale:.0f}.",
            confidence=0.5,
            batch_size=plan.batch_size,
            noise_scale=scale,
        )

    sick = [{"curvature": Curvature(critical=0.1, noise_scale=8.0), "plan": Plan(batch_size=512, steps=100)}]
    healthy = [{"curvature": Curvature(critical=0.1, noise_scale=80.0), "plan": Plan(batch_size=512, steps=100)}]
