"""LEAK102: a feature that is the target."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Columns


class FeatureIsTarget(Check):
    """One of several features is the target itself, at most on another scale.

    Why it matters: the model copies it and learns nothing else; where the feature is not known in advance, nothing can be predicted.
    How it is detected: the correlation of each feature with the target.
    What to do: drop the feature, unless it truly is known when a prediction is asked for.
    """

    code, severity = "LEAK102", Severity.WARNING
    requires = frozenset({"PRE102"})
    references = ("Kaufman et al. 2012, Leakage in Data Mining",)
    same = 0.9999  # correlation; own

    def examine(self, likeness: NDArray[np.float64], columns: Columns | None) -> Finding | None:
        feature = int(likeness.argmax())
        if likeness[feature] < self.same:
            return None
        name = columns.names[feature] if columns else f"x{feature}"
        return self.finding(
            f"Feature {name} is the target: their correlation is {likeness[feature]:.5f}.",
            confidence=0.85,
            column=name,
            correlation=float(likeness[feature]),
        )

    sick = [{"likeness": np.array([0.1, 1.0, 0.3]), "columns": None}]
    healthy = [{"likeness": np.array([0.1, 0.97, 0.3]), "columns": None}]
