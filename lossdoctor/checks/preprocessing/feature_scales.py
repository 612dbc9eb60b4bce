"""PRE101: features on scales that the weights are not made for."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Columns, Operation, Pass
from lossdoctor.core.text import listed


class FeatureScales(Check):
    """Input features lie on scales far from one, or far from each other.

    Why it matters: weights start out for inputs of about unit size; a feature a hundred times larger rules the loss surface, and no
    learning rate suits it and the others.
    How it is detected: the root mean square of each feature that is neither constant nor mostly zero, the largest against 1 and against
    the lower quarter; a model that scales or normalizes its inputs itself is passed over.
    What to do: standardize each feature by the mean and standard deviation of the training split: `data.standardize: true`.
    """

    code, severity = "PRE101", Severity.WARNING
    requires = frozenset({"PRE102", "PRE104", "PRE106"})
    references = ("LeCun et al. 1998, Efficient BackProp, 4.3",)
    spread = 10.0  # largest over the lower quarter of the features; own
    large = 30.0  # size at which a feature alone is too large; own
    small = 0.06  # size under which all features together are too small; own

    def examine(self, columns: Columns, forward_pass: Pass) -> Finding | None:
        dense = np.flatnonzero(columns.dense)
        if forward_pass.rescaled or not len(dense):
            return None
        size = columns.rms[dense]
        largest, usual = float(size.max()), float(np.quantile(size, 0.25, method="lower"))
        worst = columns.names[dense[int(size.argmax())]]
        numbers: dict[str, Any] = {
            "largest": largest,
            "spread": largest / usual,
            "offset": float((np.abs(columns.mean) / np.maximum(columns.std, 1e-12))[dense].max()),
        }
        if largest < self.small:
            return self.finding(
                f"All features are tiny: the largest, {worst}, is of size {largest:.2g}{columns.sample}.",
                confidence=round(float(np.clip(0.55 + 0.25 * np.log10(self.small / max(largest, 1e-12)), 0.55, 0.9)), 2),
                column=worst,
                **numbers,
            )
        if largest < self.large and not (largest > self.spread / 3 and largest > self.spread * usual):
            return None
        others = [columns.names[i] for i in dense[np.argsort(-size)][1:3]]
        also = f" (then {listed(others)})" if others else ""
        return self.finding(
            f"Feature {worst} is of size {largest:.3g}{also}, the smaller ones of size {usual:.2g}; the weights expect about 1"
            f"{columns.sample}.",
            confidence=round(float(np.clip(0.62 + 0.14 * np.log10(max(largest, largest / usual) / 10), 0.6, 0.93)), 2),
            column=worst,
            **numbers,
        )

    _plain = Pass((Operation("0", "weighted", "linear"),))
    sick = [{"columns": Columns.of(np.random.default_rng(0).normal(size=(50, 3)) * [1.0, 0.1, 800.0]), "forward_pass": _plain}]
    healthy = [
        {"columns": Columns.of(np.random.default_rng(0).normal(size=(50, 3))), "forward_pass": _plain},
        {"columns": Columns.of(np.random.default_rng(0).normal(size=(50, 3)) * [1, 1, 800]), "forward_pass": Pass((), rescaled=True)},
    ]
