"""HW001: steps become slower."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.examples import flat, noisy, stepping
from lossdoctor.core.statistics import bins


class StepTimeCliff(Check):
    """Steps take much longer from some point on, and stay so.

    Why it matters: the same training costs a multiple: memory that fills, a slower disk, a throttled or shared device.
    How it is detected: the split of the step times into two stretches with the largest ratio of medians.
    What to do: look at what happened there: memory growth, checkpoints, other jobs, temperature; look for tensors kept alive.
    """

    code, severity = "HW001", Severity.WARNING
    references = ("Amazon SageMaker Debugger, step outlier rule",)
    slower = 1.5  # times the median before; own
    fewest = 40  # points

    def examine(self, step_time: Curve) -> Finding | None:
        time = bins(step_time.finite, 1024)
        if len(time) < self.fewest:
            return None
        cuts = np.linspace(0.1, 0.9, 33) * len(time)
        ratio, cut = max((_ratio(time.value, int(cut)), int(cut)) for cut in cuts)
        if ratio < self.slower:
            return None
        return self.finding(
            f"Steps take {ratio:.1f} times as long from step {time.step[cut]:g} on.",
            confidence=0.8,
            step=float(time.step[cut]),
            span=(float(time.step[cut]), float(time.step[-1])),
            before=float(np.median(time.value[:cut])),
            after=float(np.median(time.value[cut:])),
            ratio=ratio,
        )

    sick = [{"step_time": noisy(stepping(0.1, 0.3, label="step_time"), 0.05)}]
    healthy = [{"step_time": noisy(flat(0.1, "step_time"), 0.2)}]


def _ratio(value: np.ndarray, cut: int) -> float:
    """The lower quartile after over the upper quartile before: both sides must agree with themselves."""
    before, after = np.quantile(value[:cut], 0.75), np.quantile(value[cut:], 0.25)
    return float(after / before) if before > 0 else 0.0
