"""The sample runs: each log gets the status of its folder, each config names its fault, and the script makes what lies there."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

from lossdoctor import Patch, diagnose, probe
from lossdoctor.core.config import load

SAMPLES = Path(__file__).parent.parent / "sample_runs"
LOGS = sorted(path.parent for path in SAMPLES.glob("*/expected.json"))
CONFIGS = sorted(path.parent for path in (SAMPLES / "probe").glob("*/expected.json"))


def expected(folder: Path) -> Any:
    return json.loads((folder / "expected.json").read_text())


def log_of(folder: Path) -> Path:
    (log,) = (path for path in folder.iterdir() if path.name != "expected.json")
    return log


@pytest.fixture(scope="module")
def script() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SAMPLES)
        return importlib.import_module("make_samples")


@pytest.mark.parametrize("folder", LOGS, ids=lambda folder: folder.name)
def test_a_log_has_the_status_of_its_folder(folder: Path) -> None:
    (diagnosis,) = diagnose(log_of(folder))
    assert diagnosis.status == expected(folder)["status"], diagnosis.verdict.summary
    assert folder.name.startswith(diagnosis.status)


@pytest.mark.parametrize("folder", [folder for folder in LOGS if expected(folder)["family"] is None], ids=lambda folder: folder.name)
def test_a_healthy_log_gets_no_warning(folder: Path) -> None:
    (diagnosis,) = diagnose(log_of(folder))
    assert [finding.code for finding in diagnosis.findings if finding.severity != "info"] == []


def test_every_log_is_small_and_made_by_the_script(script: ModuleType) -> None:
    assert {folder.name for folder in LOGS} == {sample.folder for sample in script.SAMPLES}
    assert max(log_of(folder).stat().st_size for folder in LOGS) < 60_000


def test_the_script_makes_the_log_that_lies_there(script: ModuleType, tmp_path: Path) -> None:
    sample = next(sample for sample in script.SAMPLES if sample.folder == "converged_breast_cancer")
    made = sample.make(tmp_path)
    assert expected(made) == expected(SAMPLES / sample.folder)
    pd.testing.assert_frame_equal(pd.read_csv(made / "log.csv"), pd.read_csv(SAMPLES / sample.folder / "log.csv"), rtol=1e-3)


@pytest.mark.parametrize("folder", CONFIGS, ids=lambda folder: folder.name)
def test_the_sound_twin_differs_by_the_fault_alone(folder: Path) -> None:
    file = load(folder / "config.yaml")
    assert file.patched(Patch(expected(folder)["sound"])) == load(folder / "sound.yaml").config


def test_examining_alone_names_a_fault(tmp_path: Path) -> None:
    proof = probe(SAMPLES / "probe" / "unscaled_features" / "config.yaml", examine_only=True, fixed=tmp_path / "fixed.yaml")
    assert "preprocessing" in [finding.family for finding in proof.examination.findings]
    assert proof.prescription is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("folder", CONFIGS, ids=lambda folder: folder.name)
def test_the_probe_prescribes_against_the_fault(folder: Path, tmp_path: Path) -> None:
    proof = probe(folder / "config.yaml", fixed=tmp_path / "fixed.yaml")
    prescribed = proof.prescription.chosen[0].fix.family if proof.prescription else None
    assert prescribed == expected(folder)["family"]
