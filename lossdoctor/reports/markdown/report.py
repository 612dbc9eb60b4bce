"""Results as Markdown, short enough for a comment."""

from __future__ import annotations

from collections.abc import Sequence

from lossdoctor.core.diagnosis import Diagnosis
from lossdoctor.core.report import NO_CONTEXT, Context, Page, Report
from lossdoctor.core.ruling import Objection
from lossdoctor.core.trial import Proof


class Markdown(Report):
    """Markdown to paste into a pull request, an issue or a chat: a table of the runs, and what is wrong with the worst."""

    format = "markdown"

    def diagnoses(self, diagnoses: Sequence[Diagnosis], page: Page, context: Context = NO_CONTEXT) -> str:
        from lossdoctor.reports.markdown._document import diagnoses_document  # jinja2, which most reports do without

        return diagnoses_document(diagnoses, context)

    def proof(self, proof: Proof, page: Page, objections: Sequence[Objection] = ()) -> str:
        from lossdoctor.reports.markdown._document import proof_document

        return proof_document(proof, objections)
