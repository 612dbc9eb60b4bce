"""From a run to its findings, and the fixes they call for."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossdoctor.core.curve import Curve
from lossdoctor.core.diagnosis import Diagnosis, Status
from lossdoctor.core.errors import UsageError
from lossdoctor.core.examples import curve, falling, flat, halted, noisy, sloping, spiky, stepping, u_turn
from lossdoctor.core.run import Run
from lossdoctor.diagnose import diagnose


def told(*curves: Curve, **options: object) -> Diagnosis:
    return diagnose(Run({c.label: c for c in curves}), **options)[0]  # type: ignore[arg-type]


def codes(diagnosis: Diagnosis) -> set[str]:
    return {finding.code for finding in diagnosis.findings if finding.severity != "info"}


ILL = {
    "LR001": [u_turn(2.3, 0.5, 4.0, "train_loss")],
    "LR002": [noisy(sloping(2.3, 2.15), 0.002)],
    "LR003": [halted(sloping(2.3, 0.1), 0.2), stepping(0.1, 1e-6, at=0.2)],
    "STOP001": [falling(2.3, 0.05), noisy(u_turn(2.3, 1.2, 2.0), 0.01)],
    "IMB001": [falling(), noisy(sloping(0.7, 0.95, "val_accuracy"), 0.01), sloping(0.3, 0.5, "val_balanced_accuracy")],
    "GRAD001": [u_turn(2.3, 0.5, 4.0, "train_loss"), spiky(noisy(flat(1.0, "grad_norm"), 0.1), 60)],
    "GRAD002": [noisy(flat(2.3), 0.001), falling(1.0, 1e-9, "grad_norm")],
    "NUM001": [curve(np.where(np.arange(200) < 50, falling().value, np.nan))],
    "FRZ001": [flat(2.31), flat(2.3, "val_loss")],
    "ACT001": [noisy(flat(2.3), 0.05), noisy(flat(2.3, "val_loss"), 1e-4)],
    "REG002": [curve([2.34, 2.32, *noisy(flat(2.3026), 1e-5).value])],
    "LOSS003": [
        falling(0.5, 0.02),
        noisy(sloping(0.3, 0.2, "val_loss"), 0.002),
        curve(1 - noisy(u_turn(0.9, 0.05, 0.2), 0.01).value, "val_ssim"),
    ],
    "NORM001": [
        noisy(falling(0.5, 0.08, points=14), 0.01),
        curve([np.nan] * 6 + [2.6, 18.4, 4.6, 0.8, 5.6, 4.1, 4.4, 0.6], "val_loss"),
        curve([0.01] * 6 + [0.5, 0.04, 0.3, 0.8, 0.3, 0.4, 0.6, 0.85], "val_accuracy"),
    ],
    "REG001": [falling(2.3, 0.01), noisy(falling(2.3, 1.2, "val_loss"), 0.005)],
    "LOG004": [falling(), falling(label="val_loss")],
}


@pytest.mark.parametrize("code", ILL)
def test_an_illness_is_named(code: str) -> None:
    found = told(*ILL[code])
    assert code in codes(found)
    assert not found.examination.crashed


def test_validation_that_stands_still_speaks_for_dead_units_not_for_large_steps() -> None:
    restless = noisy(flat(2.3), 0.05)
    assert "LR001" not in codes(told(restless, noisy(flat(2.3, "val_loss"), 1e-4)))
    moving = codes(told(restless, noisy(flat(2.3, "val_loss"), 0.02)))
    assert "LR001" in moving
    assert "ACT001" not in moving


SINCE = np.arange(200) - 90
SPIKE = np.where(SINCE >= 0, 4 * np.exp(-np.maximum(SINCE, 0) / 3), 0)
HEALTHY = {
    "converged": [noisy(falling(), 0.03), noisy(falling(2.3, 0.25, "val_loss"), 0.02), sloping(0.1, 0.0, "lr")],
    "staircase": [noisy(curve(np.repeat([1.0, 0.5, 0.4], 60)), 0.02), curve(np.repeat([0.1, 0.01, 0.001], 60), "lr")],
    "long plateau, then learning": [noisy(curve(np.concatenate([np.full(60, 2.3), falling(points=140).value])), 0.01)],
    "a spike it recovered from": [
        noisy(curve(falling().value + 4 * np.exp(-np.maximum(np.arange(200) - 90, 0) / 3) * (np.arange(200) >= 90)), 0.02)
    ],
    "a huge first loss": [curve(np.concatenate([[1e32], noisy(falling(), 0.02).value]))],
    "NaN elsewhere": [noisy(falling(), 0.02), curve(np.full(200, np.nan), "grad_norm")],
    "one NaN": [curve(np.where(np.arange(200) == 70, np.nan, noisy(falling(), 0.02).value))],
    "below zero": [curve(noisy(falling(2.3, 0.2), 0.02).value - 1.5)],
    "a reward that rises": [noisy(flat(5.0), 0.4), curve(200 - falling(180, 5).value, "reward")],
    "a small, noisy validation set": [noisy(falling(), 0.02), noisy(falling(2.3, 0.3, "val_loss", points=30), 0.1)],
    "memorised": [noisy(falling(1.8, 1e-4), 0.4)],
}


@pytest.mark.parametrize("case", HEALTHY)
def test_a_healthy_run_gets_no_warning(case: str) -> None:
    found = told(*HEALTHY[case])
    assert found.status.healthy is not False, found.verdict.summary
    assert codes(found) == set(), [finding.message for finding in found.findings]


def test_overfitting_that_left_a_score_at_its_best_is_a_warning() -> None:
    ill = [falling(2.3, 0.05), noisy(u_turn(2.3, 1.2, 2.0), 0.01)]
    risen, fallen = (told(*ill, curve(1 - off.value, "val_accuracy")).findings[0] for off in (falling(0.9, 0.1), u_turn(0.9, 0.1, 0.4)))
    assert (risen.code, risen.severity, fallen.code, fallen.severity) == ("STOP001", "warning", "STOP001", "error")
    assert "val_accuracy is still near its best" in risen.message


def test_a_score_that_worsens_under_a_falling_loss_must_be_of_all_that_is_asked() -> None:
    loss, worse = ILL["LOSS003"][:2], ILL["LOSS003"][2]
    assert "LOSS003" not in codes(told(*loss, curve(worse.value, "val_recall")))
    assert "LOSS003" not in codes(told(*loss, curve(worse.value, "val_cat_iou")))
    assert "LOSS003" in codes(told(*loss, curve(1 - worse.value, "val_wer")))


def test_of_a_game_nothing_is_said_but_that_it_is_one() -> None:
    unequal = [noisy(u_turn(1.4, 0.7, 3.0, "train_g_loss"), 0.3), noisy(falling(1.4, 0.1, "train_d_loss"), 0.3)]
    assert [finding.code for finding in told(*unequal).findings] == ["LOG006"]
    assert "LOG006" not in {finding.code for finding in told(*unequal, falling(90, 20, "val_fid")).findings}


def test_a_reward_is_no_matter_of_the_learning_rate_and_keeps_its_sign() -> None:
    td_loss = curve(np.where(np.arange(200) < 20, np.nan, noisy(falling(40.0, 2.3), 0.3).value))
    found = told(td_loss, noisy(flat(-21.0, "reward"), 0.05))
    assert {finding.code for finding in found.findings} == {"LR006"}
    assert "reward stayed at -2" in found.findings[0].message


def test_the_noise_of_batches_is_not_blamed_on_the_learning_rate() -> None:
    swinging = noisy(flat(1.5), 0.5)
    assert "LR001" not in codes(told(swinging))
    assert "LR001" not in codes(told(noisy(flat(1.0), 0.05), flat(1e-4, "lr")))
    both = noisy(flat(1.0), 0.05), noisy(flat(1.0, "val_loss"), 0.02)
    assert "LR001" not in codes(told(*both, sloping(0.0, 1e-4, "lr")))
    assert "LR001" in codes(told(*both, flat(1e-4, "lr")))


def test_losses_on_two_scales_tell_nothing_of_dropout() -> None:
    summed = noisy(sloping(25.8, 21.3, points=40), 0.01)
    assert "DROP001" not in {f.code for f in told(summed, sloping(1.6, 1.33, "val_loss", points=40)).findings}
    parted = noisy(sloping(1.7, 1.5, points=40), 0.001)
    assert "DROP001" in {f.code for f in told(parted, noisy(sloping(1.6, 1.0, "val_loss", points=40), 0.001)).findings}


def test_validation_that_was_not_a_number_at_first_is_said() -> None:
    late = curve([np.nan] * 6 + [2.6, 18.4, 4.6, 0.8, 5.6, 4.1, 4.4, 0.6], "val_loss")
    found = told(falling(0.5, 0.08, points=14), late)
    assert "validation loss is not a number at 6 of 14" in next(f.message for f in found.findings if f.code == "NUM002")


def test_nan_gets_one_diagnosis_and_masks_its_consequences() -> None:
    found = told(*ILL["NUM001"])
    assert found.status is Status.NON_FINITE
    assert codes(found) == {"NUM001"}
    assert found.findings[0].step == 50
    assert "NUM001" in found.examination.skipped["STOP002"]


def test_every_check_of_a_log_is_accounted_for_once() -> None:
    found = told(*HEALTHY["converged"])
    outcome = [*(f.code for f in found.findings), *found.examination.passed, *found.examination.skipped, *found.examination.crashed]
    assert len(outcome) == len(set(outcome)) >= 16


def test_findings_bring_their_fixes_with_numbers() -> None:
    found = told(u_turn(2.3, 0.5, 4.0, "train_loss"), flat(0.1, "lr"))
    lowered = [remedy.patch.changes for remedy in found.remedies["LR001"] if remedy.fix.name == "lower-learning-rate"]
    assert lowered
    assert 0 < lowered[0]["training.optimizer.lr"] < 0.1


def test_the_peak_of_a_schedule_is_the_learning_rate_of_the_config() -> None:
    found = told(u_turn(2.3, 0.5, 4.0, "train_loss"), sloping(0.1, 0.0, "lr"))
    lowered = [remedy.patch.changes for remedy in found.remedies["LR001"] if remedy.fix.name == "lower-learning-rate"]
    assert lowered[0]["training.optimizer.lr"] == pytest.approx(0.01)


def test_select_ignore_and_thresholds() -> None:
    ill = ILL["REG001"]
    assert codes(told(*ill, select=["REG"])) == {"REG001"}
    assert codes(told(*ill, ignore=["REG"])) == set()
    assert codes(told(*ill, thresholds={"REG001.share": 0.999})) == set()
    assert codes(told(*ill)) == {"REG001"}, "an override must not outlive its call"
    with pytest.raises(UsageError, match="LR9"):
        told(*ill, select=["LR9"])
    with pytest.raises(UsageError, match=r"REG001\.nonsense"):
        told(*ill, thresholds={"REG001.nonsense": 1})


def test_a_step_of_the_verdict_lies_in_the_run() -> None:
    for curves in (*ILL.values(), *HEALTHY.values()):
        verdict = told(*curves).verdict
        for step in (verdict.onset_step, verdict.best_step, verdict.stop_step):
            assert step is None or 0 <= step <= 200
        assert verdict.wasted_fraction is None or 0 <= verdict.wasted_fraction <= 1


def test_a_long_run_is_quick() -> None:
    long = noisy(falling(points=200_000), 0.2)
    start = time.perf_counter()
    told(long, falling(2.3, 0.3, "val_loss", points=200_000))
    assert time.perf_counter() - start < 3


def test_diagnosis_imports_nothing_heavy() -> None:
    code = """
import sys
from lossdoctor.core.examples import falling
from lossdoctor.core.run import Run
from lossdoctor.diagnose import diagnose
diagnose(Run({"train_loss": falling()}))
print([name for name in ("torch", "sklearn", "scipy", "pydantic", "pandas") if name in sys.modules])
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


NUMBERS = st.floats(width=64) | st.sampled_from([0.0, 0.25, 0.5, 1.0, float("nan"), float("inf"), -float("inf"), 1e308, -1e308])
LABELS = ["train_loss", "val_loss", "lr", "grad_norm", "train_accuracy", "val_accuracy", "val_balanced_accuracy", "step_time", "reward"]


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(LABELS), st.lists(NUMBERS, min_size=1, max_size=60), min_size=1))
def test_no_check_crashes_on_odd_input(series: dict[str, list[float]]) -> None:
    found = told(*(curve(values, label) for label, values in series.items()))
    assert found.examination.crashed == {}
    for finding in found.findings:
        json.dumps(dict(finding.evidence))
