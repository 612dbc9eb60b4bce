"""Results as a flat list of issues, one a line, as the reports for machines need them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lossdoctor.core.check import Check, Finding, Severity
from lossdoctor.core.diagnosis import Diagnosis, Status
from lossdoctor.core.report import Context
from lossdoctor.core.ruling import Objection
from lossdoctor.core.text import number, plain
from lossdoctor.core.trial import Proof
from lossdoctor.core.wording import as_yaml, outcome, title

UNREAD = "unreadable-log"
RULES: dict[str, str] = {
    Status.STALLED: "The loss is flat although the log says that lower is within reach.",
    Status.NEVER_LEARNED: "The loss has not fallen since the start, or is that of a constant guess.",
    Status.SLOW: "The loss falls steadily, too slowly for the budget.",
    Status.OSCILLATING: "The loss swings, and the swings are larger than the progress.",
    Status.DIVERGING: "The loss ends above its own earlier level, and not from overfitting.",
    Status.NON_FINITE: "The loss is NaN or infinite.",
    Status.OVERFITTING: "The loss rises on validation data while it falls on training data.",
    Status.TOO_SHORT: "The log has too few points to say anything.",
    Status.IMPROVING: "The loss still falls at a rate worth paying for.",
    Status.CONVERGED: "The loss is flat after a real fall.",
    "max_wasted": "Too much of the run came after the step at which it could have stopped.",
    "min_gain": "The forecast gains too little.",
    "reach": "A level that was asked for was not reached in time.",
    "require": "A series that was asked for is not in the log.",
    "baseline": "The run ends worse than a seed of the baseline may.",
    UNREAD: "A log could not be read.",
}
"""What can be wrong with a run besides what the checks find, each by the name it goes by in reports."""


@dataclass(frozen=True)
class Issue:
    """Something wrong in a log or a config; ``message`` is one line of harmless text.

    ``rule`` is a status, the code of a check, a key of the policy, or ``unreadable-log``; ``failing`` whether it is what fails
    the run. ``file`` is the log or the config, as untrusted as its name is; ``run`` the title of the run.
    """

    rule: str
    name: str
    severity: Severity
    message: str
    file: str
    run: str
    step: float | None = None
    failing: bool = False

    @property
    def fingerprint(self) -> str:
        """The same for the same issue in the next report on this run, whatever its numbers are then."""
        return hashlib.sha256("\0".join((self.rule, self.name, self.file, self.run)).encode("utf-8", "backslashreplace")).hexdigest()


def failed(diagnosis: Diagnosis, context: Context) -> bool:
    """Whether a run breaks the policy; without one, whether its status is unhealthy."""
    ruling = next((each for each in context.rulings if each.diagnosis is diagnosis), None)
    return ruling.failed if ruling else diagnosis.status.healthy is False


def issues(diagnoses: Sequence[Diagnosis], context: Context) -> list[Issue]:
    """Everything wrong in all logs. Where there is a policy, what breaks it is an error and nothing else is."""
    by_run = {id(ruling.diagnosis): ruling.objections for ruling in context.rulings}
    found = [issue for each in diagnoses for issue in _of_run(each, by_run.get(id(each)))]
    unread = [Issue(UNREAD, UNREAD, Severity.ERROR, plain(why), log, plain(log), failing=True) for log, why in context.unread.items()]
    return found + unread


def issues_of_proof(proof: Proof, objections: Sequence[Objection]) -> list[Issue]:
    """Everything wrong with a config; where a policy objects to something, that alone is an error."""
    rules = {each.rule for each in objections} if objections else None
    remedies: dict[str, str] = {}
    for chosen in proof.prescription.chosen if proof.prescription else ():
        remedies |= dict.fromkeys(chosen.fix.cures, f" Proved to help: {_changes(chosen.patch.changes)}.")
    file = str(proof.config)
    found = []
    if proof.status.healthy is False:
        said = plain(proof.verdict.summary if proof.verdict else RULES[proof.status])
        found.append(Issue(proof.status, proof.status, Severity.ERROR, f"{said} {outcome(proof)}", file, plain(file)))
    found += [_of_finding(each, remedies.get(each.code, ""), file, plain(file)) for each in proof.examination.findings]
    found = [_ruled(each, rules) for each in found]
    assertions = [Issue("assert", "assert", Severity.ERROR, plain(each), file, plain(file), failing=True) for each in proof.failed]
    return found + assertions


def describe(rule: str, checks: Sequence[Check]) -> tuple[str, Mapping[str, str]]:
    """What a rule is about: a sentence, and the sections of its documentation."""
    check = next((each for each in checks if each.code == rule), None)
    return (check.title(), check.sections()) if check else (RULES.get(rule, "An assertion about the config does not hold."), {})


def _of_run(diagnosis: Diagnosis, objections: Sequence[Objection] | None) -> Iterator[Issue]:
    rules = None if objections is None else {each.rule for each in objections}
    file, run, verdict = diagnosis.run.source, title(diagnosis.run), diagnosis.verdict
    if verdict.status.healthy is False or verdict.status in (rules or ()):
        status = Issue(verdict.status, verdict.status, Severity.ERROR, plain(verdict.summary), file, run, verdict.onset_step)
        yield _ruled(status, rules)
    for finding in diagnosis.findings:
        tries = [_changes(each.patch.changes) for each in diagnosis.remedies.get(finding.code, ()) if each.patch.changes]
        yield _ruled(_of_finding(finding, f" Try {', or '.join(tries)}." if tries else "", file, run), rules)
    for each in objections or ():
        if each.rule in RULES and each.rule not in set(Status):
            yield Issue(each.rule, plain(each.subject) or each.rule, Severity.ERROR, plain(each.message), file, run, failing=True)


def _of_finding(finding: Finding, remedy: str, file: str, run: str) -> Issue:
    return Issue(finding.code, finding.name, finding.severity, plain(finding.message) + remedy, file, run, finding.step)


def _ruled(issue: Issue, rules: set[str] | None) -> Issue:
    """The issue under a policy: an error where it breaks it, else at most a warning; without one, as it is."""
    if rules is None:
        return replace(issue, failing=issue.rule in set(Status))
    failing = issue.rule in rules
    milder = Severity.WARNING if issue.severity is Severity.ERROR else issue.severity
    return replace(issue, severity=Severity.ERROR if failing else milder, failing=failing)


def _changes(changes: Mapping[str, object]) -> str:
    return ", ".join(f"{plain(key)}: {as_yaml(value)}" for key, value in changes.items())


def place(issue: Issue) -> str:
    """``, step 1,200``; empty where an issue has no place."""
    return f", step {number(issue.step)}" if issue.step is not None else ""
