"""PRE104: single values far from all others."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Columns
from lossdoctor.core.text import listed


class Outliers(Check):
    """Single values of a feature lie far outside of all others.

    Why it matters: one such value sets the scale when the feature is standardized, and its gradient outweighs its batch.
    How it is detected: the largest distance from the median in units of the range that holds the middle 90 % of the values.
    What to do: check those rows for wrong units and codes for missing (-999, 1e9); clip to the 1 % and 99 % quantiles, or take the
    logarithm.
    """

    code, severity = "PRE104", Severity.WARNING
    requires = frozenset({"PRE102", "PRE106"})
    references = ("Tukey 1977, Exploratory Data Analysis",)
    far = 20.0  # middle ranges from the median; own: a log-normal feature of spread 1 reaches 8

    def examine(self, columns: Columns) -> Finding | None:
        far = np.flatnonzero(columns.dense & (columns.reach > self.far))
        if not len(far):
            return None
        far = far[np.argsort(-columns.reach[far])]
        worst, reach = columns.names[far[0]], float(columns.reach[far[0]])
        return self.finding(
            f"Feature {worst} runs from {columns.low[far[0]]:.4g} to {columns.high[far[0]]:.4g}, {reach:.3g} middle ranges away"
            f"{columns.sample}" + (f"; so do {listed([columns.names[i] for i in far[1:]])}." if len(far) > 1 else "."),
            confidence=0.85 if reach > 100 else 0.65,
            columns=[columns.names[i] for i in far[:20]],
            reach=reach,
            low=float(columns.low[far[0]]),
            high=float(columns.high[far[0]]),
        )

    _values = np.random.default_rng(0).normal(size=(200, 2))
    sick = [{"columns": Columns.of(np.vstack([_values, [[1e5, 0.0]]]))}]
    healthy = [{"columns": Columns.of(_values)}, {"columns": Columns.of(np.exp(_values))}]
