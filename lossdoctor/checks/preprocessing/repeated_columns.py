"""PRE109: columns that say the same."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Redundancy
from lossdoctor.core.text import listed


class RepeatedColumns(Check):
    """Some columns are copies of others, at most on another scale or with another sign.

    Why it matters: they count twice in every distance and in weight decay, and say nothing new; often a join went wrong.
    How it is detected: the correlation of each pair of columns that are not mostly zero.
    What to do: keep one of each pair.
    """

    code, severity = "PRE109", Severity.INFO
    references = ("Guyon and Elisseeff 2003, An Introduction to Variable and Feature Selection",)

    def examine(self, redundancy: Redundancy) -> Finding | None:
        if not redundancy.pairs:
            return None
        pairs = [f"{a} = {b}" for a, b in redundancy.pairs]
        return self.finding(f"Columns that say the same: {listed(pairs)}.", confidence=0.6, columns=[b for _, b in redundancy.pairs][:20])

    sick = [{"redundancy": Redundancy(pairs=(("cm", "inch"),), counters=())}]
    healthy = [{"redundancy": Redundancy(pairs=(), counters=())}]
