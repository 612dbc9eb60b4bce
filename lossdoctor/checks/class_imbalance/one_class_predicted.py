"""IMB002: only one class is predicted."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.examples import curve, flat, noisy, sloping
from lossdoctor.core.observation import Labels


class OneClassPredicted(Check):
    """Validation accuracy does not move in a single digit: the model gives the same class for everything.

    Why it matters: a constant answer has the accuracy of the largest class, which can look good and is worth nothing.
    How it is detected: the validation accuracy has exactly the same value at most points of the log, is not 1, and where the
    balanced accuracy is logged, it is the same 1 / C. Classes of about one size are passed over: there the model has simply not learned.
    What to do: weight the classes or sample them evenly; if the loss does not fall either, look at the learning rate and the inputs first.
    """

    code, severity = "IMB002", Severity.WARNING
    requires = frozenset({"NUM001", "FRZ001"})
    references = ("He and Garcia 2009, Learning from Imbalanced Data",)
    fewest = 5  # points
    same = 0.9  # share of the last half that has one value; own
    most = 0.5  # share of all points that must have it; own
    uneven = 1.5  # times an even share, that the class must have; own

    def examine(self, val_accuracy: Curve, val_balanced_accuracy: Curve | None, labels: Labels | None) -> Finding | None:
        value = val_accuracy.finite.value
        late = value[len(value) // 2 :]
        if len(value) < self.fewest or not 0 < late[-1] < 1 or np.mean(late == late[-1]) < self.same or np.ptp(value) > 0.3:
            return None
        if np.mean(value == late[-1]) <= self.most:
            return None
        constant = None
        if val_balanced_accuracy is not None:
            recall = val_balanced_accuracy.finite.last
            constant = bool(recall > 0 and abs(1 / recall - round(1 / recall)) < 0.02 and recall <= 0.5)
            if not constant or late[-1] < self.uneven * recall:
                return None
        if labels is not None and labels.shares.max() * len(labels.shares) < self.uneven:
            return None
        return self.finding(
            f"Validation accuracy is {late[-1]:.4g} and does not move: the model probably predicts one class for everything.",
            confidence=0.85 if constant else 0.3,
            step=float(val_accuracy.finite.step[len(value) // 2]),
            accuracy=float(late[-1]),
            share_of_points=float(np.mean(late == late[-1])),
        )

    sick = [{"val_accuracy": flat(0.9, "val_accuracy"), "val_balanced_accuracy": flat(0.5, "val_balanced_accuracy"), "labels": None}]
    healthy = [
        {"val_accuracy": noisy(sloping(0.5, 0.9, "val_accuracy"), 0.01), "val_balanced_accuracy": None, "labels": None},
        {"val_accuracy": curve([0.9, 0.9, 0.9, 0.87, 0.87, 0.87], "val_accuracy"), "val_balanced_accuracy": None, "labels": None},
        {"val_accuracy": flat(0.9, "val_accuracy"), "val_balanced_accuracy": flat(0.83, "val_balanced_accuracy"), "labels": None},
        {"val_accuracy": flat(0.4, "val_accuracy"), "val_balanced_accuracy": flat(1 / 3, "val_balanced_accuracy"), "labels": None},
    ]
