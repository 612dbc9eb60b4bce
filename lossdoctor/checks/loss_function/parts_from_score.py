"""LOSS003: the loss gets better and a score worse."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.examples import falling, sloping, u_turn
from lossdoctor.core.shape import Shape, shape


class PartsFromScore(Check):
    """The validation loss still falls while a validation score gets worse.

    Why it matters: what is minimised is not what is wanted; the weights that the loss calls best are not those the score calls best.
    How it is detected: the score ends below its best level by a clear part of all that it gained, and has been on its way down through
    the later half, while the validation loss has come down since then. Precision, recall and scores of one class are not looked at.
    What to do: keep the weights by the score; give the loss a term that the score depends on; look at what the model gives up.
    """

    code, severity = "LOSS003", Severity.WARNING
    requires = frozenset({"NUM001", "LR001", "STOP001"})
    references = ("Godbole et al. 2023, Deep Learning Tuning Playbook",)
    lost = 0.1  # of what the score gained; own
    clear = 4.0  # standard errors of the trend of the later half, and of the levels; own
    fewest = 12  # points

    def examine(self, val_scores: Mapping[str, Shape], val_shape: Shape) -> Finding | None:
        worse = {label: score for label, score in val_scores.items() if self._worsens(score)}
        found = {label: score for label, score in worse.items() if self._falls_since(val_shape, score.best_step)}
        if not found:
            return None
        label, score = max(found.items(), key=lambda item: item[1].rise / item[1].fall)
        best, last = abs(score.best), abs(score.end)
        return self.finding(
            f"{label} was best at step {score.best_step:g} ({best:.4g}) and is {last:.4g} at the end, while {val_shape.curve.label} "
            "went on falling: it does not measure what the score does.",
            confidence=0.6,
            step=score.best_step,
            score=label,
            best=best,
            last=last,
            lost_share=score.rise / score.fall,
        )

    def _worsens(self, score: Shape) -> bool:
        lost = score.rise > max(self.lost * score.fall, self.clear * score.error)
        return len(score.curve) >= self.fewest and score.fall > 0 and lost and score.half.z > self.clear

    def _falls_since(self, loss: Shape, step: float) -> bool:
        then = float(np.median(loss.curve.since(step).value[:3])) if len(loss.curve.since(step)) else loss.end
        return then - loss.end > self.clear * loss.error and loss.half.z < -2.0

    _ssim = shape(u_turn(-0.2, -0.95, -0.8, "val_ssim"))
    sick = [{"val_scores": {"val_ssim": _ssim}, "val_shape": shape(sloping(1.0, 0.5, "val_loss"))}]
    healthy = [
        {"val_scores": {"val_ssim": _ssim}, "val_shape": shape(u_turn(1.0, 0.5, 0.8, "val_loss"))},
        {"val_scores": {"val_ssim": shape(falling(-0.2, -0.95, "val_ssim"))}, "val_shape": shape(sloping(1.0, 0.5, "val_loss"))},
    ]
