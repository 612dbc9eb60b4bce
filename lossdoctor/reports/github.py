"""Results as workflow commands, for GitHub Actions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lossdoctor.core.check import Severity
from lossdoctor.core.diagnosis import Diagnosis
from lossdoctor.core.issue import Issue, issues, issues_of_proof
from lossdoctor.core.report import NO_CONTEXT, Context, Page, Report
from lossdoctor.core.ruling import Objection
from lossdoctor.core.text import plain
from lossdoctor.core.trial import Proof

COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
PROPERTY = DATA | str.maketrans({":": "%3A", ",": "%2C"})


class GitHub(Report):
    """Annotations of a GitHub Actions job, ``::error file=run.csv::...``; the summary of the job gets the Markdown report.

    Format: docs.github.com, Workflow commands for GitHub Actions.
    """

    format = "github"

    def diagnoses(self, diagnoses: Sequence[Diagnosis], page: Page, context: Context = NO_CONTEXT) -> str:
        return "".join(map(_annotation, issues(diagnoses, context)))

    def proof(self, proof: Proof, page: Page, objections: Sequence[Objection] = ()) -> str:
        return "".join(map(_annotation, issues_of_proof(proof, objections)))


def _annotation(issue: Issue) -> str:
    title = f"{issue.run}: {issue.rule}" + (f" {issue.name}" if issue.name != issue.rule else "")
    file, title, message = plain(_relative(issue.file)).translate(PROPERTY), title.translate(PROPERTY), issue.message.translate(DATA)
    return f"::{COMMANDS[issue.severity]} file={file},title={title}::{message}\n"


def _relative(file: str) -> str:
    """The path from the folder of the job, where it lies in it: GitHub shows an annotation at files of the repository alone."""
    path, here = Path(file), Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else file
