"""LR002: the learning rate is too low."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.diagnosis import Status, Verdict
from lossdoctor.core.examples import falling, flat, noisy, sloping, verdict
from lossdoctor.core.shape import Shape, shape


class LearningRateTooLow(Check):
    """The learning rate is too low: the loss falls in a straight, smooth and all but level line.

    Why it matters: the budget runs out long before the loss reaches a useful level.
    How it is detected: the training loss came down by a small share of itself, evenly over the whole run (the last third did as much as the
    others), with a trend that stands clear of the noise.
    What to do: raise the learning rate 3 to 10 times, or find one with a range test.
    """

    code, severity = "LR002", Severity.WARNING
    requires = frozenset({"NUM001", "LR001"})
    references = ("Smith 2017, Cyclical Learning Rates", "Karpathy, CS231n: babysitting the learning process")
    straight = 0.15  # share of the fall in the last third; a straight line has 0.33, a settled curve 0; own
    little = 0.3  # of the start that the loss came down by; own
    clear = 2.0  # Mann-Kendall score

    def examine(self, verdict: Verdict, judged: Shape, train_shape: Shape | None) -> Finding | None:
        losses = [judged] if train_shape is None else [train_shape, judged]
        loss = next((each for each in losses if self._is_even(each)), None)
        if verdict.status not in (Status.SLOW, Status.NEVER_LEARNED) or loss is None:
            return None
        return self.finding(
            f"{loss.curve.label} fell evenly by only {loss.relative_fall:.2%} in the whole run: the learning rate is probably too low.",
            confidence=0.85 if verdict.status is Status.SLOW else 0.7,
            step=float(loss.curve.step[0]),
            relative_fall=loss.relative_fall,
            share_in_last_third=loss.tail_fall,
            trend=loss.whole.z,
        )

    def _is_even(self, loss: Shape) -> bool:
        little = loss.start > 0 and loss.relative_fall <= self.little
        return little and loss.tail_fall >= self.straight and loss.whole.z <= -self.clear

    sick = [
        {"verdict": verdict("slow"), "judged": shape(noisy(sloping(2.3, 2.1), 0.002)), "train_shape": None},
        {"verdict": verdict("never_learned"), "judged": shape(sloping(2.30, 2.29)), "train_shape": shape(sloping(2.30, 2.29))},
    ]
    healthy = [
        {"verdict": verdict("improving"), "judged": shape(sloping(2.3, 0.5)), "train_shape": None},
        {"verdict": verdict("never_learned"), "judged": shape(noisy(flat(2.3), 0.01)), "train_shape": None},
        {"verdict": verdict("converged"), "judged": shape(falling()), "train_shape": shape(falling())},
    ]
