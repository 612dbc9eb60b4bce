"""PRE105: regression targets far from the scale of the outputs."""

from __future__ import annotations

import math
from typing import Any

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Output, Plan, Targets


class TargetScale(Check):
    """The targets of a regression lie far from the scale on which the model puts out.

    Why it matters: outputs start near 0 with a spread under 1. Targets in the hundreds make gradients that blow up plain descent, while
    Adam, whose steps are bounded, needs thousands of them to get there.
    How it is detected: mean and standard deviation of the targets against 0, 1 and the untrained outputs.
    What to do: standardize the targets: `data.standardize_target: true`, or start the output bias at their mean.
    """

    code, severity = "PRE105", Severity.WARNING
    references = ("LeCun et al. 1998, Efficient BackProp, 4.3", "Karpathy 2019, A Recipe for Training Neural Networks")
    large = 10.0  # size of the targets; own
    tiny = 0.03  # size of the targets over that of the outputs; own
    far = 5.0  # standard deviations of the mean from zero; own

    def examine(self, targets: Targets, plan: Plan, output: Output | None) -> Finding | None:
        size = math.hypot(targets.mean, targets.std)
        starting = math.hypot(output.mean, output.std) if output else 1.0
        if plan.task != "regression" or plan.custom or 0.3 * size < starting < size / self.tiny:
            return None
        numbers: dict[str, Any] = {"mean": targets.mean, "std": targets.std, "output_std": output.std if output else None}
        if size > self.large:
            return self.finding(
                f"The targets have mean {targets.mean:.4g} and deviation {targets.std:.4g}; the outputs start at about {starting:.2g}.",
                confidence=round(min(0.92, 0.68 + 0.12 * math.log10(size / 10)), 2),
                **numbers,
            )
        if abs(targets.mean) > self.far * targets.std > 0:
            return self.finding(
                f"The targets lie {abs(targets.mean) / targets.std:.3g} standard deviations from zero, where the outputs start.",
                confidence=0.6,
                **numbers,
            )
        if 0 < size < self.tiny * min(starting, 1.0):
            return self.finding(
                f"The targets are of size {size:.2g}, far under the outputs at the start, {starting:.2g}.", confidence=0.6, **numbers
            )
        return None

    _plan, _start = Plan(task="regression", loss="mse_loss"), Output((8, 1), "free", -9.0, 9.0, 0.0, 0.3)
    sick = [{"targets": Targets(15_000.0, 7_700.0, 2_500.0, 34_600.0), "plan": _plan, "output": _start}]
    healthy = [{"targets": Targets(0.0, 1.0, -2.0, 3.0), "plan": _plan, "output": _start}]
