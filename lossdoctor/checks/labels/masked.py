"""LAB104: targets that the loss leaves out."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Tokens


class Masked(Check):
    """All targets of many examples are masked: the loss leaves them out.

    Why it matters: such examples teach nothing; a batch of them has a loss of 0 or NaN.
    How it is detected: targets of -100, which torch leaves out of cross entropy.
    What to do: look at how prompt and answer are told apart, and whether truncation cuts the answers off.
    """

    code, severity = "LAB104", Severity.ERROR
    references = ("PyTorch documentation, CrossEntropyLoss, ignore_index",)
    share = 0.25  # of the examples; own

    def examine(self, tokens: Tokens) -> Finding | None:
        if tokens.silent < self.share:
            return None
        return self.finding(
            f"{tokens.silent:.0%} of the examples have no target that counts; {tokens.masked:.0%} of all targets are masked by -100.",
            confidence=0.92 if tokens.silent > 0.5 else 0.8,
            examples=tokens.silent,
            masked=tokens.masked,
        )

    sick = [{"tokens": Tokens(padding=0.1, masked=0.97, silent=0.8, length=128)}]
    healthy = [{"tokens": Tokens(padding=0.1, masked=0.7, silent=0.0, length=128)}]
