"""The measurements beneath the status: each against curves whose answer is known."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lossdoctor.core import discover
from lossdoctor.core.curve import Curve, Floats
from lossdoctor.core.examples import curve, falling, flat, halted, noisy, sloping, stepping, u_turn
from lossdoctor.core.run import Run
from lossdoctor.core.shape import shape
from lossdoctor.core.signals import Signals
from lossdoctor.core.statistics import bins, noise, trend


def signals(*curves: Curve, **columns: str) -> Signals:
    return Signals(discover.signals(), run=Run({c.label: c for c in curves}, columns=columns))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_noise_is_measured_on_a_slope_and_past_spikes(scale: float) -> None:
    values = (np.linspace(5, 1, 1000) + 0.1 * np.random.default_rng(0).standard_normal(1000)) * scale
    values[::100] += 50 * scale
    assert noise(values) == pytest.approx(0.1 * scale, rel=0.25)


def test_noise_of_a_running_mean_is_not_taken_for_small() -> None:
    raw = np.random.default_rng(0).standard_normal(4000)
    running = np.convolve(raw, np.ones(20) / 20, "valid")
    assert noise(running) > 0.6 * running.std()


def test_trend_tells_a_fall_from_noise() -> None:
    rng = np.random.default_rng(0)
    assert trend(np.linspace(1, 0.9, 200) + 0.02 * rng.standard_normal(200)).z < -3
    assert abs(trend(1 + 0.02 * rng.standard_normal(200)).z) < 2.6


def test_bins_keep_the_level_through_outliers() -> None:
    values = np.ones(100_000)
    values[::50] = 1e9
    reduced = bins(curve(values))
    assert len(reduced) <= 256
    assert set(reduced.value) == {1.0}


def test_a_first_loss_that_dwarfs_the_rest_is_no_level() -> None:
    values = falling(2.3, 0.2).value.copy()
    values[0] = 1e32
    assert shape(curve(values)).start < 3


def test_a_curve_has_settled_where_its_fall_ended() -> None:
    assert shape(stepping(1.0, 0.2, at=0.4, label="train_loss")).settled_step == pytest.approx(80, abs=5)
    tau = 200 / 15
    assert shape(falling()).settled_step == pytest.approx(tau * math.log(1 / 0.03), abs=4)


FALLS = {
    "power": lambda t: 0.3 + 0.7 * (1 + t / 10) ** -0.5,
    "exponential": lambda t: 0.3 + 0.7 * np.exp(-t / 80),
    "flat": lambda t: np.ones_like(t),
}


@pytest.mark.parametrize("kind", FALLS)
def test_the_forecast_interval_holds_the_truth(kind: str) -> None:
    t = np.arange(200.0)
    hits = []
    for seed in range(20):
        values = FALLS[kind](t) + 0.01 * np.random.default_rng(seed).standard_normal(200)
        found = signals(curve(values)).get("forecast")
        truth = FALLS[kind](np.array([found.at_step]))[0]
        hits.append(found.low <= truth <= found.high)
        assert found.high - found.low < 0.25
    assert np.mean(hits) >= 0.8


def test_the_forecast_abstains_on_few_points_and_at_learning_rate_zero() -> None:
    assert signals(falling(points=5)).get("forecast") is None
    spent = signals(falling(), sloping(0.1, 0.0, "lr"))
    assert spent.get("forecast") is None
    assert "learning rate has run out" in spent.reason("projection")


def test_a_reward_is_judged_turned_and_shown_as_it_is() -> None:
    found = signals(noisy(flat(3.0), 0.3), curve(200 - falling(200, 0).value, "reward"))
    assert found.get("judged_loss").label == "reward"
    assert (np.diff(found.get("judged_loss").value) <= 0).all()
    assert found.get("forecast").value > 190
    assert "200" in found.get("verdict").summary


def test_losses_of_a_game_are_judged_by_what_stands_beside_them() -> None:
    game = [curve(3 - falling().value, "train_d_loss"), noisy(flat(2.0), 0.3), curve(np.ones(200), "entropy")]
    game[1] = curve(game[1].value, "train_gen_loss")
    assert signals(*game).get("judged_loss") is None
    assert signals(*game, falling(label="train_cycle_loss")).get("judged_loss").label == "train_cycle_loss"


@pytest.mark.parametrize("score", ["val_cosine", "val_mrr", "val_hits10", "val_ndcg10", "val_kappa", "val_map50", "val_auprc"])
def test_a_score_is_judged_upside_down_and_a_distance_is_not(score: str) -> None:
    found = signals(curve(0.9 - falling(0.7, 0.1).value, score), curve(0.9 - falling(0.6, 0.1).value, score.replace("val", "train")))
    assert found.get("judged_loss").label == score
    assert found.get("judged_sign") == -1
    assert signals(falling(label="val_cosine_distance")).get("judged_sign") == 1


def test_what_is_measured_of_a_reward_is_no_reward() -> None:
    precise = curve(0.9 - falling(0.7, 0.1).value, "train_reward_precision")
    assert signals(falling(), precise).get("reward") is None
    assert signals(falling(), curve(precise.value, "prey_reward")).get("reward").label == "prey_reward"


def test_a_log_probability_becomes_a_loss() -> None:
    rising = curve(-falling(1.0, 0.1).value, "train_loss")
    assert signals(rising, train_loss="train_objective").get("train_loss").last == pytest.approx(0.1, abs=0.01)
    assert signals(rising).get("train_loss").last == pytest.approx(-0.1, abs=0.01)


def test_three_spikes_are_three() -> None:
    values = falling().value.copy()
    for at in (60, 100, 150):
        values[at : at + 3] += [5, 3, 1]
    assert list(signals(curve(values)).get("spikes").step) == [60, 100, 150]
    assert len(signals(noisy(falling(), 0.1)).get("spikes")) == 0


def test_a_sawtooth_has_its_period_and_noise_has_none() -> None:
    rng = np.random.default_rng(0)
    sawtooth = np.tile([3.0, 0.01, 0.2, 0.4], 50) * np.exp(0.3 * rng.standard_normal(200))
    assert signals(curve(sawtooth)).get("period") == 4
    assert signals(noisy(falling(2.3, 1.0), 0.3)).get("period") is None
    assert signals(curve(np.cumsum(rng.standard_normal(200)) + 50)).get("period") is None


@pytest.mark.parametrize(("last", "expected"), [(0.5, True), (0.83, False)])
def test_a_constant_guess_has_balanced_accuracy_one_over_c(last: float, expected: bool) -> None:
    assert signals(flat(last, "val_balanced_accuracy")).get("constant_guess") is expected


def test_the_number_of_classes_is_read_off_the_first_loss() -> None:
    found = signals(falling(math.log(10), 0.1), sloping(0.1, 0.9, "train_accuracy"))
    assert found.get("classes") == 10
    assert signals(falling(math.log(10), 0.1)).get("classes") is None


def test_a_dead_halt_is_no_convergence() -> None:
    assert signals(replace(halted(sloping(2.3, 0.1, "val_loss"), 0.1))).get("halt_step") == 20
    assert signals(falling(label="val_loss")).get("halt_step") is None


def test_the_answer_to_a_learning_rate_drop_is_no_fall_before_it() -> None:
    staircase = signals(stepping(1.0, 0.3, at=0.5, label="train_loss"), stepping(0.1, 0.001))
    assert staircase.get("lr_spent_step") == 100
    assert staircase.get("fall_before_spent") == pytest.approx(0, abs=0.01)
    early = signals(halted(sloping(2.3, 0.1), 0.2), stepping(0.1, 1e-6, at=0.2))
    assert early.get("fall_before_spent") > 0.1


def test_non_finite_counts_only_to_the_end() -> None:
    values: list[Any] = [1.0, math.nan, 0.9, 0.8, 0.7]
    assert signals(curve(values)).get("non_finite_step") is None
    assert signals(curve([*values, math.nan, math.inf])).get("non_finite_step") == 5
    blanks = [1.0, math.nan, math.nan, 0.9, math.nan, math.nan, 0.8, math.nan]  # measured at every third row
    assert signals(curve(blanks)).get("non_finite_step") is None
    other = signals(falling(), curve(np.full(200, math.nan), "grad_norm"))
    assert other.get("non_finite_step") is None


def test_steps_that_go_back_are_counted_instead() -> None:
    back: Floats = np.arange(200.0) % 50
    found = signals(replace(u_turn(label="train_loss"), step=back))
    assert list(found.get("judged_loss").step[:3]) == [0, 1, 2]
    assert found.get("judged_loss").step[-1] == 199
