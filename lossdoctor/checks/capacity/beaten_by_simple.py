"""CAP103: a model that is fitted in a second does better than the net."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.observation import Baselines
from lossdoctor.core.run import Run


class BeatenBySimple(Check):
    """A linear model, a forest or nearest neighbours do better on the validation data than the net at its best.

    Why it matters: what a net of this size should do easily it does not; something in it or in its training is in the way.
    How it is detected: three models of scikit-learn, fitted on a sample of the same training data, against the net's best epoch.
    What to do: start from what else is found here; where nothing is, from the learning rate, then from the size of the net. On small tables
    a forest is often simply the better model.
    """

    code, severity = "CAP103", Severity.INFO
    requires = frozenset(
        {"PRE101", "PRE102", "PRE104", "PRE105", "PRE106", "PRE107", "PRE108", "PRE110", "PRE111", "PRE112", "PRE113", "LAB101", "LAB102"}
        | {"LOSS101", "LOSS102", "LOSS103", "ACT101", "ACT102", "ACT103", "ACT104", "ACT105", "INIT102", "INIT103", "GRAD101", "GRAD102"}
        | {"GRAD103", "FRZ101", "DROP101", "DROP102", "REG101", "LR101", "LR102", "OPT101", "BATCH101", "NORM101", "NORM102", "CAP101"}
        | {
            "CAP102",
            "STOP101",
            "LAB103",
            "CAP104",
            "LOSS104",
            "FRZ103",
            "REG102",
            "LR104",
            "BATCH103",
            "GRAD104",
            "IMB101",
            "IMB102",
            "LEAK101",
            "LEAK102",
            "LEAK103",
        }
    )
    references = ("Grinsztajn et al. 2022, Why Do Tree-Based Models Still Outperform Deep Learning on Tabular Data?",)
    errors = 3.0  # standard errors between the two; own
    share = 0.7  # of the net's error; own

    def examine(self, baselines: Baselines, run: Run) -> Finding | None:
        curve = run.curve(baselines.metric, "val")
        if curve is None or not np.isfinite(curve.value).any():
            return None
        name, ours = baselines.best, float((np.nanmax if baselines.metric == "accuracy" else np.nanmin)(curve.value))
        theirs = baselines.scores[name]
        if not baselines.beat(ours, self.errors, self.share):
            return None
        return self.finding(
            f"On validation, {name} reaches {baselines.metric} {theirs:.4g} and the net at its best {ours:.4g}.",
            confidence=0.55 if name == "linear" else 0.5,
            baseline=name,
            score=theirs,
            net=ours,
        )

    _runs = {best: Run({"val_accuracy": Curve("accuracy", "val", np.arange(3.0), np.array([0.3, best, best]))}) for best in (0.7, 0.95)}
    sick = [{"baselines": Baselines({"linear": 0.96, "forest": 0.95}, "accuracy", 300), "run": _runs[0.7]}]
    healthy = [{"baselines": Baselines({"linear": 0.96, "forest": 0.95}, "accuracy", 300), "run": _runs[0.95]}]
