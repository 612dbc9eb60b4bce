"""ACT104: the signal fades, or grows, through depth."""

from __future__ import annotations

from typing import Any

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Operation, Pass


class SignalFades(Check):
    """What tells examples apart fades (or grows) by a large factor at every layer.

    Why it matters: where all examples look alike to the last layers, these learn the mean and nothing else; the way back fades as well.
    How it is detected: the spread over examples of what each weighted layer puts out, the first against the last.
    What to do: ReLU or GELU in place of sigmoid, Kaiming or Xavier weights, normalization between layers, residual paths, fewer layers.
    """

    code, severity = "ACT104", Severity.WARNING
    requires = frozenset({"ACT101", "ACT102", "INIT102", "INIT103", "PRE101", "PRE102", "PRE104", "PRE106", "PRE111", "CAP102"})
    references = ("Glorot and Bengio 2010", "He et al. 2015, Delving Deep into Rectifiers")
    each = 4.5  # factor a layer: torch's own weights lose 2.6 with ReLU, 3.3 with GELU, 7 with sigmoid
    whole = 200.0  # factor from first to last; own
    growth = 1e3  # factor from first to last; own

    def examine(self, forward_pass: Pass) -> Finding | None:
        seen = [o for o in forward_pass.weighted if o.std > 0]
        if len(seen) < 3:
            return None
        first, last = seen[0], seen[-1]
        factor = first.std / last.std
        each = factor ** (1 / (len(seen) - 1))
        numbers: dict[str, Any] = {"first": first.std, "last": last.std, "layers": len(seen)}
        if factor > self.whole and each > self.each:
            functions = sorted({o.function for o in forward_pass.hidden})
            return self.finding(
                f"What tells examples apart fades from {first.std:.2g} in layer {first.layer} to {last.std:.2g} in layer {last.layer}, "
                f"{each:.2g}-fold at each of {len(seen)} layers ({', '.join(functions) or 'no activation'}).",
                confidence=0.92 if factor > 1e4 else 0.84,
                severity=Severity.ERROR if factor > 1e4 else None,
                layer=first.layer,
                **numbers,
            )
        if 1 / factor > self.growth:
            return self.finding(
                f"Values grow from {first.std:.2g} in layer {first.layer} to {last.std:.2g} in layer {last.layer}.",
                confidence=0.7,
                layer=last.layer,
                **numbers,
            )
        return None

    sick = [{"forward_pass": Pass(tuple(Operation(str(i), "weighted", "linear", std=8.0**-i) for i in range(5)))}]
    healthy = [{"forward_pass": Pass(tuple(Operation(str(i), "weighted", "linear", std=2.6**-i) for i in range(5)))}]
