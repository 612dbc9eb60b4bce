"""IMB001: accuracy and balanced accuracy stand apart."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.examples import flat, sloping
from lossdoctor.core.observation import Plan


class AccuracyHidesClasses(Check):
    """Accuracy is far above balanced accuracy: some classes are hardly ever predicted.

    Why it matters: the frequent classes pay for the score, and the rare ones, often those of interest, are lost.
    How it is detected: the last accuracy less the mean recall over the classes, where the config does not weight them already.
    What to do: weight the classes in the loss or sample them evenly; judge by balanced accuracy.
    """

    code, severity = "IMB001", Severity.WARNING
    requires = frozenset({"NUM001"})
    references = (
        "Brodersen et al. 2010, The balanced accuracy and its posterior distribution",
        "He and Garcia 2009, Learning from Imbalanced Data",
    )
    apart = 0.15  # of 1; own

    def examine(self, val_accuracy: Curve, val_balanced_accuracy: Curve, plan: Plan | None) -> Finding | None:
        if plan is not None and plan.balanced:
            return None
        accuracy, balanced = (
            float(np.median(c.finite.value[-3:])) if len(c.finite) else np.nan for c in (val_accuracy, val_balanced_accuracy)
        )
        if not accuracy - balanced > self.apart:
            return None
        return self.finding(
            f"Accuracy is {accuracy:.3f}, but the mean recall over the classes only {balanced:.3f}.",
            confidence=0.5,
            accuracy=accuracy,
            balanced_accuracy=balanced,
        )

    sick = [{"val_accuracy": flat(0.95, "val_accuracy"), "val_balanced_accuracy": flat(0.5, "val_balanced_accuracy"), "plan": None}]
    healthy = [
        {
            "val_accuracy": sloping(0.5, 0.95, "val_accuracy"),
            "val_balanced_accuracy": sloping(0.5, 0.93, "val_balanced_accuracy"),
            "plan": None,
        },
        {**sick[0], "plan": Plan(balanced=True)},
    ]
