"""LR005: the first steps are too long."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.examples import curve, falling
from lossdoctor.core.shape import Shape, shape
from lossdoctor.core.statistics import noise


class NoWarmUp(Check):
    """The loss shoots up in the first steps before it comes down: the run starts with a learning rate it is not ready for.

    Why it matters: the first steps throw the weights far away, often into saturated or dead units that never come back.
    How it is detected: within the first tenth the loss rises to a multiple of its first value and then falls below it.
    What to do: warm the learning rate up over the first few per cent of the steps, or lower it.
    """

    code, severity = "LR005", Severity.WARNING
    requires = frozenset({"NUM001", "LR001"})
    references = ("Goyal et al. 2017, Accurate, Large Minibatch SGD", "Gotmare et al. 2019, A Closer Look at Deep Learning Heuristics")
    rise = 1.5  # times the first value; own
    fewest = 30  # points

    def examine(self, train_shape: Shape) -> Finding | None:
        curve = train_shape.curve
        first = float(curve.value[0])
        if len(curve) < self.fewest or first <= 0 or train_shape.end >= first:
            return None
        early = curve.smooth(3).value[: max(3, len(curve) // 10)]
        peak = int(early.argmax())
        height = float(early[peak]) / first
        if peak == 0 or height < self.rise or early[peak] - first < 6 * noise(curve.value[: max(8, len(curve) // 4)]):
            return None
        return self.finding(
            f"The loss rises to {height:.1f} times its first value by step {curve.step[peak]:g} before it falls: no warm-up.",
            confidence=0.7,
            step=float(curve.step[0]),
            span=(float(curve.step[0]), float(curve.step[peak])),
            peak_over_first=height,
        )

    sick = [{"train_shape": shape(curve(np.concatenate([np.linspace(2.3, 9.0, 10), falling(8.0, 0.5).value])))}]
    healthy = [{"train_shape": shape(falling())}]
