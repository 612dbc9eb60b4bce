"""Plays a CI: python benchmarks/ci.py

Sound and stalled sample runs go through the gate in every format, as a job would start it; the exit code is checked, and each report
is read as the server would read it: XML and JSON against the schemas in tests/schemas, annotations as GitHub's runner parses them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import xmlschema

ROOT = Path(__file__).parents[1]
SCHEMAS = ROOT / "tests" / "schemas"
SOUND = ("sample_runs/converged_digits/training.log", "sample_runs/improving_waves/metrics.csv")
STALLED = ("sample_runs/stalled_lr_decayed_too_early/metrics.csv", "sample_runs/stalled_weight_decay")
FORMATS = ("text", "json", "junit", "sarif", "github", "gitlab", "markdown")
ANNOTATION = re.compile(r"::(?P<command>error|warning|notice) (?P<properties>[^\n]*?)::(?P<message>[^\n]*)")


@dataclass(frozen=True)
class Annotation:
    """What GitHub's runner makes of a workflow command."""

    command: str
    message: str
    file: str
    title: str


def annotations(text: str) -> list[Annotation]:
    """The commands of a job's output, unescaped as the runner does it; a line that is none fails."""
    found = []
    for line in text.splitlines():
        match = ANNOTATION.fullmatch(line)
        assert match, f"no workflow command: {line!r}"
        properties = dict(each.split("=", 1) for each in match["properties"].split(","))
        unescaped = {name: _unescaped(value) for name, value in properties.items()}
        found.append(Annotation(match["command"], _unescaped(match["message"]), unescaped["file"], unescaped["title"]))
    return found


def _unescaped(text: str) -> str:
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, char)
    return text


def check_junit(text: str) -> int:
    """Valid against the schemas of Ant and of Jenkins, and the counts are true; the number of failed cases."""
    for name in ("ant-junit.xsd", "jenkins-junit.xsd"):
        xmlschema.XMLSchema(str(SCHEMAS / name)).validate(text)
    from xml.etree import ElementTree

    (suite,) = ElementTree.fromstring(text)
    failed = suite.findall("testcase/failure")
    assert (int(suite.attrib["tests"]), int(suite.attrib["failures"])) == (len(suite.findall("testcase")), len(failed))
    return len(failed)


def check_sarif(text: str) -> int:
    document = json.loads(text)
    jsonschema.validate(document, _schema("sarif-2.1.0.json"))
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[each["ruleIndex"]] == each["ruleId"] for each in run["results"])
    return len({each["locations"][0]["logicalLocations"][0]["name"] for each in run["results"] if each["properties"]["failing"]})


def check_gitlab(text: str) -> int:
    issues = json.loads(text)
    jsonschema.validate(issues, _schema("gitlab.json"))
    assert len({issue["fingerprint"] for issue in issues}) == len(issues), "fingerprints are not unique"
    return len({issue["location"]["path"] for issue in issues if issue["severity"] == "critical"})


def check_github(text: str) -> int:
    return len({each.file for each in annotations(text) if each.command == "error"})


def check_json(text: str) -> int:
    from lossdoctor.schemas import schema

    document = json.loads(text)
    jsonschema.validate(document, schema("diagnose"))
    return sum(bool(run["objections"]) for run in document["runs"])


def check_markdown(text: str) -> int:
    assert len(text) < 20_000, "too long for a comment"
    return len(re.findall(r"^\| `[^`]+` \| \*\*", text, re.M))


def check_text(text: str) -> int:
    return sum(line.startswith("FAIL") for line in text.splitlines())


CHECKS: dict[str, Callable[[str], int]] = {
    "text": check_text,
    "json": check_json,
    "junit": check_junit,
    "sarif": check_sarif,
    "github": check_github,
    "gitlab": check_gitlab,
    "markdown": check_markdown,
}
"""For each format: raises where the report is not valid, else the number of runs that it calls failed."""


def _schema(name: str) -> Any:
    return json.loads((SCHEMAS / name).read_text(encoding="utf-8"))


def main() -> int:
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        summary = Path(folder) / "summary.md"
        print("job        format     exit  failed runs  valid  bytes")
        for job, logs, failing in (("sound", SOUND, 0), ("stalled", STALLED, 2), ("both", (*SOUND, *STALLED), 2)):
            for format in FORMATS:
                command = [sys.executable, "-m", "lossdoctor", "gate", *logs, "--format", format]
                environment = {**os.environ, "GITHUB_STEP_SUMMARY": str(summary)}
                done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
                try:
                    found, valid = CHECKS[format](done.stdout), "yes"
                except (AssertionError, ValueError, jsonschema.ValidationError, xmlschema.XMLSchemaException) as error:
                    found, valid = -1, f"NO: {str(error)[:80]}"
                right = (done.returncode, found) == (min(failing, 1), failing)
                wrong += not (right and valid == "yes")
                print(f"{job:10} {format:10} {done.returncode:4}  {found:11}  {valid:5}  {len(done.stdout):,}{'' if right else '  WRONG'}")
        written = summary.read_text(encoding="utf-8")
        print(f"summary of the jobs: {len(written):,} bytes, {written.count('### lossdoctor')} reports")
    print("every report is valid and every job ends as it should" if not wrong else f"{wrong} are wrong")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
