"""When a run fails: the words of ``--fail-on``, the policy in pyproject.toml, and the ruling on each run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lossdoctor.core.check import Finding, Severity
from lossdoctor.core.diagnosis import Diagnosis, Status
from lossdoctor.core.discover import checks
from lossdoctor.core.errors import BadConfig, UsageError
from lossdoctor.core.text import did_you_mean, number, plain

UNHEALTHY = "unhealthy"  # the word for all statuses that are not healthy
RISING = (Severity.INFO, Severity.WARNING, Severity.ERROR)


@dataclass(frozen=True)
class Policy:
    """What fails a run: a status it has, or a finding by the prefix of its code or by its severity."""

    statuses: frozenset[Status] = frozenset()
    codes: tuple[str, ...] = ()
    severities: frozenset[Severity] = frozenset()

    @classmethod
    def of(cls, words: Iterable[str]) -> Policy:
        """The policy that words like ``stalled``, ``LR001``, ``warning`` spell; ``UsageError`` names the nearest word."""
        statuses: set[Status] = set()
        codes: list[str] = []
        severities: set[Severity] = set()
        for word in words:
            lower = word.lower().replace("-", "_")
            if lower == UNHEALTHY:
                statuses |= {status for status in Status if status.healthy is False}
            elif lower in set(Status):
                statuses.add(Status(lower))
            elif lower in RISING:
                severities |= set(RISING[RISING.index(Severity(lower)) :])
            elif any(check.code.startswith(word.upper()) for check in checks()):
                codes.append(word.upper())
            else:
                known = [UNHEALTHY, *Status, *RISING, *(check.code for check in checks())]
                raise UsageError(f"fail-on {word!r} is no status, code or severity{did_you_mean(lower, known)}")
        return cls(frozenset(statuses), tuple(codes), frozenset(severities))

    def broken_by(self, status: Status, findings: Iterable[Finding]) -> tuple[str, ...]:
        """What the policy objects to: the status, then codes; empty where it holds."""
        bad = [finding.code for finding in findings if finding.severity in self.severities or finding.code.startswith(self.codes)]
        return (*([status.value] if status in self.statuses else []), *bad)


@dataclass(frozen=True)
class Ruling:
    """One run and what the policy objects to in it."""

    diagnosis: Diagnosis
    objections: tuple[str, ...]

    @property
    def line(self) -> str:
        """``FAIL  run.csv  stalled  confidence 0.93: flat since step 1200 ...``"""
        run, verdict = self.diagnosis.run, self.diagnosis.verdict
        where = " ".join(filter(None, (plain(run.source), plain(run.name))))
        named = [finding for finding in self.diagnosis.findings if finding.code in self.objections]
        reason = "; ".join([verdict.summary, *(f"{finding.code} {finding.message}" for finding in named)])
        return f"{'FAIL' if self.objections else 'pass'}  {where}  {verdict.status} ({number(verdict.confidence)}): {plain(reason)}"


def gate(diagnoses: Sequence[Diagnosis], policy: Policy) -> list[Ruling]:
    """Rule on each run."""
    return [Ruling(each, policy.broken_by(each.status, each.findings)) for each in diagnoses]


def declared(folder: Path) -> tuple[str, ...]:
    """The words of ``fail_on`` in ``[tool.lossdoctor.gate]`` of the folder's pyproject.toml; ``unhealthy`` where it says none."""
    import tomllib

    path = folder / "pyproject.toml"
    if not path.is_file():
        return (UNHEALTHY,)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadConfig(f"{path} cannot be read: {error}") from error
    for section in ("tool", "lossdoctor", "gate"):
        table = table.get(section, {})
        if not isinstance(table, dict):
            raise BadConfig(f"{path}: {section!r} must be a table, as in [tool.lossdoctor.gate]")
    for key in table:
        if key != "fail_on":
            raise BadConfig(f"{path}: [tool.lossdoctor.gate] has no key {key!r}{did_you_mean(key, ['fail_on']) or '; it takes fail_on'}")
    words = table.get("fail_on", [UNHEALTHY])
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise BadConfig(f'{path}: fail_on must be a list of statuses, codes and severities, as in fail_on = ["stalled", "LR"]')
    return tuple(words)
