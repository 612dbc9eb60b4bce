"""STOP003: stopped too early."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.diagnosis import Forecast, Status, Verdict
from lossdoctor.core.examples import falling, sloping, verdict
from lossdoctor.core.shape import Shape, shape


class StoppedTooEarly(Check):
    """The run ended while the loss was still falling at a rate worth paying for.

    Why it matters: more training alone would give a better model; other remedies cannot be judged before that.
    How it is detected: the forecast for a quarter of the run more lies below the level now, interval and all, by a clear part of the fall.
    What to do: train longer, and decay the learning rate towards the new end.
    """

    code, severity = "STOP003", Severity.INFO
    requires = frozenset({"NUM001", "STOP001", "LR001", "LR002"})
    references = ("Viering and Loog 2023, The Shape of Learning Curves", "Godbole et al. 2023, Deep Learning Tuning Playbook")
    gain = 0.03  # of the fall so far, in the next quarter; own

    def examine(self, verdict: Verdict, judged: Shape, judged_sign: float, forecast: Forecast) -> Finding | None:
        gain = forecast.gain / judged.fall if judged.fall > 0 else 0.0
        if verdict.status is not Status.IMPROVING or gain < self.gain:
            return None
        now, goes = judged_sign * judged.end, "falls" if judged_sign > 0 else "rises"
        return self.finding(
            f"{judged.curve.label} still {goes}: {forecast.value:.4g} is expected at step {forecast.at_step:g}, after {now:.4g} now.",
            confidence=round(0.95 * verdict.confidence, 3),
            step=float(judged.curve.step[-1]),
            gain=forecast.gain,
            gain_share_of_fall=gain,
            expected=forecast.value,
            low=forecast.low,
            high=forecast.high,
            at_step=forecast.at_step,
        )

    sick = [
        {
            "verdict": verdict("improving"),
            "judged": shape(sloping(2.3, 1.0)),
            "judged_sign": 1.0,
            "forecast": Forecast("train_loss", 250, 0.7, 0.6, 0.8, 0.3),
        }
    ]
    healthy = [
        {
            "verdict": verdict("converged"),
            "judged": shape(falling()),
            "judged_sign": 1.0,
            "forecast": Forecast("train_loss", 250, 0.2, 0.2, 0.2, 0.0),
        }
    ]
