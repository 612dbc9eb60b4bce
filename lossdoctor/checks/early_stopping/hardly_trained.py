"""STOP101: a training that ends after a handful of updates."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.observation import Baselines, Plan
from lossdoctor.core.run import Run


class HardlyTrained(Check):
    """The whole training makes so few updates that a model fitted in a second does far better.

    Why it matters: from random weights, a few dozen steps end near where they began; the log looks flat and is only short.
    How it is detected: the number of planned steps, and three models of scikit-learn against the net's best epoch.
    What to do: more epochs (`training.epochs`), then a look at what else is found here.
    """

    code, severity = "STOP101", Severity.WARNING
    requires = frozenset(
        {"PRE101", "PRE102", "PRE105", "PRE108", "LAB101", "LAB102", "LOSS101", "LOSS102", "LOSS103", "LOSS104", "INIT102", "FRZ101"}
        | {"LR101", "LR102", "OPT101", "BATCH101", "LEAK102", "IMB101"}
    )
    references = ("Godbole et al. 2023, Deep Learning Tuning Playbook", "Grinsztajn et al. 2022")
    fewest = 100  # steps of the whole training; own
    errors = 3.0  # standard errors between the net and the best of the simple models; own
    share = 0.5  # of the net's error; own

    def examine(self, plan: Plan, baselines: Baselines, run: Run) -> Finding | None:
        curve = run.curve(baselines.metric, "val")
        if plan.steps >= self.fewest or run.steps < plan.steps or curve is None or not np.isfinite(curve.value).any():
            return None
        ours = float((np.nanmax if baselines.metric == "accuracy" else np.nanmin)(curve.value))
        if not baselines.beat(ours, self.errors, self.share):
            return None
        return self.finding(
            f"The whole training makes {plan.steps} updates; {baselines.best} reaches a validation {baselines.metric} of "
            f"{baselines.scores[baselines.best]:.4g}, the net {ours:.4g}.",
            confidence=0.65,
            steps=plan.steps,
            score=baselines.scores[baselines.best],
            net=ours,
        )

    _run = Run({"val_accuracy": Curve("accuracy", "val", np.array([20.0, 40.0]), np.array([0.4, 0.5]))})
    _simple = Baselines({"linear": 0.96, "forest": 0.95}, "accuracy", 300)
    sick = [{"plan": Plan(batch_size=32, examples=700, epochs=2, steps=40), "baselines": _simple, "run": _run}]
    healthy = [
        {"plan": Plan(batch_size=32, examples=700, epochs=20, steps=400), "baselines": _simple, "run": _run},
        {"plan": sick[0]["plan"], "baselines": Baselines({"linear": 0.5, "forest": 0.55}, "accuracy", 300), "run": _run},
    ]
