"""LOSS001: a cross-entropy below zero."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.examples import falling, flat, sloping


class LossBelowZero(Check):
    """The loss of a classification is below zero, which a cross-entropy cannot be.

    Why it matters: the loss gets probabilities where it expects their logarithm, or a flipped sign, or targets outside 0..1.
    How it is detected: negative training losses in a run that logs an accuracy.
    What to do: give `cross_entropy` raw logits and class indices; give `nll_loss` log-probabilities.
    """

    code, severity = "LOSS001", Severity.ERROR
    requires = frozenset({"NUM001"})
    references = ("PyTorch documentation, torch.nn.NLLLoss",)
    share = 0.1  # of the points; own

    def examine(self, train_loss: Curve, accuracy: Curve, reward: Curve | None) -> Finding | None:
        value = train_loss.finite.value
        if reward is not None or not len(value) or np.mean(value < 0) < self.share:
            return None
        return self.finding(
            f"Training loss is below zero at {np.mean(value < 0):.0%} of the points, {value.min():.4g} at worst; cross-entropy never is.",
            confidence=0.8,
            step=float(train_loss.finite.step[np.flatnonzero(value < 0)[0]]),
            lowest=float(value.min()),
            share=float(np.mean(value < 0)),
        )

    sick = [{"train_loss": sloping(-0.1, -50.0), "accuracy": flat(0.3, "train_accuracy"), "reward": None}]
    healthy = [{"train_loss": falling(), "accuracy": flat(0.9, "train_accuracy"), "reward": None}]
