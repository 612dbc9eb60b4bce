"""Results as text for people."""

from __future__ import annotations

from collections.abc import Sequence

from lossdoctor.core.diagnosis import Diagnosis
from lossdoctor.core.report import NO_CONTEXT, Context, Page, Report
from lossdoctor.core.ruling import Objection
from lossdoctor.core.trial import Proof
from lossdoctor.reports.terminal.diagnosis import runs
from lossdoctor.reports.terminal.layout import render
from lossdoctor.reports.terminal.proof import proof_report


class Terminal(Report):
    """Text for a terminal, a pipe or a file: the verdict first, a chart of the losses, causes with their evidence, what to do."""

    format = "text"

    def diagnoses(self, diagnoses: Sequence[Diagnosis], page: Page, context: Context = NO_CONTEXT) -> str:
        return render(runs(diagnoses, page, context.comparison), page)

    def proof(self, proof: Proof, page: Page, objections: Sequence[Objection] = ()) -> str:
        return render(proof_report(proof, page), page)
