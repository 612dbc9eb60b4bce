"""GRAD001: exploding gradients."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.diagnosis import Verdict
from lossdoctor.core.examples import curve, flat, noisy, spiky, verdict
from lossdoctor.core.statistics import local_median


class ExplodingGradient(Check):
    """The gradient norm jumps to many times its running median.

    Why it matters: one such step can undo hours of training, or end in NaN.
    How it is detected: points of the gradient norm over 10 times the running median, over twice that of the points before them, and over
    the norm at the start. A norm that begins high and comes down through the warm-up does not jump.
    What to do: clip the gradient norm near its usual size; lower the learning rate; look at the batches of those steps.
    """

    code, severity = "GRAD001", Severity.WARNING
    references = ("Pascanu et al. 2013, On the difficulty of training recurrent neural networks", "Zhang et al. 2021, AutoTrainer")
    ratio = 10.0  # times the running median; AutoTrainer
    sudden = 2.0  # times the median of the points before; own
    fewest = 2  # such points
    window = 51  # points of the running median

    def examine(self, verdict: Verdict, grad_norm: Curve) -> Finding | None:
        norm = grad_norm.finite
        if len(norm) < 10:
            return None
        usual = local_median(norm.value, min(self.window, len(norm) // 2))
        times = norm.value / np.where(usual > 0, usual, np.inf)
        times[: max(1, len(norm) // 20)] = 0.0  # the start may be rough
        early = float(np.median(norm.value[: max(1, len(norm) // 10)]))
        far = np.flatnonzero((times > self.ratio) & (norm.value > early))  # near a solved loss, small norms jump without harm
        before = [np.median(norm.value[max(0, at - self.window // 2) : at]) for at in far]
        far = far[norm.value[far] > self.sudden * np.array(before)]
        if len(far) < self.fewest:
            return None
        worst = float(times[far].max())
        return self.finding(
            f"The gradient norm is over {self.ratio:g} times its running median at {len(far)} points, {worst:.0f} times at worst.",
            confidence=0.5,
            severity=Severity.INFO if verdict.status.healthy else None,  # the loss came through
            step=float(norm.step[far[0]]),
            worst_ratio=worst,
            points=len(far),
            median_norm=float(np.median(norm.value)),
        )

    sick = [{"verdict": verdict("diverging"), "grad_norm": spiky(flat(1.0, "grad_norm"), 50)}]
    healthy = [
        {"verdict": verdict("converged"), "grad_norm": noisy(flat(1.0, "grad_norm"), 0.3)},
        {"verdict": verdict("never_learned"), "grad_norm": curve([18, 15, 17, 9, 20, 8, 21, 7, 19] + [0.3] * 51, "grad_norm")},
    ]
