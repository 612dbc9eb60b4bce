"""LR006: nothing was learned, and the log does not prove why."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.diagnosis import Status, Verdict
from lossdoctor.core.examples import falling, flat, verdict
from lossdoctor.core.shape import Shape, shape


class FlatFromStart(Check):
    """The loss never left its start, and nothing else in the log says why: the learning rate is the first thing to test.

    Why it matters: a learning rate that is far too low, far too high or gone too early, dead units, a crushing weight decay and frozen
    layers all look like this; the learning rate is behind three in ten of such runs and takes minutes to test.
    How it is detected: the run never learned, and no check that sees a cause of its own has found one.
    What to do: a range test; `lossdoctor probe` looks into the model and the data and tells the causes apart.
    """

    code, severity = "LR006", Severity.WARNING
    requires = frozenset({"NUM001", "LR001", "LR002", "LR003", "FRZ001", "GRAD002", "IMB001", "DROP001", "LOSS002", "PRE001"})
    references = ("Smith 2017, Cyclical Learning Rates", "Karpathy 2019, A Recipe for Training Neural Networks")

    def examine(self, verdict: Verdict, judged: Shape, judged_sign: float, reward: Curve | None) -> Finding | None:
        if verdict.status is not Status.NEVER_LEARNED:
            return None
        level = judged_sign * judged.end + 0.0  # no -0
        usual = "test the learning rate first, then initialization, dead units and weight decay"
        first = usual if reward is None else "test exploration, the scale of rewards and the learning rate"
        return self.finding(
            f"{judged.curve.label} stayed at {level:.4g}, and the log does not prove why: {first}.",
            confidence=0.3 if reward is None else 0.2,  # of losses, the share that is right on benchmarks/diagnose.py, development part
            step=float(judged.curve.step[0]),
            level=level,
            also=["initialization", "activation", "regularization"] if reward is None else [],  # as often behind it there
        )

    sick = [{"verdict": verdict("never_learned"), "judged": shape(flat(2.3)), "judged_sign": 1.0, "reward": None}]
    healthy = [{"verdict": verdict("converged"), "judged": shape(falling()), "judged_sign": 1.0, "reward": None}]
