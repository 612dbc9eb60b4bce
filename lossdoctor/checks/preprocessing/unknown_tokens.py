"""PRE114: one token that stands for most others."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Tokens


class UnknownTokens(Check):
    """One token fills most places of the sequences: most words seem to be unknown to the vocabulary.

    Why it matters: what is said cannot be told from sequences of unknown words.
    How it is detected: the most frequent value among the places that are no padding; in running text the first word fills some 7 %.
    What to do: the tokenizer that belongs to the model; lower case, a larger vocabulary, subwords.
    """

    code, severity = "PRE114", Severity.WARNING
    references = ("Zipf 1949, Human Behavior and the Principle of Least Effort",)
    share = 0.5  # of the places; own
    kinds = 20  # different tokens that there are at least

    def examine(self, tokens: Tokens) -> Finding | None:
        if tokens.common < self.share or tokens.kinds < self.kinds:
            return None
        return self.finding(
            f"One token fills {tokens.common:.0%} of the places that are no padding, beside {tokens.kinds - 1} others.",
            confidence=0.7,
            share=tokens.common,
            kinds=tokens.kinds,
        )

    sick = [{"tokens": Tokens(padding=0.1, masked=0.0, silent=0.0, length=64, common=0.8, kinds=900)}]
    healthy = [{"tokens": Tokens(padding=0.1, masked=0.0, silent=0.0, length=64, common=0.08, kinds=900)}]
