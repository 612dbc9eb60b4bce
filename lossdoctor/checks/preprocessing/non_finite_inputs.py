"""PRE102: NaN or infinity in the data."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Columns, Targets
from lossdoctor.core.text import listed


class NonFiniteInputs(Check):
    """The training data hold NaN or infinity.

    Why it matters: one such value makes the loss of its batch, and from then on every weight, NaN.
    How it is detected: by counting.
    What to do: find out where they come from; drop those rows or columns, or fill them in (median, and a column that says it was missing).
    """

    code, severity = "PRE102", Severity.ERROR
    references = ("Goodfellow et al. 2016, Deep Learning, 11.5",)

    def examine(self, columns: Columns | None, targets: Targets | None) -> Finding | None:
        where = [columns.names[i] for i in np.flatnonzero(columns.missing)] if columns else []
        share = float(columns.missing.max()) if columns else 0.0
        if targets is not None and targets.missing > 0:
            where, share = ["the target", *where], max(share, targets.missing)
        if not where:
            return None
        return self.finding(
            f"NaN or infinity in {listed(where)}: up to {max(share, 0.0001):.2%} of the values{columns.sample if columns else ''}.",
            confidence=0.97,
            columns=where[:20],
            share=share,
        )

    sick = [{"columns": Columns.of(np.array([[1.0, np.nan], [2.0, 3.0], [4.0, 1.0]])), "targets": None}]
    healthy = [{"columns": Columns.of(np.array([[1.0, 2.0], [2.0, 3.0], [4.0, 1.0]])), "targets": Targets(0.0, 1.0, -2.0, 2.0)}]
