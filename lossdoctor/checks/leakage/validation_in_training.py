"""LEAK101: validation examples that are training examples."""

from __future__ import annotations

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.observation import Overlap


class ValidationInTraining(Check):
    """Validation examples are found in the training data, bit by bit.

    Why it matters: the validation loss rewards learning by heart; the model will do worse on new data than it says.
    How it is detected: inputs and targets of both splits compared; data that take few values, so that training examples repeat each other
    as much by chance, are passed over.
    What to do: split first, then oversample; remove duplicates; split by what the examples belong to (patient, day, document).
    """

    code, severity = "LEAK101", Severity.WARNING
    references = ("Kaufman et al. 2012, Leakage in Data Mining", "Barz and Denzler 2020, Do We Train on Test Data?")
    share = 0.05  # of the validation examples; own
    fewest = 3  # shared examples; own

    def examine(self, overlap: Overlap) -> Finding | None:
        count = round(overlap.shared * overlap.examples)
        if overlap.shared < self.share or count < self.fewest or (not overlap.fine and overlap.shared < 1.5 * overlap.inner):
            return None
        return self.finding(
            f"{count} of {overlap.examples} validation examples ({overlap.shared:.0%}) are in the training data too.",
            confidence=0.88 if overlap.shared > 0.1 else 0.7,
            shared=overlap.shared,
            examples=count,
        )

    sick = [
        {"overlap": Overlap(shared=0.3, inner=0.0, examples=200)},
        {"overlap": Overlap(shared=0.5, inner=0.5, examples=200, fine=True)},
    ]
    healthy = [{"overlap": Overlap(shared=0.0, inner=0.0, examples=200)}, {"overlap": Overlap(shared=1.0, inner=0.99, examples=200)}]
