"""CAP104: a linear model of a relation that is none."""

from __future__ import annotations

import math

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Baselines, Columns, Operation, Pass


class LinearModel(Check):
    """The model has no hidden layer, and what the inputs say of the targets is not linear.

    Why it matters: no training can bend a straight line; the loss settles where the best line lies.
    How it is detected: a single weighted layer over all features in a forward pass, and a forest or nearest neighbours that halve the
    errors of a linear model on the validation data.
    What to do: one or two hidden layers of 32 to 256 units with ReLU between them: `model.edits: [{deepen: 2}]`.
    """

    code, severity = "CAP104", Severity.WARNING
    requires = frozenset({"PRE102", "PRE108", "LAB101", "LAB102", "LOSS103"})
    references = ("Minsky and Papert 1969, Perceptrons",)
    share = 0.5  # of the linear model's error; own
    errors = 3.0  # standard errors between the two; own

    def examine(self, forward_pass: Pass, baselines: Baselines, columns: Columns) -> Finding | None:
        alone = [o for o in forward_pass.operations if o.kind not in ("dropout", "norm")]
        if [o.kind for o in alone[:1]] != ["weighted"] or len(forward_pass.weighted) > 1 or alone[0].inputs != len(columns.names):
            return None
        linear, best = baselines.scores["linear"], baselines.scores[baselines.best]
        ours, theirs = (1 - linear, 1 - best) if baselines.metric == "accuracy" else (linear, best)
        error = self.errors * (math.sqrt(ours * (1 - ours)) if baselines.metric == "accuracy" else ours) / math.sqrt(baselines.examples)
        if theirs > self.share * ours or ours - theirs < error:
            return None
        return self.finding(
            f"The model is one linear layer, {alone[0].layer}; on validation a linear model reaches {baselines.metric} {linear:.4g}, "
            f"{baselines.best} {best:.4g}.",
            confidence=0.8,
            linear=linear,
            best=best,
            baseline=baselines.best,
        )

    _columns = Columns.of(np.zeros((5, 2)))
    _line = Pass((Operation("0", "weighted", "linear", inputs=2),))
    _bent = Pass((*_line.operations, Operation("1", "activation", "relu"), Operation("2", "weighted", "linear", inputs=64)))
    _scores = Baselines({"linear": 0.52, "forest": 0.97}, "accuracy", 300)
    sick = [{"forward_pass": _line, "baselines": _scores, "columns": _columns}]
    healthy = [
        {"forward_pass": _bent, "baselines": _scores, "columns": _columns},
        {"forward_pass": _line, "baselines": Baselines({"linear": 0.95, "forest": 0.96}, "accuracy", 300), "columns": _columns},
    ]
