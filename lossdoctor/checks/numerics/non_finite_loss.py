"""NUM001: the loss is not a number."""

from __future__ import annotations

import numpy as np

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.curve import Curve
from lossdoctor.core.examples import curve, flat
from lossdoctor.core.run import Run


class NonFiniteLoss(Check):
    """The loss becomes NaN or infinite and stays so.

    Why it matters: every weight that such a loss touches is lost; all steps after it are wasted.
    How it is detected: the losses are not finite from some step to the end, or shown as 0 beside a gradient that is not; what stood in
    the log just before tells the way it went.
    What to do: lower the learning rate and clip the gradient norm if the loss or the gradient grew before; else look for log(0), a division
    by zero, half precision, or NaN in the data of that step.
    """

    code, severity = "NUM001", Severity.ERROR
    requires = frozenset(
        {"PRE101", "PRE102", "PRE104", "PRE105", "PRE106", "LAB101", "INIT101", "INIT103", "GRAD102", "GRAD103", "LR101", "OPT101"}
    )
    references = ("Zhang et al. 2021, AutoTrainer", "Goodfellow et al. 2016, Deep Learning, 4.1 Overflow and Underflow")
    growth = 3.0  # times the median of before; own

    def examine(self, run: Run, non_finite_step: float, train_loss: Curve | None, grad_norm: Curve | None) -> Finding:
        loss, norm = _growth(train_loss, non_finite_step), _growth(grad_norm, non_finite_step)
        grew = [name for name, times in (("the loss", loss), ("the gradient norm", norm)) if times is not None and times > self.growth]
        before = f"{' and '.join(grew)} grew before" if grew else "without a warning in the log"
        rate = None if run.curve("lr") is None else run.curves["lr"].until(non_finite_step).finite
        shown = train_loss is not None and train_loss.last == 0  # Transformers logs NaN so
        return self.finding(
            f"The loss is not a number{' (it is shown as 0)' if shown else ''} from step {non_finite_step:g} to the end, {before}.",
            confidence=0.98,
            step=non_finite_step,
            span=(non_finite_step, max(run.steps, non_finite_step)),
            loss_growth=loss,
            grad_norm_growth=norm,
            lr=rate.last if rate is not None and len(rate) else None,
            share_of_run=(run.steps - non_finite_step) / run.steps if run.steps else None,
        )

    sick = [
        {
            "run": Run({}),
            "non_finite_step": 3.0,
            "train_loss": curve([1.0, 2.0, 40.0, np.nan, np.nan]),
            "grad_norm": flat(1.0, "grad_norm"),
        }
    ]
    healthy = []


def _growth(curve: Curve | None, step: float) -> float | None:
    """The last values before ``step`` over the median of those before them."""
    if curve is None:
        return None
    value = np.abs(curve.finite.value[curve.finite.step < step])
    usual = float(np.median(value)) if len(value) >= 3 else 0.0
    return float(value[-3:].max()) / usual if usual > 0 else None
