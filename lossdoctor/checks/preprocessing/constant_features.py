"""PRE103: features that never change."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Columns
from lossdoctor.core.text import listed


class ConstantFeatures(Check):
    """Some features have one value for every training example.

    Why it matters: they tell nothing, and where they are large they act as a second bias; often a join or an export went wrong.
    How it is detected: lowest and highest value of each feature.
    What to do: drop them, or find out why they are constant.
    """

    code, severity = "PRE103", Severity.INFO
    requires = frozenset({"PRE102"})
    references = ("Breck et al. 2019, Data Validation for Machine Learning",)

    def examine(self, columns: Columns) -> Finding | None:
        constant = [columns.names[i] for i in np.flatnonzero(columns.high == columns.low)]
        if not constant or columns.rows < 2:
            return None
        every = len(constant) == len(columns.names)
        return self.finding(
            f"{'All' if every else len(constant)} of {len(columns.names)} features never change{columns.sample}: {listed(constant)}.",
            confidence=0.95 if every else 0.5,
            severity=Severity.ERROR if every else Severity.INFO,
            columns=constant[:20],
        )

    sick = [{"columns": Columns.of(np.array([[1.0, 5.0], [2.0, 5.0], [4.0, 5.0]]))}]
    healthy = [{"columns": Columns.of(np.array([[1.0, 2.0], [2.0, 3.0], [4.0, 1.0]]))}]
