"""PRE113: sequences that are mostly padding."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Tokens


class Padding(Check):
    """The sequences are mostly padding.

    Why it matters: a mean over time, or the last state of a recurrent layer, is then about padding; most of the time goes into it.
    How it is detected: the attention mask, or the runs of the value that most sequences begin or end with.
    What to do: sequences of like length in a batch, shorter ones cut; a mask in attention and in means; pack_padded_sequence.
    """

    code, severity = "PRE113", Severity.WARNING
    references = ("Vaswani et al. 2017, Attention Is All You Need, 5.1",)
    share = 0.75  # of all places; own
    shortest = 8  # places that a sequence has at least

    def examine(self, tokens: Tokens) -> Finding | None:
        if tokens.padding < self.share or tokens.length < self.shortest:
            return None
        return self.finding(
            f"{tokens.padding:.0%} of the {tokens.length} places of a sequence are padding.", confidence=0.88, padding=tokens.padding
        )

    sick = [{"tokens": Tokens(padding=0.9, masked=0.0, silent=0.0, length=128)}]
    healthy = [{"tokens": Tokens(padding=0.3, masked=0.9, silent=0.0, length=128)}]
