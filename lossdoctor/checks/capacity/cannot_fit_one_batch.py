"""CAP101: the model cannot learn a few examples by heart."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import OneBatch


class CannotFitOneBatch(Check):
    """The model cannot learn a few examples by heart, without dropout and weight decay.

    Why it matters: what cannot learn sixteen examples will not learn thousands; the model is too small, or something in it is broken.
    How it is detected: several hundred steps of Adam on the same examples, at two rates; the best loss against that of a constant guess.
    What to do: a wider or deeper model; where that does not help, look for labels that do not belong to their inputs, a detached part or
    the wrong axis in a reshape.
    """

    code, severity = "CAP101", Severity.WARNING
    requires = frozenset(
        {"PRE101", "PRE102", "PRE115", "PRE104", "PRE105", "PRE106", "LAB101", "LOSS101", "LOSS102", "LOSS103"}
        | {"ACT101", "ACT102", "ACT104", "INIT102", "INIT103", "GRAD101", "GRAD103", "FRZ101", "FRZ103", "DROP101", "CAP104", "LOSS104"}
    )
    references = ("Karpathy 2019, A Recipe for Training Neural Networks", "Ben Braiek and Khomh 2023, TheDeepChecker")
    floor = 0.3  # of the loss of a constant guess; own

    def examine(self, one_batch: OneBatch) -> Finding | None:
        share = one_batch.best / one_batch.chance
        if share < self.floor:
            return None
        return self.finding(
            f"After {one_batch.steps} steps on the same {one_batch.examples} examples the loss is {one_batch.best:.3g}, against "
            f"{one_batch.chance:.3g} for a constant guess.",
            confidence=0.75 if share > 0.6 else 0.6,
            loss=one_batch.best,
            chance=one_batch.chance,
            steps=one_batch.steps,
            examples=one_batch.examples,
        )

    sick = [{"one_batch": OneBatch(first=2.4, best=1.9, chance=2.2, steps=600, examples=16)}]
    healthy = [{"one_batch": OneBatch(first=2.4, best=0.1, chance=2.2, steps=60, examples=16)}]
