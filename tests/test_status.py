"""The status that a user reads, on curves with one plain shape each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossdoctor.core import discover
from lossdoctor.core.curve import Curve
from lossdoctor.core.diagnosis import Status, Verdict
from lossdoctor.core.examples import curve
from lossdoctor.core.run import Run
from lossdoctor.core.signals import Signals

RNG = np.random.default_rng(0)
T = np.arange(200.0)
FALL = 0.2 + 2.1 * np.exp(-T / 15)


def run(**series: np.ndarray | list[float]) -> Run:
    return Run({label: curve(values, label) for label, values in series.items()})


def verdict(**series: np.ndarray | list[float]) -> Verdict:
    found: Verdict = Signals(discover.signals(), run=run(**series)).get("verdict")
    return found


def noisy(values: np.ndarray, size: float, seed: int = 0) -> np.ndarray:
    return values * (1 + size * np.random.default_rng(seed).standard_normal(len(values)))


CASES: dict[Status, dict[str, Any]] = {
    Status.CONVERGED: {"train_loss": noisy(FALL, 0.02), "val_loss": noisy(FALL + 0.05, 0.02, 1)},
    Status.IMPROVING: {"train_loss": noisy(3 * (T + 5) ** -0.3, 0.01)},
    Status.NEVER_LEARNED: {"train_loss": noisy(np.full(200, np.log(10)), 0.003), "train_accuracy": noisy(np.full(200, 0.1), 0.05)},
    Status.SLOW: {"train_loss": noisy(2.3 - 0.0006 * T, 0.001)},
    Status.OSCILLATING: {"train_loss": 1 + 0.5 * np.sin(T * 2.2) + 0.1 * RNG.standard_normal(200)},
    Status.DIVERGING: {"train_loss": np.concatenate([FALL[:100], 0.2 + 0.05 * T[:100]])},
    Status.NON_FINITE: {"train_loss": np.where(T < 120, FALL, np.nan)},
    Status.OVERFITTING: {"train_loss": FALL * np.exp(-T / 100), "val_loss": noisy(FALL + 0.6 + 0.004 * np.maximum(T - 50, 0), 0.01)},
    Status.STALLED: {"train_loss": np.where(T < 5, 5.83 - 0.02 * T, 5.73) + 0.001 * RNG.standard_normal(200)},
    Status.TOO_SHORT: {"train_loss": [0.7, 0.6, 0.65]},
}


@pytest.mark.parametrize("status", CASES, ids=str)
def test_each_status_on_its_plain_case(status: Status) -> None:
    assert verdict(**CASES[status]).status is status


@pytest.mark.parametrize("status", CASES, ids=str)
@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_the_unit_of_the_loss_does_not_matter(status: Status, scale: float) -> None:
    if status is Status.NEVER_LEARNED:
        pytest.skip("ln C is a level that has a unit")
    scaled = {label: np.asarray(values) * scale for label, values in CASES[status].items()}
    assert verdict(**scaled).status is status


def test_a_handful_of_points_without_a_trend_is_too_short() -> None:
    assert verdict(train_loss=[4.27, 4.30, 4.21, 4.33, 4.25, 4.31, 4.28, 4.36]).status is Status.TOO_SHORT


def test_few_points_are_never_sure() -> None:
    found = verdict(train_loss=noisy(np.full(15, 2.3), 0.01))
    assert found.status is Status.NEVER_LEARNED
    assert found.confidence <= 0.8


def test_a_softmax_applied_twice_is_told_by_its_law() -> None:
    accuracy = 0.1 + 0.5 * (1 - np.exp(-T / 15))
    squeezed = np.log(np.e + 9) - accuracy
    squeezed[0] = np.log(10)
    found = verdict(train_loss=squeezed, train_accuracy=accuracy)
    assert found.status is Status.STALLED
    assert "softmax applied twice" in found.summary
    calibrated = np.log(10) * (1 - accuracy) / 0.9
    assert "softmax" not in verdict(train_loss=calibrated, train_accuracy=accuracy).summary


def test_validation_that_swings_wide_at_a_constant_rate_has_lower_levels_within_reach() -> None:
    wide = np.maximum(0.4 * np.exp(0.9 * np.random.default_rng(1).standard_normal(40)), 1.6 * np.exp(-np.arange(40.0)))
    constant, annealed = np.full(40, 0.1), np.geomspace(0.1, 1e-4, 40)
    learned = 0.05 + np.exp(-np.arange(40.0))
    found = verdict(train_loss=learned, val_loss=wide, lr=constant)
    assert found.status is Status.STALLED
    assert "does not keep" in found.summary
    assert "does not keep" not in verdict(train_loss=learned, val_loss=wide, lr=annealed).summary


def test_a_training_loss_that_only_comes_down_to_flat_validation_learned_nothing() -> None:
    train = noisy(1.0 + 0.9 * np.exp(-T / 2), 0.02)
    assert verdict(train_loss=train, val_loss=noisy(np.full(200, 1.0), 0.01)).status is Status.NEVER_LEARNED


def test_fine_tuning_that_gains_nothing_had_learned_before() -> None:
    flat = np.full(200, 0.4)
    assert verdict(train_loss=noisy(flat, 0.1), val_loss=noisy(flat + 0.15, 0.01, 1)).status is not Status.NEVER_LEARNED


def test_a_few_classes_hardly_told_apart_leave_more_within_reach() -> None:
    def flat_at(reached: float, classes: int) -> Verdict:
        way = 1 - np.exp(-T / 8)
        return verdict(train_loss=noisy(np.log(classes) * (1 - 0.3 * way), 0.005), train_accuracy=(1 - way) / classes + reached * way)

    assert flat_at(0.35, 6).status is Status.STALLED
    assert "little more than a guess" in flat_at(0.35, 6).summary
    assert flat_at(0.6, 6).status is Status.CONVERGED
    assert flat_at(0.35, 14).status is Status.CONVERGED  # a text may be no more predictable than that


def test_a_handful_of_points_on_which_validation_stands_still_learned_nothing() -> None:
    still = 2.3 + 0.001 * np.array([0, 1, -1, 0, 1, 0, -1, 0])
    assert verdict(train_loss=[2.31, 2.29, 2.3, 2.32, 2.3, 2.29, 2.31, 2.3], val_loss=still).status is Status.NEVER_LEARNED
    assert verdict(train_loss=[2.31, 2.29, 2.3, 2.32, 2.3, 2.29, 2.31, 2.3], val_loss=2.3 + 30 * (still - 2.3)).status is Status.TOO_SHORT


def test_what_comes_back_from_a_blow_up_is_learning() -> None:
    blown_up = np.concatenate([[0.05, 0.04, 0.05], 8 * np.exp(-T / 120)])
    assert verdict(train_loss=noisy(blown_up, 0.05)).status is not Status.NEVER_LEARNED


def test_a_late_start_is_not_slow() -> None:
    straight, late = 2.3 - 0.001 * T, 2.3 - 0.2 * (T / 200) ** 4
    assert verdict(val_loss=noisy(straight, 1e-4)).status is Status.SLOW
    assert verdict(val_loss=noisy(late, 1e-4)).status is not Status.SLOW


def test_validation_parts_from_a_noisy_training_loss() -> None:
    train = noisy(0.02 + FALL * np.exp(-T / 20), 0.8)
    assert verdict(train_loss=train, val_loss=noisy(0.3 + FALL + 0.004 * np.maximum(T - 60, 0), 0.01)).status is Status.OVERFITTING


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.floats(width=64) | st.sampled_from([0.0, 1.0, float("nan"), float("inf"), -float("inf"), 1e308]), max_size=40),
    st.lists(st.floats(width=64), max_size=40),
)
def test_odd_input_never_crashes(train: list[float], val: list[float]) -> None:
    series = {label: values for label, values in (("train_loss", train), ("val_loss", val)) if values}
    found = verdict(**series)
    assert 0 <= found.confidence <= 1
    if len(train) < 4 and len(val) < 4 and found.status is not Status.NON_FINITE:
        assert found.status is Status.TOO_SHORT


def test_a_power_law_still_improves_however_steep_its_start_was() -> None:
    """The next quarter gains little beside the whole fall from 5, yet a tenth of the level."""
    assert verdict(train_loss=noisy(5 * (np.arange(60.0) + 1) ** -0.5, 0.001)).status is Status.IMPROVING


def test_a_handful_of_points_that_fall_to_the_last_have_not_come_to_rest() -> None:
    falling = verdict(val_loss=[0.92, 0.61, 0.66, 0.59, 0.62, 0.57])
    assert falling.status is not Status.CONVERGED
    resting = verdict(val_loss=[0.92, 0.57, 0.571, 0.572, 0.57, 0.571, 0.5705, 0.571])
    assert resting.status is Status.CONVERGED
    assert resting.confidence < 0.7


def test_a_validation_loss_that_climbs_for_long_overfits_however_its_points_swing() -> None:
    t = np.arange(50.0)
    val = noisy(0.37 + 2.6 * np.exp(-t / 2.5) + 0.0016 * (t - 16).clip(0), 0.08, 3)
    found = verdict(train_loss=0.01 + 5 * np.exp(-t / 5), val_loss=val)
    assert found.status is Status.OVERFITTING


def test_a_validation_loss_that_falls_again_is_no_overfitting() -> None:
    """Epoch-wise double descent: Nakkiran et al. 2020, Heckel and Yilmaz 2020."""
    t = np.arange(100.0)
    val = 0.95 + 0.36 * np.sin(np.pi * np.minimum(t, 70) / 80)
    again = np.where(t < 45, val, val[45] - 0.004 * (t - 45))
    train = 0.07 + 0.7 * np.exp(-t / 4) + 0.05 * np.exp(-t / 60)
    assert verdict(train_loss=train, val_loss=noisy(again, 0.004)).status is Status.IMPROVING
    assert verdict(train_loss=train, val_loss=noisy(np.where(t < 45, val, val[45]), 0.004)).status is Status.OVERFITTING


def late(label: str, values: np.ndarray, first: float) -> Verdict:
    curve = Curve("loss", label, first + np.arange(len(values)), values)
    found: Verdict = Signals(discover.signals(), run=Run({curve.label: curve})).get("verdict")
    return found


def test_a_log_without_its_beginning_does_not_tell_what_was_learned() -> None:
    flat = noisy(np.full(60, 1.2), 0.02)
    assert late("train", flat, 0).status is Status.NEVER_LEARNED
    assert late("train", flat, 500).status is Status.TOO_SHORT
    assert late("train", np.concatenate([np.linspace(0.37, 0.28, 30), noisy(np.full(30, 0.4), 0.01)]), 500).status is Status.DIVERGING


def test_a_loss_shown_as_zero_without_a_finite_gradient_is_not_a_number() -> None:
    lost = verdict(train_loss=[2.0, 1.9, 0, 0, 0, 0], grad_norm=[1.0, 9.0, *[np.nan] * 4])
    assert (lost.status, lost.onset_step) == (Status.NON_FINITE, 2)
    assert "shown as 0" in lost.summary
    solved = verdict(train_loss=[2.0, 1.0, 0.1, 0, 0, 0, 0], grad_norm=[1.0, 1.0, 0.1, 0, 0, 0, 0])
    assert solved.status is not Status.NON_FINITE


def test_a_loss_of_zero_from_the_start_learned_nothing() -> None:
    assert verdict(train_loss=np.zeros(40)).status is Status.NEVER_LEARNED


def test_a_training_loss_that_rises_while_validation_falls_got_harder_examples() -> None:
    train = noisy(np.where(T < 40, FALL, 1.2), 0.03)
    assert verdict(train_loss=train).status is Status.DIVERGING
    assert verdict(train_loss=train, val_loss=noisy(0.3 + 2 * np.exp(-T / 60), 0.05, 1)).status is not Status.DIVERGING


def test_few_points_suffice_where_validation_stands_far_above_training() -> None:
    train = [0.34, 0.17, 0.13, 0.11, 0.08, 0.06, 0.045, 0.03, 0.027, 0.021]
    val = [0.216, 0.237, 0.196, 0.205, 0.231, 0.226, 0.227, 0.277, 0.259, 0.268]
    assert verdict(train_loss=train, val_loss=val).status is Status.OVERFITTING
    assert verdict(train_loss=np.array(train) * 0.1 + 0.12, val_loss=val).status is not Status.OVERFITTING


def test_losses_of_a_game_are_said_to_be_what_they_are() -> None:
    said = verdict(train_g_loss=FALL, train_d_loss=FALL)
    assert said.status is Status.TOO_SHORT
    assert "game" in said.summary


def test_training_and_validation_must_agree_on_the_classes_of_a_softmax_applied_twice() -> None:
    share = np.linspace(0.1, 0.97, 200)
    law = np.linspace(np.log(10), np.log(np.e + 9) - 0.97, 200)  # of ten classes
    signals = {"train_loss": law, "train_accuracy": share, "val_loss": law, "val_accuracy": share}
    assert Signals(discover.signals(), run=run(**signals)).get("double_softmax") == 10
    assert Signals(discover.signals(), run=run(**signals | {"val_loss": law + 1.0})).get("double_softmax") is None


def test_what_settled_at_the_end_is_not_flat_since_then() -> None:
    assert "is flat since step" in verdict(train_loss=FALL).summary
    assert verdict(train_loss=0.4 * np.exp(-T[:15] / 3)).summary.endswith("and changes little now.")


def test_one_point_is_one_point() -> None:
    assert verdict(train_loss=[1.0]).summary == "1 point of train_loss is too few to say."


def test_an_accuracy_just_over_1_is_in_per_cent() -> None:
    found = Signals(discover.signals(), run=run(train_loss=FALL, train_accuracy=np.linspace(0.1, 1.2, 200)))
    assert found.get("train_accuracy").last == pytest.approx(0.012)


def test_of_few_points_the_training_loss_is_judged_where_it_has_far_more() -> None:
    assert verdict(train_loss=[3.0, 2.0, 1.0], val_loss=[1.0]).summary.startswith("3 points of train_loss")
    assert verdict(train_loss=[3.0, 2.0, 1.0], val_loss=[3.0, 2.0]).summary.startswith("2 points of val_loss")
