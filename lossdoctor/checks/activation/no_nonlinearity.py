"""ACT103: layers with nothing between them."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Operation, Pass
from lossdoctor.core.text import listed


class NoNonlinearity(Check):
    """Weighted layers follow each other without a non-linearity in between.

    Why it matters: two linear maps in a row are one linear map; the second layer adds parameters and no power.
    How it is detected: the operations between each weighted layer and the one that feeds it; low-rank pairs, whose middle is narrower than
    both ends, are meant that way and passed over, as are convolutions beside activations elsewhere.
    What to do: put ReLU (or GELU) between them: `model.edits: [{add_activation: relu}]`.
    """

    code, severity = "ACT103", Severity.WARNING
    references = ("Goodfellow et al. 2016, Deep Learning, 6.3",)

    def examine(self, forward_pass: Pass) -> Finding | None:
        weighted = {o.layer: o for o in forward_pass.operations if o.kind == "weighted"}
        bare = [o for o in weighted.values() if o.bare]
        whole = bool(bare) and not any(o.kind in ("activation", "recurrent", "attention") for o in forward_pass.operations[:-1])
        if not whole:
            bare = [o for o in bare if o.function == "linear" and weighted[o.bare].units >= min(weighted[o.bare].inputs, o.units)]
        if not bare:
            return None
        pairs = [f"{o.bare} -> {o.layer}" for o in bare]
        return self.finding(
            f"No non-linearity between {listed(pairs)}" + (": the whole model is one linear map." if whole else "."),
            confidence=0.93 if whole else 0.6,
            severity=Severity.ERROR if whole else None,
            layers=[o.layer for o in bare][:20],
            whole=whole,
        )

    _first = Operation("0", "weighted", "linear", units=64, inputs=64)
    _relu = Operation("1", "activation", "relu", units=64)
    sick = [{"forward_pass": Pass((_first, Operation("1", "weighted", "linear", units=10, inputs=64, bare="0")))}]
    healthy = [{"forward_pass": Pass((_first, _relu, Operation("2", "weighted", "linear", units=10, inputs=64)))}]
