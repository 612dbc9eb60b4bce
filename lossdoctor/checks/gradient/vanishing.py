"""GRAD002: vanishing gradients."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.diagnosis import Status, Verdict
from lossdoctor.core.examples import falling, flat, verdict
from lossdoctor.core.shape import Shape, shape


class VanishingGradient(Check):
    """The gradient is next to nothing although the loss is far from solved.

    Why it matters: no gradient, no learning: dead units, saturated activations or a graph cut somewhere.
    How it is detected: the median gradient norm in the later half is under 1e-7, or a ten-thousandth of its start, while the loss has not
    come down.
    What to do: look at activations and initialization; use ReLU-like units, normalization, residual paths.
    """

    code, severity = "GRAD002", Severity.ERROR
    requires = frozenset({"NUM001", "FRZ001"})
    references = (
        "Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward neural networks",
        "Amazon SageMaker Debugger rules",
    )
    tiny = 1e-7  # SageMaker Debugger: mean gradient
    shrunk = 1e-4  # of the norm at the start; own

    def examine(self, verdict: Verdict, judged: Shape, grad_norm: Curve) -> Finding | None:
        norm = grad_norm.finite.value
        if verdict.status not in (Status.NEVER_LEARNED, Status.STALLED, Status.SLOW) or len(norm) < 5:
            return None
        late, start = float(np.median(norm[len(norm) // 2 :])), float(np.median(norm[: max(1, len(norm) // 20)]))
        if late > self.tiny and late > self.shrunk * start:
            return None
        return self.finding(
            f"The gradient norm is {late:.2g} in the later half, and the loss stays at {judged.end:.4g}.",
            confidence=0.85,
            step=float(grad_norm.finite.step[len(norm) // 2]),
            late_norm=late,
            first_norm=start,
        )

    sick = [{"verdict": verdict("never_learned"), "judged": shape(flat(2.3)), "grad_norm": falling(1e-3, 1e-9, "grad_norm")}]
    healthy = [
        {"verdict": verdict("converged"), "judged": shape(falling()), "grad_norm": falling(1.0, 1e-9, "grad_norm")},
        {"verdict": verdict("never_learned"), "judged": shape(flat(2.3)), "grad_norm": flat(0.5, "grad_norm")},
    ]
