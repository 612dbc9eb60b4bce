"""NORM104: running means of batch norm that arrive too late, or hold the last batch alone."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Operation, Pass, Plan


class RunningMeans(Check):
    """The running means of batch norm are not what evaluation needs: they hardly move, or hold the last batch alone.

    Why it matters: training normalizes by the batch and goes well; evaluation normalizes by the running means, and sees another model.
    How it is detected: the momentum of each batch norm, which in torch is the share of each batch that goes in, against the planned steps.
    What to do: momentum 0.1 in torch; what Keras and TensorFlow call 0.99 is 0.01 here.
    """

    code, severity = "NORM104", Severity.WARNING
    requires = frozenset({"NORM101"})
    references = ("Ioffe and Szegedy 2015, Batch Normalization", "PyTorch documentation, BatchNorm2d")
    arrived = 2.0  # times the steps that a mean needs to move by two thirds; own
    last = 0.9  # share of the last batch from which on it holds little else; own

    def examine(self, forward_pass: Pass, plan: Plan) -> Finding | None:
        norms = [o for o in forward_pass.operations if o.function == "batch_norm" and o.rate > 0]
        if not norms:
            return None
        slowest, fastest = min(norms, key=lambda o: o.rate), max(norms, key=lambda o: o.rate)
        if slowest.rate * plan.steps < self.arrived:
            return self._report(slowest, f"need {1 / slowest.rate:.0f} steps to arrive, of {plan.steps} planned", 0.88)
        if fastest.rate >= self.last:
            return self._report(fastest, f"hold {fastest.rate:.0%} of the last batch", 0.7)
        return None

    def _report(self, norm: Operation, what: str, confidence: float) -> Finding:
        return self.finding(
            f"Batch norm {norm.layer} has momentum {norm.rate:g}: its running means {what}.",
            confidence=confidence,
            layer=norm.layer,
            momentum=norm.rate,
        )

    _norms = {rate: Pass((Operation("1", "norm", "batch_norm", rate=rate),)) for rate in (1e-4, 0.1, 0.99)}
    sick = [{"forward_pass": _norms[1e-4], "plan": Plan()}, {"forward_pass": _norms[0.99], "plan": Plan()}]
    healthy = [{"forward_pass": _norms[0.1], "plan": Plan()}]
