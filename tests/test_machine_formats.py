"""The reports for CI servers, read as the servers read them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import numpy as np
import pytest
from small_reports import diagnosis, finding, proof

from benchmarks.ci import CHECKS, annotations
from lossdoctor.cli import main
from lossdoctor.compare import compare
from lossdoctor.core import discover
from lossdoctor.core.check import Severity
from lossdoctor.core.diagnosis import Diagnosis, Status
from lossdoctor.core.report import NO_CONTEXT, Context, Page
from lossdoctor.core.ruling import Objection, Ruling
from lossdoctor.schemas import schema

MACHINES = ("json", "junit", "sarif", "github", "gitlab", "markdown")
EVIL = "a|b`c`<script>alert(1)</script>%\r\n::error::owned,x:y \x1b[31m\ud800 @team #12 ]]> **bold** https://evil.example [l](x)"
PROBED = Path(__file__).parent.parent / "sample_runs" / "probe"


def ruled(*pairs: tuple[Diagnosis, Sequence[str]]) -> Context:
    """What a policy that objects to these rules says."""
    return Context(None, [Ruling(each, tuple(Objection(rule, f"{rule} is not allowed") for rule in rules)) for each, rules in pairs])


def written(format: str, diagnoses: Sequence[Diagnosis], context: Context = NO_CONTEXT) -> str:
    return discover.reports()[format].diagnoses(diagnoses, Page(), context)


@pytest.mark.parametrize("format", MACHINES)
def test_a_report_is_valid_and_fails_what_is_unhealthy(format: str) -> None:
    text = written(format, [diagnosis("runs/a.csv"), diagnosis("runs/b.csv", Status.CONVERGED, [])])
    assert CHECKS[format](text) == (0 if format == "json" else 1)  # json speaks of a policy alone


@pytest.mark.parametrize("format", MACHINES)
def test_what_fails_is_what_the_policy_says_and_nothing_else(format: str) -> None:
    stalled, converged = diagnosis(findings=[finding(severity=Severity.ERROR)]), diagnosis("runs/b.csv", Status.CONVERGED, [])
    assert CHECKS[format](written(format, [stalled, converged], ruled((stalled, ()), (converged, ())))) == 0
    both = ruled((stalled, ["LR001"]), (converged, ["max_wasted"]))
    assert CHECKS[format](written(format, [stalled, converged], both)) == 2


@pytest.mark.parametrize("format", MACHINES)
def test_a_log_that_could_not_be_read_is_not_silently_missing(format: str) -> None:
    unread = Context(unread={"gone.csv": "gone.csv does not exist; check the path"})
    text = written(format, [diagnosis("runs/b.csv", Status.CONVERGED, [])], unread)
    CHECKS[format](text)
    assert "gone.csv does not exist" in text


@pytest.mark.parametrize("format", MACHINES)
def test_text_from_a_log_stays_text(format: str) -> None:
    """A log can name its runs and columns as it likes."""
    evil = diagnosis(EVIL, text=EVIL)
    text = written(format, [evil], ruled((evil, ["stalled"])))
    text = text.encode("utf-8", "backslashreplace").decode()
    assert CHECKS[format](text) == 1
    assert "\x1b" not in text
    assert "\n::error::owned" not in text


def test_annotations_give_back_what_was_escaped() -> None:
    each = diagnosis("runs/50%,a:b.csv", Status.STALLED, [finding(message="100% of 3,000: flat")])
    (status, found) = annotations(written("github", [each]))
    assert (status.command, status.file) == ("error", "runs/50%,a:b.csv")
    assert status.title == "runs/50%,a:b.csv: stalled"
    assert (found.command, found.message) == ("warning", "100% of 3,000: flat Try training.optimizer.lr: 0.003.")


def test_markdown_neither_runs_nor_links_nor_notifies() -> None:
    evil = diagnosis(EVIL, text=EVIL)
    text = re.sub(r"`[^`]*`", "", written("markdown", [evil]))  # what stands in a code span means nothing
    for mark in ("<script", "@team", "#12", "https://", "[l](x)", "**bold**", "c`"):
        assert mark not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 5 for row in rows)


def test_markdown_of_many_runs_is_short_enough_for_a_comment() -> None:
    findings = [finding(f"LR00{place}", message="x" * 900) for place in range(1, 7)]
    many = [diagnosis(f"runs/run{place}.csv", findings=findings) for place in range(200)]
    text = written("markdown", many, Context(compare([each.run for each in many])))
    assert len(text) < 20_000
    assert "and 180 more" in text


def test_markdown_of_several_runs_has_the_ranking() -> None:
    a, b = diagnosis("runs/a.csv", Status.CONVERGED, []), diagnosis("runs/b.csv", Status.CONVERGED, [])
    text = written("markdown", [a, b], Context(compare([a.run, b.run])))
    assert "**Compared by val_loss**: No difference beyond noise" in text


def test_junit_tells_failed_skipped_unread_and_passed_apart() -> None:
    runs = [diagnosis("runs/bad.csv"), diagnosis("runs/short.csv", Status.TOO_SHORT), diagnosis("runs/good.csv", Status.CONVERGED, [])]
    text = written("junit", runs, Context(unread={"gone.csv": "gone"}))
    CHECKS["junit"](text)
    (suite,) = ElementTree.fromstring(text)
    outcomes = {case.attrib["name"]: [child.tag for child in case] for case in suite.iter("testcase")}
    assert outcomes == {"runs/bad.csv": ["failure"], "runs/short.csv": ["skipped"], "runs/good.csv": [], "gone.csv": ["error"]}
    assert (suite.attrib["errors"], suite.attrib["skipped"]) == ("1", "1")


def test_sarif_rules_carry_the_catalogue_and_results_the_file() -> None:
    document = json.loads(written("sarif", [diagnosis("runs/my run.csv")]))
    rules = {rule["id"]: rule for rule in document["runs"][0]["tool"]["driver"]["rules"]}
    assert rules["LR001"]["name"] == "LearningRateTooHigh"
    assert "**Why it matters**" in rules["LR001"]["help"]["markdown"]
    place = document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "runs/my%20run.csv", "uriBaseId": "%SRCROOT%"}


def test_fingerprints_stay_when_the_numbers_change() -> None:
    def prints(message: str) -> list[str]:
        return [each["fingerprint"] for each in json.loads(written("gitlab", [diagnosis(findings=[finding(message=message)])]))]

    assert prints("at 3") == prints("at 4")


def test_two_goals_of_one_run_are_two_issues() -> None:
    each = diagnosis()
    goals = tuple(Objection("reach", f"{goal}: no", goal) for goal in ("val_loss<0.1", "val_loss<0.2"))
    assert CHECKS["gitlab"](written("gitlab", [each], Context(None, [Ruling(each, goals)]))) == 1


@pytest.mark.parametrize("format", MACHINES)
@pytest.mark.parametrize("proved", [True, False])
def test_a_proof_in_every_format(format: str, proved: bool) -> None:
    text = discover.reports()[format].proof(proof(proved=proved, text=EVIL), Page())
    if format == "json":
        jsonschema.validate(json.loads(text), schema("probe"))
    elif format == "markdown":
        assert ("```diff" in text) is proved
        assert "<script" not in re.sub(r"`[^`]*`", "", text)
    else:
        assert CHECKS[format](text) == 1


@pytest.mark.parametrize("format", ["junit", "sarif", "github", "gitlab"])
def test_of_a_proof_too_only_what_the_policy_names_fails(format: str) -> None:
    report = discover.reports()[format]
    assert CHECKS[format](report.proof(proof(Status.CONVERGED, proved=False), Page())) == 0
    assert CHECKS[format](report.proof(proof(Status.CONVERGED, proved=False), Page(), [Objection("LR001", "It swings.")])) == 1


# the schemas that are published


def strict(node: object) -> object:
    """The schema with no key allowed that it does not name."""
    if isinstance(node, list):
        return [strict(each) for each in node]
    if not isinstance(node, dict):
        return node
    closed = {name: strict(each) for name, each in node.items()}
    return {"additionalProperties": False, **closed} if "properties" in node and "required" in node else closed


def log(path: Path, values: np.ndarray) -> str:
    path.write_text("step,loss,lr\n" + "".join(f"{step},{value},{0.1 if step < 9 else 0.01}\n" for step, value in enumerate(values)))
    return str(path)


def test_what_diagnose_and_gate_print_is_all_in_the_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    falls = 0.2 + 2 * np.exp(-np.arange(90) / 9)
    logs = [log(tmp_path / "a.csv", falls), log(tmp_path / "b.csv", np.where(np.arange(90) > 60, np.nan, falls)), str(tmp_path / "gone")]
    for command in (
        ["diagnose", *logs],
        ["gate", *logs, "--reach", "loss<0.1"],
        ["diagnose", logs[0]],
        ["diagnose", logs[1], "--baseline", logs[0]],
    ):
        main([*command, "--format", "json"])
        jsonschema.validate(json.loads(capsys.readouterr().out), strict(schema("diagnose")))


def test_what_probe_prints_is_all_in_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    config = next(iter(sorted(PROBED.glob("*/config.yaml"))))
    main(["probe", str(config), "--examine-only", "--format", "json"])
    jsonschema.validate(json.loads(capsys.readouterr().out), strict(schema("probe")))


def test_a_whole_proof_is_in_the_schema() -> None:
    jsonschema.validate(json.loads(discover.reports()["json"].proof(proof(), Page())), strict(schema("probe")))


@pytest.mark.parametrize("name", ["config", "diagnose", "probe"])
def test_explain_publishes_the_schema(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--schema", name]) == 0
    published = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator.check_schema(published)
    assert published == json.loads(json.dumps(schema(name)))


def test_explain_schema_alone_stays_the_config_and_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--schema"]) == 0
    assert "training" in json.loads(capsys.readouterr().out)["properties"]
    assert main(["explain", "--schema", "diagnoze"]) == 2
    assert "did you mean 'diagnose'?" in capsys.readouterr().err


# as a job meets it


@pytest.fixture
def stalled(tmp_path: Path) -> str:
    return log(tmp_path / "stalled.csv", np.where(np.arange(90) > 60, np.nan, 1.0))


def test_github_also_writes_the_summary_of_the_job(
    stalled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert main(["gate", stalled, "--format", "github"]) == 1
    assert CHECKS["github"](capsys.readouterr().out) == 1
    assert summary.read_text().startswith("before\n<!-- lossdoctor -->\n### lossdoctor: 1 of 1 run fails")
    main(["gate", stalled])  # another format leaves it alone
    assert summary.read_text().count("###") == 1


def test_a_summary_that_cannot_be_written_does_not_change_the_outcome(
    stalled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "no" / "folder"))
    assert main(["gate", stalled, "--format", "github"]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_with_an_output_file_the_log_of_the_job_still_says_what_failed(
    stalled: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["gate", stalled, "--format", "junit", "--output", str(tmp_path / "gate.xml")]) == 1
    assert capsys.readouterr().out.startswith("FAIL")
    assert CHECKS["junit"]((tmp_path / "gate.xml").read_text()) == 1


@pytest.mark.parametrize("format", [*MACHINES, "html"])
def test_diagnose_takes_every_format(format: str, stalled: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", stalled, "--format", format]) == 0
    assert capsys.readouterr().out.strip()
