"""REG002: the weights have shrunk to nothing."""

from __future__ import annotations

import math

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.diagnosis import Status, Verdict
from lossdoctor.core.examples import curve, falling, flat, noisy, verdict


class WeightsShrunkAway(Check):
    """The loss came to rest at ln C to the third digit, whatever the batch: the answers are uniform, as with all weights at zero.

    Why it matters: a weight decay that outweighs the data takes even the bias of the output away; nothing can be learned against it.
    How it is detected: the training loss, which began further away, is the same in every batch and equals the logarithm of a number of
    classes. Any model with an output bias left would learn how frequent the classes are, and its loss would differ from batch to batch.
    What to do: weight decay of 1e-5 to 1e-2.
    """

    code, severity = "REG002", Severity.WARNING
    requires = frozenset({"NUM001", "FRZ001"})
    references = ("Krogh and Hertz 1991, A Simple Weight Decay Can Improve Generalization",)
    scatter = 4e-4  # of the later half of the training loss, as a share; own
    near = 1.5e-3  # of ln C; own
    farther = 4.0  # times the scatter: where the loss began; own
    least = 3  # classes: of two that are equally frequent, a bias alone comes to ln 2 as well
    most = 30  # classes: of more, one has its logarithm near any loss
    fewest = 12  # points

    def examine(self, verdict: Verdict, train_loss: Curve, val_loss: Curve | None) -> Finding | None:
        value = train_loss.finite.value
        late = value[len(value) // 2 :]
        if verdict.status is not Status.NEVER_LEARNED or len(value) < self.fewest or not 0 < float(np.median(late)) < math.log(self.most):
            return None
        classes = round(math.exp(float(np.median(late))))
        if classes < self.least:
            return None
        uniform = math.log(classes)
        scatter = float(late.std()) / uniform
        first = [curve.finite.value[0] for curve in (train_loss, val_loss) if curve is not None and len(curve.finite)]
        began = max(abs(each / uniform - 1) for each in first)
        if abs(np.median(late) / uniform - 1) > self.near or scatter > self.scatter or began < self.farther * scatter:
            return None
        level = float(np.median(late))
        return self.finding(
            f"{train_loss.label} rests at {level:.4g} = ln {classes} in every batch: uniform answers, as of weights near zero.",
            confidence=0.4,  # dead units may do the same
            step=float(train_loss.finite.step[0]),
            classes=classes,
            scatter=scatter,
        )

    _still = curve([2.35, 2.31, *[2.3026] * 30])
    sick = [{"verdict": verdict("never_learned"), "train_loss": _still, "val_loss": None}]
    healthy = [
        {"verdict": verdict("never_learned"), "train_loss": noisy(flat(2.3026), 0.003), "val_loss": None},
        {"verdict": verdict("never_learned"), "train_loss": noisy(flat(2.3026), 1e-4), "val_loss": None},
        {"verdict": verdict("never_learned"), "train_loss": curve([0.79, 0.70, *[0.6932] * 30]), "val_loss": None},
        {"verdict": verdict("converged"), "train_loss": falling(), "val_loss": None},
    ]
