"""ACT102: activations at the ends of their range."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Operation, Pass, ShortRun


class SaturatedUnits(Check):
    """More than half of the outputs of a hidden sigmoid or tanh lie at the ends of its range.

    Why it matters: there the slope is almost zero, so next to no gradient reaches the layers before it.
    How it is detected: hidden outputs within 1 % of a bound, on training examples, before training and after a few steps.
    What to do: smaller weights, standardized inputs or normalization before the activation; ReLU in its place. Softmax belongs at the
    output alone.
    """

    code, severity = "ACT102", Severity.WARNING
    requires = frozenset({"PRE101", "PRE102", "PRE104", "PRE106", "PRE112", "INIT103", "LR101"})
    references = ("Glorot and Bengio 2010, Understanding the Difficulty of Training Deep Feedforward Networks",)
    share = 0.5  # of the outputs; SageMaker Debugger, DeepDiagnosis

    def examine(self, forward_pass: Pass, short_run: ShortRun | None) -> Finding | None:
        softmax = next((o for o in forward_pass.hidden if o.function == "softmax" and o.units > 2), None)
        if softmax is not None:
            return self.finding(
                f"Layer {softmax.layer} uses softmax between hidden layers: {softmax.units} units share a sum of one and hardly vary.",
                confidence=0.9,
                layer=softmax.layer,
                saturated=softmax.saturated,
            )
        passes = [("before training", forward_pass), *([("after a few steps", short_run.after)] if short_run else [])]
        for when, seen in passes:
            worst = max(seen.hidden, key=lambda o: o.saturated, default=Operation("", "activation", ""))
            if worst.saturated > self.share:
                return self.finding(
                    f"{worst.saturated:.0%} of the outputs of {worst.function} in layer {worst.layer} lie at the ends of its range {when}.",
                    confidence=0.82,
                    layer=worst.layer,
                    saturated=worst.saturated,
                )
        return None

    _tanh = {
        share: Pass((Operation("1", "activation", "tanh", saturated=share), Operation("2", "weighted", "linear"))) for share in (0.02, 0.8)
    }
    sick = [{"forward_pass": _tanh[0.8], "short_run": None}]
    healthy = [{"forward_pass": _tanh[0.02], "short_run": None}]
