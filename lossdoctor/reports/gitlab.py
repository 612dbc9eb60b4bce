"""Results for the code quality widget of GitLab."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from lossdoctor.core.check import Severity
from lossdoctor.core.diagnosis import Diagnosis
from lossdoctor.core.issue import Issue, issues, issues_of_proof, place
from lossdoctor.core.report import NO_CONTEXT, Context, Page, Report
from lossdoctor.core.ruling import Objection
from lossdoctor.core.text import plain
from lossdoctor.core.trial import Proof

SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.INFO: "info"}


class GitLab(Report):
    """GitLab's code quality report: a JSON array of issues. A log has no lines to point at, so all stand at line 1.

    Format: docs.gitlab.com, Code Quality, Code Quality report format.
    """

    format = "gitlab"

    def diagnoses(self, diagnoses: Sequence[Diagnosis], page: Page, context: Context = NO_CONTEXT) -> str:
        return _dump(issues(diagnoses, context))

    def proof(self, proof: Proof, page: Page, objections: Sequence[Objection] = ()) -> str:
        return _dump(issues_of_proof(proof, objections))


def _dump(found: Sequence[Issue]) -> str:
    return json.dumps([_entry(issue) for issue in found], indent=2) + "\n"


def _entry(issue: Issue) -> dict[str, Any]:
    return {
        "description": f"{issue.run}{place(issue)}: {issue.message}",
        "check_name": f"{issue.rule} {issue.name}" if issue.name != issue.rule else issue.rule,
        "fingerprint": issue.fingerprint,
        "severity": SEVERITIES[issue.severity],
        "location": {"path": plain(issue.file).removeprefix("./"), "lines": {"begin": 1}},
    }
