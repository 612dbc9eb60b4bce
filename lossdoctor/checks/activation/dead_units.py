"""ACT101: units that are zero for every example."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Operation, Pass, ShortRun


class DeadUnits(Check):
    """More than half of the units of a hidden layer are zero for every example.

    Why it matters: a rectifier that is zero for all examples passes no gradient; its weights, and those below it, never change again.
    How it is detected: the outputs of each hidden activation on a batch of training examples, before training and after a few steps.
    What to do: a smaller learning rate where the units died in training; otherwise zero biases and Kaiming weights, or an activation
    with a slope everywhere (leaky ReLU, ELU, GELU).
    """

    code, severity = "ACT101", Severity.WARNING
    requires = frozenset(
        {"PRE101", "PRE102", "PRE104", "PRE105", "PRE106", "PRE110", "PRE111", "PRE112", "INIT102", "INIT103", "LR101", "OPT101"}
    )
    references = ("Amazon SageMaker Debugger, DeadRelu", "Lu et al. 2019, Dying ReLU and Initialization")
    share = 0.55  # of a layer's units; SageMaker Debugger alarms at 0.5, which small layers reach by chance
    few = 8  # units under which a layer says little; own

    def examine(self, forward_pass: Pass, short_run: ShortRun | None) -> Finding | None:
        worst = self._worst(forward_pass)
        if worst.dead > self.share:
            return self._report(worst, "before training", 0.88 if worst.units >= self.few else 0.6)
        if short_run is None or (worst := self._worst(short_run.after)).dead <= self.share + 0.15:
            return None
        return self._report(worst, f"after {len(short_run.norms)} steps", 0.6)

    def _worst(self, seen: Pass) -> Operation:
        return max(seen.hidden, key=lambda o: o.dead, default=Operation("", "activation", ""))

    def _report(self, worst: Operation, when: str, confidence: float) -> Finding:
        return self.finding(
            f"{worst.dead:.0%} of the {worst.units} units of {worst.function} in layer {worst.layer} are zero for every example {when}.",
            confidence=confidence,
            severity=Severity.ERROR if worst.dead > 0.95 else None,
            layer=worst.layer,
            dead=worst.dead,
            units=worst.units,
        )

    _relu = {
        dead: Pass(
            (
                Operation("0", "weighted", "linear"),
                Operation("1", "activation", "relu", units=64, dead=dead),
                Operation("2", "weighted", "linear"),
            )
        )
        for dead in (0.1, 0.9)
    }
    sick = [{"forward_pass": _relu[0.9], "short_run": None}]
    healthy = [{"forward_pass": _relu[0.1], "short_run": None}]
