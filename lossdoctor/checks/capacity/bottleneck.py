"""CAP102: a hidden layer too narrow for the classes."""

from __future__ import annotations

import itertools
import math

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Operation, Output, Pass, Plan


class Bottleneck(Check):
    """A hidden layer is too narrow to tell the classes apart.

    Why it matters: what does not fit through the narrowest layer cannot be used by the ones behind it.
    How it is detected: hidden units against the number of classes and of inputs: fewer than the base-2 logarithm of the classes, or a
    single one.
    What to do: a wider layer: `model.edits: [{widen: 4}]`.
    """

    code, severity = "CAP102", Severity.WARNING
    requires = frozenset({"LAB101"})
    references = ("Johnson 2019, Deep, Skinny Neural Networks are not Universal Approximators",)

    def examine(self, forward_pass: Pass, plan: Plan, output: Output | None) -> Finding | None:
        layers = [o for o in forward_pass.operations if o.kind in ("weighted", "recurrent")]
        hidden = [o for o, behind in itertools.pairwise(layers) if self._feeds(o, behind)]
        normed_away = any(o.kind == "norm" and o.std == 0 for o in forward_pass.operations)  # width is the least of it
        if not hidden or normed_away:
            return None
        narrow = min(hidden, key=lambda o: o.units)
        outputs = plan.classes or (output.shape[-1] if output and len(output.shape) > 1 else 1)
        inputs = narrow.inputs if narrow.kind == "weighted" else math.inf  # of a recurrent layer, what came at all steps so far
        if narrow.units > max(1, math.ceil(math.log2(max(outputs, 1)))) or inputs <= narrow.units:
            return None
        return self.finding(
            f"Layer {narrow.layer} has {narrow.units} unit{'s' * (narrow.units > 1)} before {outputs} output{'s' * (outputs > 1)}.",
            confidence=0.78 if narrow.units == 1 and outputs > 2 else 0.65,
            layer=narrow.layer,
            units=narrow.units,
            outputs=outputs,
        )

    def _feeds(self, layer: Operation, behind: Operation) -> bool:
        """Whether what follows takes the layer's units and no more: heads side by side are no bottleneck."""
        return {layer.function, behind.function} != {"linear"} or behind.inputs == layer.units

    _out = Operation("2", "weighted", "linear", units=10, inputs=2)
    sick = [
        {"forward_pass": Pass((Operation("0", "weighted", "linear", units=2, inputs=64), _out)), "plan": Plan(classes=10), "output": None}
    ]
    healthy = [
        {
            "forward_pass": Pass(tuple(Operation(name, "weighted", "linear", units=1, inputs=64) for name in ("mean", "spread", "tail"))),
            "plan": Plan(task="regression"),
            "output": None,
        },
        {"forward_pass": Pass((Operation("0", "weighted", "linear", units=64, inputs=64), _out)), "plan": Plan(classes=10), "output": None},
    ]
