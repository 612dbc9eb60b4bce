"""DROP101: too much dropout, or dropout on the outputs."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Operation, Pass


class DropoutTooHigh(Check):
    """Dropout removes more than half of the units, or falls on the outputs themselves.

    Why it matters: too little of the signal is left to learn from; a dropped output is a wrong answer that no weight can put right.
    How it is detected: the rate of each dropout in a forward pass in training mode, and whether a weighted layer follows it.
    What to do: a rate of 0.1 to 0.5 on hidden layers (`model.edits: [{set_dropout: 0.2}]`), none after the last layer.
    """

    code, severity = "DROP101", Severity.WARNING
    references = ("Srivastava et al. 2014, Dropout", "UMLAUT, Schoop et al. 2021")
    rate = 0.5  # Srivastava et al.

    def examine(self, forward_pass: Pass) -> Finding | None:
        operations = forward_pass.operations
        last = max((i for i, o in enumerate(operations) if o.kind in ("weighted", "recurrent", "attention")), default=len(operations))
        on_output = [o for o in operations[last + 1 :] if o.kind == "dropout" and o.rate >= 0.1]
        if on_output and operations[last].kind == "weighted":
            return self.finding(
                f"Dropout of {on_output[0].rate:g} falls on the outputs of the last layer, {operations[last].layer}.",
                confidence=0.9,
                severity=Severity.ERROR,
                layer=on_output[0].layer,
                rate=on_output[0].rate,
                on_output=True,
            )
        high = [o for o in operations if o.kind == "dropout" and o.rate > self.rate]
        if not high:
            return None
        worst = max(high, key=lambda o: o.rate)
        return self.finding(
            f"Dropout of {worst.rate:g} in layer {worst.layer}; {len(high)} of the model's dropouts are over {self.rate:g}.",
            confidence=round(min(0.93, 0.65 + 0.8 * (worst.rate - self.rate) + 0.05 * (len(high) - 1)), 2),
            layer=worst.layer,
            rate=worst.rate,
            on_output=False,
        )

    _linear = Operation("0", "weighted", "linear")
    sick = [
        {"forward_pass": Pass((_linear, Operation("1", "dropout", "dropout", rate=0.8), _linear))},
        {"forward_pass": Pass((_linear, Operation("1", "dropout", "dropout", rate=0.5)))},
    ]
    healthy = [{"forward_pass": Pass((_linear, Operation("1", "dropout", "dropout", rate=0.5), _linear))}]
