"""FRZ102: parameters that can learn but do not move."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Operation, Pass, ShortRun
from lossdoctor.core.text import listed


class WeightsDoNotMove(Check):
    """Weights that can learn are the same, bit by bit, after the first steps.

    Why it matters: either no gradient reaches them, or they are not what the optimizer changes.
    How it is detected: the weights before and after a few steps as configured.
    What to do: look for .detach(), torch.no_grad and constant outputs between these weights and the loss.
    """

    code, severity = "FRZ102", Severity.WARNING
    requires = frozenset({"FRZ101", "PRE102", "ACT101", "LOSS102", "LOSS103", "OPT101", "INIT102", "GRAD103", "LR101"})
    references = ("Sculley et al. 2015, Hidden Technical Debt in Machine Learning Systems",)

    def examine(self, short_run: ShortRun) -> Finding | None:
        still = [name for name in short_run.unchanged if name.endswith("weight")]
        if not still or not np.isfinite(short_run.losses).all():
            return None
        return self.finding(f"{listed(still)} did not move in {len(short_run.norms)} steps.", confidence=0.65, parameters=still[:20])

    _after = Pass((Operation("0", "weighted", "linear"),))
    sick = [{"short_run": ShortRun(np.array([2.3, 2.2]), np.ones(1), 1e-3, ("0.weight",), _after)}]
    healthy = [{"short_run": ShortRun(np.array([2.3, 2.2]), np.ones(1), 1e-3, (), _after)}]
