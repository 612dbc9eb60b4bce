"""NORM101: batch normalization over too few values."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Operation, Pass, Plan


class TinyBatches(Check):
    """Batch normalization takes mean and variance from a handful of values.

    Why it matters: each batch then normalizes differently; training is noisy, and evaluation, which uses running means, sees another model.
    How it is detected: the batch size times the positions of each batch norm in a forward pass.
    What to do: batches of 16 or more, or LayerNorm or GroupNorm, which do not depend on the batch.
    """

    code, severity = "NORM101", Severity.WARNING
    references = ("Wu and He 2018, Group Normalization", "Ioffe 2017, Batch Renormalization")
    fewest = 8  # values that a mean is taken over; Wu and He see the error rise from 8 on
    smallest = 2  # examples, however large the images

    def examine(self, forward_pass: Pass, plan: Plan) -> Finding | None:
        norms = [o for o in forward_pass.operations if o.function == "batch_norm"]
        batch = min(plan.batch_size, plan.examples)
        values = [batch * o.values / forward_pass.examples for o in norms]
        if not norms or (min(values) >= self.fewest and batch > self.smallest):
            return None
        layer = norms[values.index(min(values))].layer
        return self.finding(
            f"Batch norm {layer} takes mean and variance from {min(values):.0f} values: batches have {batch} example{'s' * (batch > 1)}.",
            confidence=0.8 if min(values) <= 4 else 0.65,
            layer=layer,
            values=min(values),
            batch_size=plan.batch_size,
        )

    _norm = Pass((Operation("1", "norm", "batch_norm", values=128),), examples=128)
    sick = [{"forward_pass": _norm, "plan": Plan(batch_size=2)}]
    healthy = [{"forward_pass": _norm, "plan": Plan(batch_size=32)}]
