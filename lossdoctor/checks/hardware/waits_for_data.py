"""HW101: steps that wait for their batch, and hardware that is not used."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Plan, StepTime


class WaitsForData(Check):
    """Most of the time of a step goes into fetching its batch, or a GPU stands idle.

    Why it matters: the training would take a fraction of the time.
    How it is detected: the median over a few steps; the device and the type of the weights.
    What to do: decode beforehand or in workers (`num_workers`, `pin_memory`), `probe.device: cuda`, float32 in place of float64.
    """

    code, severity = "HW101", Severity.INFO
    references = ("PyTorch documentation, Performance Tuning Guide",)
    share = 0.6  # of the time of a step; own
    most = 0.8  # of the time of a step, from which on it is a warning; own
    seconds = 10.0  # that the whole training waits at least, for a warning; own

    def examine(self, pace: StepTime, plan: Plan) -> Finding | None:
        share = pace.fetch / (pace.fetch + pace.step)
        lost = pace.fetch * plan.steps
        if share > self.share:
            return self.finding(
                f"A step takes {1e3 * (pace.fetch + pace.step):.3g} ms, {share:.0%} of which it waits for its batch.",
                confidence=0.85 if share > self.most else 0.7,
                severity=Severity.WARNING if share > self.most and lost > self.seconds else None,
                fetch=pace.fetch,
                step=pace.step,
                share=share,
            )
        if pace.idle or pace.double:
            what = (
                f"A {pace.idle} device is there and not used."
                if pace.idle
                else "The weights are of type float64, twice as slow as float32."
            )
            return self.finding(what, confidence=0.55, idle=pace.idle, double=pace.double)
        return None

    sick = [{"pace": StepTime(fetch=0.3, step=0.1), "plan": Plan()}, {"pace": StepTime(fetch=0.01, step=0.1, idle="cuda"), "plan": Plan()}]
    healthy = [{"pace": StepTime(fetch=0.01, step=0.1), "plan": Plan()}]
