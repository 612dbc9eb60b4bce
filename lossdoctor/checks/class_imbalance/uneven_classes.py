"""IMB101: classes of very different size."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Labels, Plan


class UnevenClasses(Check):
    """The largest class has more than ten times the examples of the smallest.

    Why it matters: the loss is lowest for a model that hardly ever names the rare classes, and accuracy does not show it.
    How it is detected: by counting the training labels; a config that balances classes already is passed over.
    What to do: weigh classes by the inverse of their share (`training.class_weights: balanced`), or draw them equally often; judge by the
    balanced accuracy.
    """

    code, severity = "IMB101", Severity.WARNING
    requires = frozenset({"LOSS106"})
    references = ("King and Zeng 2001, Logistic Regression in Rare Events Data", "Buda et al. 2018, the class imbalance problem in CNNs")
    ratio = 10.0  # SageMaker Debugger
    of_pixels = 40.0  # own: much ground and little else is what most pictures show

    def examine(self, labels: Labels, plan: Plan) -> Finding | None:
        counts = labels.train[labels.train > 0]
        if plan.balanced or len(counts) < 2:
            return None
        ratio = float(counts.max() / counts.min())
        if ratio < (self.of_pixels if labels.pixels else self.ratio):
            return None
        what = "pixels" if labels.pixels else "training examples"
        smallest = int(np.argmin(np.where(labels.train > 0, labels.train, counts.max() + 1)))
        return self.finding(
            f"Class {int(labels.train.argmax())} has {counts.max()} {what}, class {smallest} has {counts.min()}: {ratio:.3g}:1.",
            confidence=0.7 if ratio < 20 or labels.pixels else 0.82,
            ratio=ratio,
            largest_share=float(labels.shares.max()),
            smallest_class=smallest,
            smallest_count=int(counts.min()),
        )

    sick = [
        {"labels": Labels(np.array([970, 30]), np.array([97, 3])), "plan": Plan()},
        {"labels": Labels(np.array([98_000, 2000]), np.array([9800, 200]), pixels=True), "plan": Plan()},
    ]
    healthy = [
        {"labels": Labels(np.array([500, 400]), np.array([50, 40])), "plan": Plan()},
        {"labels": Labels(np.array([970, 30]), np.array([97, 3])), "plan": Plan(balanced=True)},
    ]
