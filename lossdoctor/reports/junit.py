"""Results as JUnit XML, for Jenkins, GitLab and the like."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from lossdoctor.core.diagnosis import Diagnosis, Status
from lossdoctor.core.issue import Issue, failed, issues, issues_of_proof
from lossdoctor.core.report import NO_CONTEXT, Context, Page, Report
from lossdoctor.core.ruling import Objection
from lossdoctor.core.text import plain
from lossdoctor.core.trial import Proof
from lossdoctor.core.wording import outcome, title


class JUnit(Report):
    """JUnit XML, a test case for each run: failed under the policy (without one: unhealthy), skipped where too short to say.

    Format: the schema of Apache Ant's JUnit task, which other readers are more lenient than.
    """

    format = "junit"

    def diagnoses(self, diagnoses: Sequence[Diagnosis], page: Page, context: Context = NO_CONTEXT) -> str:
        found = issues(diagnoses, context)
        cases = [_of_run(each, found, failed(each, context)) for each in diagnoses]
        cases += [_case(plain(log), "error", "unreadable-log", plain(why), "") for log, why in context.unread.items()]
        return _document(cases, [each.examination.crashed for each in diagnoses])

    def proof(self, proof: Proof, page: Page, objections: Sequence[Objection] = ()) -> str:
        found = issues_of_proof(proof, objections)
        name = plain(str(proof.config))
        if any(issue.failing for issue in found):
            return _document([_failure(name, proof.status, outcome(proof), found)], [proof.examination.crashed])
        return _document([_case(name)], [proof.examination.crashed])


def _of_run(diagnosis: Diagnosis, found: Sequence[Issue], fails: bool) -> Element:
    run, verdict = diagnosis.run, diagnosis.verdict
    if fails:
        ours = [issue for issue in found if (issue.file, issue.run) == (run.source, title(run))]
        return _failure(title(run), verdict.status, plain(verdict.summary), ours)
    if verdict.status is Status.TOO_SHORT:
        return _case(title(run), "skipped")
    return _case(title(run))


def _failure(name: str, status: Status, summary: str, found: Sequence[Issue]) -> Element:
    """A failed case: what fails it stands in the message, everything that was found in the text."""
    failing = [issue for issue in found if issue.failing]
    message = " ".join(issue.message for issue in failing) or summary
    lines = [f"{issue.severity}: {issue.rule} {issue.message}" for issue in found]
    return _case(name, "failure", failing[0].rule if failing else status, message, "\n".join([f"{status}: {summary}", *lines]))


def _case(name: str, outcome: str = "", kind: str = "", message: str = "", text: str = "") -> Element:
    case = Element("testcase", name=name, classname="lossdoctor", time="0")
    if outcome:
        SubElement(case, outcome, {"message": message, "type": kind} if outcome != "skipped" else {}).text = text or None
    return case


def _document(cases: Sequence[Element], crashes: Sequence[object]) -> str:
    attributes = {
        "id": "0",
        "name": "lossdoctor",
        "package": "lossdoctor",
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "hostname": "localhost",
        "tests": str(len(cases)),
        "time": "0",
    }
    for name, counted in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        attributes[counted] = str(sum(case.find(name) is not None for case in cases))
    root = Element("testsuites")
    suite = SubElement(root, "testsuite", attributes)
    SubElement(suite, "properties")
    suite.extend(cases)
    SubElement(suite, "system-out")
    SubElement(suite, "system-err").text = plain("; ".join(str(crash) for crash in crashes if crash)) or None
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"
