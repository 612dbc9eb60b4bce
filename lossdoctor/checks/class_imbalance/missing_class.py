"""IMB102: a class without training examples."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Labels
from lossdoctor.core.text import listed


class ClassMissingInTraining(Check):
    """A class has no training example.

    Why it matters: what is never shown is never learned; where class 0 alone is missing, the labels most likely count from 1.
    How it is detected: by counting the labels of both splits.
    What to do: split by class (stratified); subtract 1 from labels that count from 1.
    """

    code, severity = "IMB102", Severity.WARNING
    requires = frozenset({"LOSS106"})
    references = ("Kohavi 1995, cross-validation and bootstrap",)

    def examine(self, labels: Labels) -> Finding | None:
        missing = np.flatnonzero(labels.train == 0)
        if not len(missing):
            return None
        names = [str(i) for i in missing]
        asked = [i for i in missing if labels.val[i] > 0]
        if asked:
            return self.finding(
                f"Class {listed(names)} is in the validation data and not in the training data.",
                confidence=0.85,
                severity=Severity.ERROR,
                classes=[int(i) for i in missing[:20]],
            )
        if len(missing) == 1 and missing[0] == 0:
            return self.finding("There is no class 0: the labels count from 1.", confidence=0.6, classes=[0])
        return self.finding(
            f"No example of class {listed(names)}.", confidence=0.5, severity=Severity.INFO, classes=[int(i) for i in missing[:20]]
        )

    sick = [{"labels": Labels(np.array([50, 0, 50]), np.array([5, 20, 5]))}, {"labels": Labels(np.array([0, 50, 50]), np.array([0, 5, 5]))}]
    healthy = [{"labels": Labels(np.array([50, 40, 50]), np.array([5, 5, 5]))}]
