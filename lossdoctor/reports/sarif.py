"""Results as SARIF, for code scanning."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lossdoctor._version import __version__
from lossdoctor.core.check import Severity
from lossdoctor.core.diagnosis import Diagnosis, Examination
from lossdoctor.core.issue import UNREAD, Issue, describe, issues, issues_of_proof
from lossdoctor.core.report import NO_CONTEXT, Context, Page, Report
from lossdoctor.core.ruling import Objection
from lossdoctor.core.text import plain
from lossdoctor.core.trial import Proof

LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


class Sarif(Report):
    """SARIF 2.1.0: each issue with the log it is in, each rule with what the catalogue says of it.

    Format: OASIS 2020, Static Analysis Results Interchange Format 2.1.0.
    """

    format = "sarif"

    def diagnoses(self, diagnoses: Sequence[Diagnosis], page: Page, context: Context = NO_CONTEXT) -> str:
        return _document(issues(diagnoses, context), [each.examination for each in diagnoses])

    def proof(self, proof: Proof, page: Page, objections: Sequence[Objection] = ()) -> str:
        return _document(issues_of_proof(proof, objections), [proof.examination])


def _document(found: Sequence[Issue], examinations: Sequence[Examination]) -> str:
    rules = list(dict.fromkeys(issue.rule for issue in found))
    crashed = {code: error for each in examinations for code, error in each.crashed.items()}
    notes = [_note(issue.message) for issue in found if issue.rule == UNREAD]
    notes += [_note(f"Check {code} crashed: {plain(error)}") for code, error in crashed.items()]
    run = {
        "tool": {"driver": {"name": "lossdoctor", "version": __version__, "rules": [_rule(rule) for rule in rules]}},
        "invocations": [{"executionSuccessful": not notes, "toolExecutionNotifications": notes}],
        "results": [_result(issue, rules) for issue in found],
        "columnKind": "unicodeCodePoints",
    }
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _note(message: str) -> dict[str, Any]:
    return {"level": "error", "message": {"text": message}}


def _rule(code: str) -> dict[str, Any]:
    """The rule as the catalogue describes it."""
    from lossdoctor.core.discover import checks  # a report is found by the module that finds checks

    title, sections = describe(code, checks())
    check = next((each for each in checks() if each.code == code), None)
    rule: dict[str, Any] = {"id": code, "shortDescription": {"text": title}, "help": _help(title, sections)}
    if check:
        rule |= {"name": type(check).__name__, "properties": {"tags": [check.family]}}
        rule["defaultConfiguration"] = {"level": LEVELS[check.severity]}
    return rule


def _help(title: str, sections: Mapping[str, str]) -> dict[str, str]:
    parts = [(head, text) for head, text in sections.items()]
    return {
        "text": "\n\n".join([title, *(f"{head}: {text}" for head, text in parts)]),
        "markdown": "\n\n".join([title, *(f"**{head}**: {text}" for head, text in parts)]),
    }


def _result(issue: Issue, rules: Sequence[str]) -> dict[str, Any]:
    place = {"artifactLocation": _artifact(issue.file), "region": {"startLine": 1}}
    return {
        "ruleId": issue.rule,
        "ruleIndex": rules.index(issue.rule),
        "level": LEVELS[issue.severity],
        "message": {"text": f"{issue.run}: {issue.message}"},
        "locations": [{"physicalLocation": place, "logicalLocations": [{"name": issue.run, "kind": "module"}]}],
        "partialFingerprints": {"lossdoctorIssue/v1": issue.fingerprint},
        "properties": {"step": issue.step, "failing": issue.failing},
    }


def _artifact(file: str) -> dict[str, str]:
    """A path as a URI: relative to the folder of the job where it lies in it, which is how code scanning finds the file."""
    path, here = Path(file), Path.cwd()
    if path.is_absolute() and not path.is_relative_to(here):
        return {"uri": "file://" + _quoted(path.as_posix())}
    relative = path.relative_to(here) if path.is_absolute() else path
    return {"uri": _quoted(relative.as_posix()), "uriBaseId": "%SRCROOT%"}


def _quoted(path: str) -> str:
    return quote(path.encode("utf-8", "backslashreplace"), safe="/~")
