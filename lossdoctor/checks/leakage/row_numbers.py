"""LEAK104: a feature that numbers the examples."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Redundancy


class RowNumbers(Check):
    """A feature numbers the examples: a row number, an identifier, a counter.

    Why it matters: it tells each training example apart and nothing of a new one; where the data are stored by class or by day, it gives
    the target away.
    How it is detected: all values of the column differ and lie on an even grid with few gaps.
    What to do: drop the column.
    """

    code, severity = "LEAK104", Severity.WARNING
    references = ("Kaufman et al. 2012, Leakage in Data Mining",)

    def examine(self, redundancy: Redundancy) -> Finding | None:
        if not redundancy.counters and redundancy.identifiers:
            return self.finding(
                f"Feature {redundancy.identifiers[0]} looks like an identifier: whole numbers, all different, spread evenly.",
                confidence=0.65,
                severity=Severity.INFO,
                column=redundancy.identifiers[0],
                columns=list(redundancy.identifiers[:20]),
            )
        if not redundancy.counters:
            return None
        return self.finding(
            f"Feature {redundancy.counters[0]} numbers the examples: its values all differ and follow each other evenly.",
            confidence=0.88,
            column=redundancy.counters[0],
            columns=list(redundancy.counters[:20]),
        )

    sick = [{"redundancy": Redundancy(pairs=(), counters=("id",))}]
    healthy = [{"redundancy": Redundancy(pairs=(("a", "b"),), counters=())}]
