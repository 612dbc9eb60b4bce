"""LEAK105: sequences whose targets are their inputs."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Tokens


class TargetIsInput(Check):
    """The target at each place of a sequence is the input at that place.

    Why it matters: the model copies what it is given; its loss falls to nothing, and it has learned nothing of what follows what.
    How it is detected: inputs and targets that are whole numbers of one shape, compared place by place. Batches that are mappings are
    passed over: there, models often shift the targets themselves.
    What to do: for the next token, `x, y = ids[:, :-1], ids[:, 1:]`; for masked tokens, hide them in the inputs.
    """

    code, severity = "LEAK105", Severity.ERROR
    references = ("Bengio et al. 2003, A Neural Probabilistic Language Model", "Devlin et al. 2019, BERT")
    share = 0.98  # of the places that are no padding; own
    kinds = 5  # different values that there must be

    def examine(self, tokens: Tokens) -> Finding | None:
        if tokens.copied < self.share or tokens.kinds < self.kinds:
            return None
        return self.finding(
            f"{tokens.copied:.0%} of the targets are the input at their own place: there is nothing to be told but what is given.",
            confidence=0.88,
            copied=tokens.copied,
        )

    sick = [{"tokens": Tokens(padding=0.1, masked=0.0, silent=0.0, length=20, kinds=60, copied=1.0)}]
    healthy = [{"tokens": Tokens(padding=0.1, masked=0.0, silent=0.0, length=20, kinds=60, copied=0.1)}]
