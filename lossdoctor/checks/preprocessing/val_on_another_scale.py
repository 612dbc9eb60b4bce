"""PRE108: training and validation inputs processed differently."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Columns


class ValOnAnotherScale(Check):
    """Validation inputs lie on another scale than training inputs.

    Why it matters: the model is judged on inputs that it was never shown the like of; the validation loss says nothing about it.
    How it is detected: standard deviation and mean of each feature in both splits; the median feature differs by a factor of three, or by
    two standard deviations.
    What to do: process both splits by the same code, with the mean and standard deviation of the training split.
    """

    code, severity = "PRE108", Severity.ERROR
    voids = True
    requires = frozenset({"PRE102"})
    references = ("Breck et al. 2019, Data Validation for Machine Learning",)
    factor = 3.0  # between the standard deviations; own
    shift = 2.0  # training standard deviations between the means; own
    fewest = 20  # validation examples

    def examine(self, columns: Columns, val_columns: Columns) -> Finding | None:
        if len(columns.names) != len(val_columns.names) or val_columns.rows < self.fewest:
            return None
        both = columns.dense & val_columns.dense
        if both.sum() < 0.5 * columns.dense.sum() or not both.any():
            return None
        factor = float(np.exp(np.median(np.log(val_columns.std[both] / columns.std[both]))))
        shift = float(np.median(np.abs(val_columns.mean[both] - columns.mean[both]) / columns.std[both]))
        if 1 / self.factor < factor < self.factor and shift < self.shift:
            return None
        return self.finding(
            f"Validation inputs spread {factor:.3g} times as far as training inputs and lie {shift:.2g} standard deviations away"
            f"{columns.sample}.",
            confidence=0.88,
            factor=factor,
            shift=shift,
        )

    _values = np.random.default_rng(0).normal(size=(200, 4))
    sick = [{"columns": Columns.of(_values), "val_columns": Columns.of(_values[:50] * 255)}]
    healthy = [{"columns": Columns.of(_values), "val_columns": Columns.of(_values[:50])}]
