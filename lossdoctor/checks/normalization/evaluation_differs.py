"""NORM102: a model that is another one in evaluation mode."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Operation, Pass, ShortRun


class EvaluationDiffers(Check):
    """In evaluation mode the model has lost what it does in training mode, on the same examples.

    Why it matters: batch norm uses running means there; where these are wrong, validation and use see another model than was trained.
    How it is detected: after a few steps, the loss on the same examples in both modes, dropout off.
    What to do: a momentum of batch norm near 0.1, batches of 16 and more, the same preprocessing on both sides; GroupNorm or LayerNorm.
    """

    code, severity = "NORM102", Severity.WARNING
    requires = frozenset({"NORM101", "NORM104", "LR101", "PRE101", "PRE102", "PRE106", "PRE112", "GRAD103", "IMB102"})
    references = ("Ioffe and Szegedy 2015, Batch Normalization", "Ioffe 2017, Batch Renormalization")
    factor = 2.0  # loss in evaluation over loss in training mode; own
    fewest = 20  # steps in which running means get where they belong

    def examine(self, short_run: ShortRun, forward_pass: Pass) -> Finding | None:
        trained, evaluated, first = short_run.trained, short_run.evaluated, float(short_run.losses[0])
        normalized = any(o.function == "batch_norm" for o in forward_pass.operations)
        if not normalized or len(short_run.norms) < self.fewest or not np.isfinite(trained):
            return None
        if np.isfinite(evaluated) and (evaluated < self.factor * trained or evaluated < 0.9 * first):
            return None
        return self.finding(
            f"After {len(short_run.norms)} steps the same examples have a loss of {trained:.3g} in training mode and {evaluated:.3g} in "
            f"evaluation mode, where it began at {first:.3g}.",
            confidence=0.88,
            trained=trained,
            evaluated=evaluated if np.isfinite(evaluated) else None,
        )

    _pass = Pass((Operation("1", "norm", "batch_norm"),))
    sick = [
        {
            "short_run": ShortRun(np.linspace(2.3, 0.5, 41), np.ones(40), 1e-3, (), _pass, trained=0.4, evaluated=4.0),
            "forward_pass": _pass,
        }
    ]
    healthy = [
        {
            "short_run": ShortRun(np.linspace(2.3, 0.5, 41), np.ones(40), 1e-3, (), _pass, trained=0.4, evaluated=0.5),
            "forward_pass": _pass,
        }
    ]
