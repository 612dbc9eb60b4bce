"""Results as one web page."""

from __future__ import annotations

from collections.abc import Sequence

from lossdoctor.core.diagnosis import Diagnosis
from lossdoctor.core.report import NO_CONTEXT, Context, Page, Report
from lossdoctor.core.ruling import Objection
from lossdoctor.core.trial import Proof


class Html(Report):
    """One self-contained HTML file: the verdict, charts to hover and zoom, causes with evidence, what to write. It loads nothing."""

    format = "html"

    def diagnoses(self, diagnoses: Sequence[Diagnosis], page: Page, context: Context = NO_CONTEXT) -> str:
        from lossdoctor.reports.html._document import diagnoses_document  # brings jinja2, which text needs not

        return diagnoses_document(diagnoses, context)

    def proof(self, proof: Proof, page: Page, objections: Sequence[Objection] = ()) -> str:
        from lossdoctor.reports.html._document import proof_document

        return proof_document(proof, objections)
