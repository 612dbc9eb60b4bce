"""PRE112: an output that depends on the other examples of its batch."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Independence


class MixedExamples(Check):
    """The output for an example changes with the other examples of its batch.

    Why it matters: examples lend each other their features; what is learned depends on how batches fall, and single predictions are wrong.
    How it is detected: the untrained model in evaluation mode, where even batch norm keeps examples apart; one example stays, the others of
    its batch are exchanged.
    What to do: look for a wrong axis: view in place of permute or transpose, softmax or a mean over axis 0, a recurrent layer without
    batch_first.
    """

    code, severity = "PRE112", Severity.ERROR
    references = ("Karpathy 2019, A Recipe for Training Neural Networks",)
    moved = 1e-3  # of the spread of the outputs; rounding stays under 1e-5

    def examine(self, independence: Independence) -> Finding | None:
        if independence.mixed < self.moved or independence.random > 0.1 * independence.mixed:
            return None
        return self.finding(
            f"The output for an example moves by {independence.mixed:.2g} of its spread when the others of the batch are exchanged.",
            confidence=0.96,
            moved=independence.mixed,
        )

    sick = [{"independence": Independence(mixed=0.4, random=0.0)}]
    healthy = [{"independence": Independence(mixed=1e-6, random=0.0)}, {"independence": Independence(mixed=0.4, random=0.5)}]
